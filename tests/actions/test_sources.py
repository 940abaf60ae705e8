# SPDX-License-Identifier: Apache-2.0
"""What OLD and NEW may name, and what is said when they cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.versions.compare import diff
from policyctl.actions.versions.sources import Source, load_source
from policyctl.adapters.repository.history import open_history
from policyctl.core.practice import Taxonomy
from policyctl.errors import CannotCompareError, InputError, PolicyctlError, UsageError
from tests.actions.instance import (
    DAYS,
    PRACTICES_2,
    SLUG,
    TEXT_1,
    TEXT_2,
    make_published,
    policy,
)
from tests.repos import ALONE, Repo, make_repo, repo_of_versions

FILE = f"policies/{SLUG}/policy.md"
DAY = DAYS[2].date()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return wiring.catalogue().taxonomy


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """v1 published, v2 committed, one more word in the work tree."""
    made = make_published(tmp_path / "repo")
    made.commit("Second text", policy(TEXT_2, PRACTICES_2))
    made.write(FILE, TEXT_2 + "\nDraft.\n")
    return made


def load(repo: Repo, spec: str, taxonomy: Taxonomy, here: str = ".") -> Source:
    return load_source(spec, here=repo.root / here, history=open_history(repo.root), taxonomy=taxonomy)


@pytest.mark.parametrize(
    ("spec", "text", "declares"),
    [
        (f"{SLUG}@v1", TEXT_1, ["account"]),
        (SLUG, TEXT_2 + "\nDraft.\n", ["account", "newsletter"]),
        (FILE, TEXT_2 + "\nDraft.\n", None),
        (f"HEAD:{FILE}", TEXT_2, None),
        (f"main~1:{FILE}", TEXT_1, None),
    ],
)
def test_each_form_reads_its_own_text(
    repo: Repo, taxonomy: Taxonomy, spec: str, text: str, declares: list[str] | None
) -> None:
    source = load(repo, spec, taxonomy)
    assert source.document.text == text
    assert source.side.source == spec
    declared = None if source.practices is None else [practice.id for practice in source.practices]
    assert declared == declares


def test_a_version_is_named_as_one_and_a_draft_is_not(repo: Repo, taxonomy: Taxonomy) -> None:
    assert load(repo, f"{SLUG}@v1", taxonomy).side.version == f"{SLUG}@v1"
    assert load(repo, SLUG, taxonomy).side.version is None


def test_a_slug_is_meant_where_a_folder_has_its_name(repo: Repo, taxonomy: Taxonomy) -> None:
    assert load(repo, SLUG, taxonomy, here="policies").document.text.endswith("Draft.\n")


@pytest.mark.parametrize(
    ("spec", "error", "said"),
    [
        ("missing.md", CannotCompareError, "no file"),
        ("policies", CannotCompareError, "folder"),
        ("policies/", CannotCompareError, "folder"),
        ("nowhere:a.md", CannotCompareError, "not a revision"),
        ("HEAD:missing.md", CannotCompareError, "no 'missing.md'"),
        (f"{SLUG}@v9", CannotCompareError, f"no {SLUG}@v9"),
        ("exmaple", CannotCompareError, "no policy exmaple"),
        ("--output=x", UsageError, "slug"),
        ("-uX", UsageError, "slug"),
        ("@{-1}", UsageError, "slug"),
        ("HEAD^{/a}:x", UsageError, "revision"),
        ("main:../x", UsageError, "file in a revision"),
        ("main:/etc/passwd", UsageError, "file in a revision"),
        ("x" * 10_240, UsageError, "names nothing"),
        ("", UsageError, "names nothing"),
        ("a\0b", UsageError, "names nothing"),
    ],
)
def test_what_cannot_be_read_says_so_and_how_to_mend_it(
    repo: Repo, taxonomy: Taxonomy, spec: str, error: type[PolicyctlError], said: str
) -> None:
    with pytest.raises(error, match=said.replace(".", r"\.")) as caught:
        load(repo, spec, taxonomy)
    assert caught.value.hint
    assert caught.value.exit_code in {2, 3}


def test_a_misspelt_policy_is_met_with_the_one_that_is_there(repo: Repo, taxonomy: Taxonomy) -> None:
    with pytest.raises(CannotCompareError) as caught:
        load(repo, "exmaple", taxonomy)
    assert f"'{SLUG}'" in caught.value.hint


@pytest.mark.parametrize("data", [b"# T\n\nM\xfcller\n", b"# T\n\na\0b\n"])
def test_a_text_that_is_no_text_is_placed(repo: Repo, taxonomy: Taxonomy, data: bytes) -> None:
    repo.commit("Bytes", {"bytes.md": data})
    for spec in ("bytes.md", "HEAD:bytes.md"):
        with pytest.raises(InputError, match="offset") as caught:
            load(repo, spec, taxonomy)
        assert caught.value.place is not None
        assert (caught.value.place.file, caught.value.place.line) == ("bytes.md", 3)


def test_two_files_are_compared_outside_of_any_repository(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("## Sharing\n\nWe do not sell data.\n")
    (tmp_path / "b.md").write_text("## Sharing\n\nWe sell data.\n")
    found = diff("a.md", "b.md", here=tmp_path, history=None, standards=wiring.standards(), today=DAY)
    assert found.judgement.verdict.material
    with pytest.raises(CannotCompareError, match="not a git repository"):
        diff("HEAD:a.md", "b.md", here=tmp_path, history=None, standards=wiring.standards(), today=DAY)


def test_any_markdown_of_any_repository_is_compared_at_two_revisions(tmp_path: Path) -> None:
    texts = {"v1": {"terms.md": "# T\n\nOne.\n"}, "v2": {"terms.md": "# T\n\nTwo.\n"}}
    repo = repo_of_versions(tmp_path / "plain", texts)
    path = "policies/example/terms.md"
    found = diff(
        f"HEAD~1:{path}", f"HEAD:{path}", here=repo.root, history=open_history(repo.root),
        standards=wiring.standards(), today=DAY,
    )  # fmt: skip
    assert [found.old.source, found.new.source] == [f"HEAD~1:{path}", f"HEAD:{path}"]
    assert found.revision.new.text == "# T\n\nTwo.\n"


def test_practices_of_a_policy_that_had_none_before_are_compared(repo: Repo) -> None:
    standards = wiring.standards()
    found = diff(
        f"{SLUG}@v1", SLUG, here=repo.root, history=open_history(repo.root), standards=standards, today=DAY
    )
    assert [change.id for change in found.revision.practices] == ["newsletter"]
    repo.git("rm", "--quiet", "-f", f"policies/{SLUG}/practices.yaml")
    gone = diff(
        f"{SLUG}@v1", SLUG, here=repo.root, history=open_history(repo.root), standards=standards, today=DAY
    )
    assert [(change.id, change.new) for change in gone.revision.practices] == [("account", None)]


def test_a_repository_without_commits_still_compares_files(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "new")
    repo.write("a.md", "# A\n")
    history = open_history(repo.root)
    found = diff("a.md", "a.md", here=repo.root, history=history, standards=wiring.standards(), today=DAY)
    assert found.judgement.findings == ()
