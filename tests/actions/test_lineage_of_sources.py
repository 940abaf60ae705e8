# SPDX-License-Identifier: Apache-2.0
"""What a history may be asked for, and what is said when it cannot be followed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.versions.lineage import Traced, clause_named, lineage
from policyctl.actions.versions.sources import Reading
from policyctl.adapters.repository.history import open_history
from policyctl.core.practice import Taxonomy
from policyctl.errors import CannotCompareError, PolicyctlError, UsageError
from tests.actions.instance import (
    DAYS,
    PRACTICES_2,
    SLUG,
    TEXT_1,
    TEXT_2,
    make_instance,
    make_published,
    policy,
    publish,
)
from tests.repos import ALONE, Repo, make_repo

FILE = f"policies/{SLUG}/policy.md"
PLAIN = (
    "# Sharing\n\nWe share your name with our processors and with nobody else.\n\n# Keeping\n\nFor a year.\n"
)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@cache
def taxonomy() -> Taxonomy:
    return wiring.catalogue().taxonomy


def trace(repo: Repo, spec: str, *, words: bool = False, max_bytes: int = 5_000_000) -> Traced:
    history = open_history(repo.root)
    try:
        reading = Reading(repo.root, history, taxonomy(), max_bytes)
        return lineage(spec, reading=reading, words=words)
    finally:
        history.close()


@pytest.fixture
def published(tmp_path: Path) -> Repo:
    """Two versions; between them a commit that was never published, after them another."""
    repo = make_published(tmp_path / "repo")
    repo.commit("Draft", policy(TEXT_1.replace("your account", "the account"), PRACTICES_2))
    repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
    publish(repo.root, DAYS[2])
    repo.commit("After", policy(TEXT_2 + "\nMore.\n", PRACTICES_2))
    return repo


def test_a_policy_is_followed_through_its_published_versions(published: Repo) -> None:
    found = trace(published, SLUG).lineage
    assert [(point.label, point.at) for point in found.points] == [("v1", DAYS[1]), ("v2", DAYS[2])]
    changed = {each.id: found.points[each.changed.point].label for each in found.clauses}
    assert changed == {"collect": "v2", "keep": "v1"}


def test_a_version_is_followed_up_to_itself(published: Repo) -> None:
    assert [point.label for point in trace(published, f"{SLUG}@v1").lineage.points] == ["v1"]


def test_a_file_of_a_revision_is_followed_through_its_commits(published: Repo) -> None:
    assert len(trace(published, f"HEAD:{FILE}").lineage.points) == 4
    assert len(trace(published, f"HEAD~1:{FILE}").lineage.points) == 3


def test_a_policy_without_versions_is_followed_through_its_commits(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "repo")
    repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
    assert len(trace(repo, SLUG).lineage.points) == 2


def test_any_markdown_file_will_do_and_its_renames_are_followed(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    repo.commit("one", {"privacy.md": PLAIN})
    repo.git("mv", "privacy.md", "statement.md")
    repo.commit("two", {"statement.md": PLAIN.replace("a year", "two years")})
    found = trace(repo, "HEAD:statement.md", words=True).lineage
    assert [point.source for point in found.points] == ["privacy.md", "statement.md"]
    assert [each.changed.point for each in found.clauses] == [0, 1]
    assert [age.point for each in found.clauses for age in each.sentences] == [0, 1]


def test_a_state_that_is_no_text_is_left_out_and_named(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    repo.commit("one", {"privacy.md": PLAIN})
    broken = repo.commit("broken", {"privacy.md": b"# Sharing \xff\n"})
    repo.commit("two", {"privacy.md": PLAIN.replace("a year", "two years")})
    found = trace(repo, "HEAD:privacy.md")
    assert len(found.lineage.points) == 2
    (remark,) = found.remarks
    assert broken[:12] in remark
    assert "not UTF-8" in remark


def test_a_clause_is_found_by_id_former_id_and_heading(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    repo.commit("one", {"privacy.md": PLAIN})
    repo.commit("two", {"privacy.md": PLAIN.replace("# Keeping", "# How long we keep it {#retention}")})
    found = trace(repo, "HEAD:privacy.md")
    by_name = [clause_named(found, name) for name in ("retention", "keeping", "how long we keep it")]
    assert [each.id for each in by_name] == ["retention"] * 3
    with pytest.raises(UsageError) as error:
        clause_named(found, "retentoin")
    assert "retention" in error.value.hint


@pytest.mark.parametrize(
    ("spec", "code", "words"),
    [
        ("HEAD:nowhere.md", 3, "nowhere.md"),
        ("nobranch:privacy.md", 3, "nobranch"),
        ("privacy.md", 2, "HEAD:privacy.md"),
        ("./privacy.md", 2, "HEAD:privacy.md"),
        ("unknown", 3, "unknown"),
        ("unknown@v2", 3, "unknown@v2"),
        ("HEAD:docs", 3, "folder"),
        ("HEAD:../privacy.md", 2, ".."),
        ("--output=x:privacy.md", 2, "--output"),
        ("", 2, ""),
    ],
)
def test_what_cannot_be_followed_is_refused_with_a_mend(
    tmp_path: Path, spec: str, code: int, words: str
) -> None:
    repo = make_repo(tmp_path / "repo")
    repo.commit("one", {"privacy.md": PLAIN, "docs/x.md": "x"})
    with pytest.raises(PolicyctlError) as error:
        trace(repo, spec)
    assert error.value.exit_code == code
    assert error.value.hint
    assert words in f"{error.value} {error.value.hint}"


def test_a_shallow_clone_does_not_pass_for_the_whole_history(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    for number in range(3):
        repo.commit(str(number), {"privacy.md": f"{PLAIN}{number}\n"})
    clone = Repo(tmp_path / "clone")
    repo.git("clone", "-q", "--depth", "1", repo.root.as_uri(), str(clone.root))
    with pytest.raises(CannotCompareError, match="shallow"):
        trace(clone, "HEAD:privacy.md")


def test_outside_of_a_repository_there_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(CannotCompareError):
        lineage("HEAD:x.md", reading=Reading(tmp_path, None, taxonomy()))


def test_a_text_over_the_limit_is_refused(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    repo.commit("one", {"privacy.md": PLAIN})
    with pytest.raises(PolicyctlError) as error:
        trace(repo, "HEAD:privacy.md", max_bytes=10)
    assert error.value.exit_code == 3
