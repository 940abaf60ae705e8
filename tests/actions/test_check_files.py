# SPDX-License-Identifier: Apache-2.0
"""check of plain files: any Markdown of any repository, nothing set up."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.versions.check_files import check_files
from policyctl.errors import CannotCompareError
from policyctl.reports.checking.checked import Checked, State
from tests.actions.instance import DAYS
from tests.repos import Repo, make_repo

BEFORE = "# Privacy\n\nWe do not sell your name. We keep log files for 30 days.\n"
AFTER = BEFORE.replace("do not sell", "sell")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = make_repo(tmp_path / "repo")
    made.commit("First", {"legal/privacy.md": BEFORE})
    return made


def checked(
    here: Path, *files: str, against: str | None = None, repository: bool = True
) -> tuple[Checked, ...]:
    history = wiring.history_at(here) if repository else None
    try:
        return check_files(
            files,
            here=here,
            history=history,
            standards=wiring.standards(),
            today=DAYS[2].date(),
            against=against,
        )
    finally:
        if history:
            history.close()


def test_a_file_is_compared_with_the_last_commit(repo: Repo) -> None:
    repo.write("legal/privacy.md", AFTER)
    (found,) = checked(repo.root, "legal/privacy.md")
    assert (found.base, found.state) == ("HEAD:legal/privacy.md", State.CHANGED)
    assert [finding.rule for finding in found.findings if finding.material] == ["PC192"]


def test_from_a_folder_below_the_top_the_same_file_is_meant(repo: Repo) -> None:
    repo.write("legal/privacy.md", AFTER)
    (found,) = checked(repo.root / "legal", "privacy.md")
    assert (found.base, found.file) == ("HEAD:legal/privacy.md", "legal/privacy.md")


@pytest.mark.parametrize("against", ["HEAD~1", "HEAD~1:legal/privacy.md", "old.md"])
def test_the_base_is_a_revision_a_path_in_one_or_a_file(repo: Repo, against: str) -> None:
    repo.commit("Second", {"legal/privacy.md": AFTER})
    repo.write("old.md", BEFORE)
    (found,) = checked(repo.root, "legal/privacy.md", against=against)
    assert found.state is State.CHANGED
    assert found.comparison is not None
    assert found.comparison.judgement.verdict.material


def test_two_files_need_no_repository(tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text(BEFORE)
    (tmp_path / "new.md").write_text(AFTER)
    (found,) = checked(tmp_path, "new.md", against="old.md", repository=False)
    assert found.state is State.CHANGED


def test_without_repository_and_base_nothing_was_compared(tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text(AFTER)
    (found,) = checked(tmp_path, "new.md", repository=False)
    assert found.state is State.NOT_COMPARED
    assert "--against FILE" in found.errors[0].hint


def test_a_file_that_the_base_does_not_have_is_new(repo: Repo) -> None:
    repo.write("terms.md", AFTER)
    (found,) = checked(repo.root, "terms.md")
    assert (found.state, found.base) == (State.ADDED, None)


def test_a_base_nobody_knows_is_not_no_change(repo: Repo) -> None:
    with pytest.raises(CannotCompareError, match="not a revision"):
        checked(repo.root, "legal/privacy.md", against="origin/main")


def test_a_link_inside_the_repository_is_not_followed(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden words")
    (repo.root / "link.md").symlink_to(tmp_path / "secret")
    (found,) = checked(repo.root, "link.md")
    assert found.state is State.NOT_COMPARED
    assert "symbolic link" in str(found.errors[0])


def test_form_alone_is_said_to_be_form(repo: Repo) -> None:
    repo.write("legal/privacy.md", BEFORE.replace("\n", "\r\n"))
    (found,) = checked(repo.root, "legal/privacy.md")
    assert found.state is State.FORMAT_ONLY
    assert found.comparison is not None
    assert not found.comparison.judgement.verdict.material


def test_a_file_too_large_is_refused_plainly(repo: Repo) -> None:
    repo.write("legal/privacy.md", BEFORE * 90_000)
    (found,) = checked(repo.root, "legal/privacy.md")
    assert found.state is State.NOT_COMPARED
    assert "larger than 5,000,000 bytes" in str(found.errors[0])
