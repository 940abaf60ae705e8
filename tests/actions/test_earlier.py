# SPDX-License-Identifier: Apache-2.0
"""Which text the other one is compared with, when one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.versions.compare import diff
from policyctl.adapters.repository.history import open_history
from policyctl.core.revision import Kind
from policyctl.errors import PolicyctlError
from policyctl.reports.comparing.comparison import Comparison
from tests.actions.instance import (
    DAYS,
    PRACTICES_1,
    PRACTICES_2,
    SLUG,
    TEXT_1,
    TEXT_2,
    make_instance,
    make_published,
    policy,
    publish,
)
from tests.repos import ALONE, Repo

FILE = f"policies/{SLUG}/policy.md"
BETWEEN = TEXT_1.replace("your account", "the account")
DRAFT = TEXT_2 + "\nDraft.\n"
NOTES, NOTES_NOW = "# Notes\n\nOld words.\n", "# Notes\n\nNew words.\n"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    """v1, a commit that was never published, v2, and one more word in the work tree."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])
    made = make_published(tmp_path / "repo")
    made.commit("Between", policy(BETWEEN, PRACTICES_1))
    made.git("tag", "between")
    made.commit("Second text", policy(TEXT_2, PRACTICES_2))
    publish(made.root, DAYS[2])
    made.write(FILE, DRAFT)
    made.commit("Notes", {"docs/old.md": NOTES})
    made.git("mv", "docs/old.md", "docs/notes.md")
    made.commit("Rename")
    made.write("docs/notes.md", NOTES_NOW)
    return made


def compared(repo: Repo, *words: str, here: str = ".", **more: object) -> Comparison:
    history = open_history(repo.root)
    try:
        return diff(
            *words,
            here=repo.root / here,
            history=history,
            standards=wiring.standards(),
            today=DAYS[2].date(),
            **more,
        )  # type: ignore[arg-type]
    finally:
        history.close()


@pytest.mark.parametrize(
    ("spec", "since", "old", "new"),
    [
        (SLUG, None, TEXT_2, DRAFT),
        (SLUG, "v1", TEXT_1, DRAFT),
        (SLUG, f"{SLUG}@v1", TEXT_1, DRAFT),
        (SLUG, "between", BETWEEN, DRAFT),
        (f"{SLUG}@v2", None, TEXT_1, TEXT_2),
        (f"{SLUG}@v2", "v1", TEXT_1, TEXT_2),
        (f"{SLUG}@v2", "between", BETWEEN, TEXT_2),
        (FILE, "between", BETWEEN, DRAFT),
        (f"between:{FILE}", None, TEXT_1, BETWEEN),
        (f"main:{FILE}", "between", BETWEEN, DRAFT),
        ("docs/notes.md", None, NOTES, NOTES_NOW),
        ("docs/notes.md", "HEAD~1:docs/old.md", NOTES, NOTES_NOW),
    ],
)
def test_one_text_is_compared_with_what_it_was(
    repo: Repo, spec: str, since: str | None, old: str, new: str
) -> None:
    found = compared(repo, spec, since=since)
    assert (found.revision.old.text, found.revision.new.text) == (old, new)


def test_practices_of_both_sides_count_with_since_too(repo: Repo) -> None:
    for since in ("v1", "between"):
        (change,) = compared(repo, SLUG, since=since).revision.practices
        assert (change.id, change.old) == ("newsletter", None)
    assert compared(repo, SLUG, since="between").old.source == f"between:{FILE}"


def test_a_file_is_found_from_a_folder_below_the_top(repo: Repo) -> None:
    assert compared(repo, "notes.md", here="docs").revision.old.text == NOTES
    assert compared(repo, f"../{FILE}", here="docs", since="between").revision.old.text == BETWEEN


@pytest.mark.parametrize(
    ("words", "since", "code", "said"),
    [
        ((f"{SLUG}@v1",), None, 3, "first version"),
        ((SLUG,), "v9", 3, "published are: v1, v2"),
        ((f"{SLUG}@v1",), "v2", 2, "not before"),
        ((f"{SLUG}@v2",), "v2", 2, "not before"),
        ((SLUG,), "nobranch", 3, "nobranch"),
        (("docs/notes.md",), "between", 3, "HEAD~3:old/name.md"),
        ((SLUG, f"{SLUG}@v2"), "v1", 2, "--since"),
        ((f"main~6:{FILE}",), None, 3, "nothing comes before"),
    ],
)
def test_what_has_nothing_before_it_is_said_with_a_mend(
    repo: Repo, words: tuple[str, ...], since: str | None, code: int, said: str
) -> None:
    if "main~6" in words[0]:
        first = repo.git("rev-list", "--max-parents=0", "main")
        words = (f"{first}:{repo.git('ls-tree', '-r', '--name-only', first).splitlines()[0]}",)
    with pytest.raises(PolicyctlError) as error:
        compared(repo, *words, since=since)
    assert error.value.exit_code == code
    assert error.value.hint
    assert said in f"{error.value} {error.value.hint}"


def test_a_policy_without_versions_is_told_how_to_compare_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])
    repo = make_instance(tmp_path / "repo")
    with pytest.raises(PolicyctlError, match="no version of example is published yet") as error:
        compared(repo, SLUG)
    assert "--since HEAD" in error.value.hint
    assert compared(repo, SLUG, since="HEAD").revision.old.text == TEXT_1


def test_only_the_clauses_that_were_named_are_left_in_order_of_the_text(repo: Repo) -> None:
    whole = compared(repo, SLUG, since="v1")
    found = compared(repo, SLUG, since="v1", only=("How we  keep it", "#collect"))
    assert found.only == ("collect", "keep")
    assert found.revision.clauses == whole.revision.clauses
    assert found.revision.front == ()
    assert found.judgement.verdict == whole.judgement.verdict
    one = compared(repo, SLUG, since="v1", only=("collect",))
    assert [change.kinds for change in one.revision.clauses] == [frozenset({Kind.REWORDED})]
    assert {finding.clause for finding in one.judgement.findings} <= {"collect", None}
    assert [change.id for change in one.revision.practices] == ["newsletter"]
    assert compared(repo, SLUG, since="v1", only=("keep",)).revision.practices == ()


@pytest.mark.parametrize(
    ("name", "hint"), [("colect", "collect"), ("What we colect", "What we collect"), ("zzz", "list")]
)
def test_a_clause_that_neither_side_has_is_named_with_the_nearest(repo: Repo, name: str, hint: str) -> None:
    with pytest.raises(PolicyctlError, match="has a clause") as error:
        compared(repo, SLUG, since="v1", only=("keep", name))
    assert error.value.exit_code == 2
    assert hint in error.value.hint
