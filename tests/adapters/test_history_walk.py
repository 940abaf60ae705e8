# SPDX-License-Identifier: Apache-2.0
"""The states of a file: along the main line, through renames, and without running anything."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policyctl.adapters.repository.history import open_history
from policyctl.adapters.repository.walk import FileState, walk
from tests.repos import Repo, make_repo

TEXT = "".join(f"Line {number} of a policy that is long enough to be known again.\n" for number in range(20))


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_repo(tmp_path / "repo")


def states(repo: Repo, path: str, revision: str = "HEAD") -> tuple[FileState, ...]:
    history = open_history(repo.root)
    try:
        return walk(history.runner, history.resolve(revision), path)
    finally:
        history.close()


def texts(repo: Repo, path: str, revision: str = "HEAD") -> list[str]:
    return [repo.git("cat-file", "blob", state.blob) for state in states(repo, path, revision)]


def test_only_commits_that_changed_the_file_count_oldest_first(repo: Repo) -> None:
    first = repo.commit("one", {"policy.md": "one"})
    repo.commit("elsewhere", {"other.md": "x"})
    last = repo.commit("two", {"policy.md": "two"})
    repo.commit("elsewhere again", {"other.md": "y"})
    found = states(repo, "policy.md")
    assert [(state.commit, state.path) for state in found] == [(first, "policy.md"), (last, "policy.md")]
    assert found[0].at == datetime(2027, 1, 1, 12, tzinfo=UTC)
    assert texts(repo, "policy.md", first) == ["one"]


def test_renames_are_followed_also_when_the_text_changed_a_little(repo: Repo) -> None:
    repo.commit("one", {"old name.md": TEXT})
    repo.git("mv", "old name.md", "middle.md")
    repo.commit("rename", {"middle.md": TEXT + "More.\n"})
    (repo.root / "docs").mkdir()
    repo.git("mv", "middle.md", "docs/ständig.md")
    repo.commit("rename again")
    repo.commit("two", {"docs/ständig.md": "two"})
    paths = [state.path for state in states(repo, "docs/ständig.md")]
    assert paths == ["old name.md", "middle.md", "docs/ständig.md", "docs/ständig.md"]


def test_a_merged_branch_is_one_step(repo: Repo) -> None:
    repo.commit("one", {"policy.md": "one"})
    repo.git("checkout", "-q", "-b", "draft")
    repo.commit("draft", {"policy.md": "draft"})
    repo.commit("final", {"policy.md": "final"})
    repo.git("checkout", "-q", "main")
    repo.commit("elsewhere", {"other.md": "x"})
    repo.git("merge", "-q", "--no-ff", "--no-edit", "draft")
    assert texts(repo, "policy.md") == ["one", "final"]


def test_a_rename_on_a_merged_branch_is_followed(repo: Repo) -> None:
    repo.commit("one", {"policy.md": TEXT})
    repo.git("checkout", "-q", "-b", "draft")
    repo.git("mv", "policy.md", "privacy.md")
    repo.commit("rename")
    repo.git("checkout", "-q", "main")
    repo.commit("elsewhere", {"other.md": "x"})
    repo.git("merge", "-q", "--no-ff", "--no-edit", "draft")
    assert [state.path for state in states(repo, "privacy.md")] == ["policy.md", "privacy.md"]


def test_a_file_that_was_away_for_a_while_has_its_earlier_states_too(repo: Repo) -> None:
    repo.commit("one", {"policy.md": "one"})
    repo.git("rm", "-q", "policy.md")
    repo.commit("gone")
    repo.commit("back", {"policy.md": "two"})
    assert texts(repo, "policy.md") == ["one", "two"]


def test_a_symbolic_link_is_no_state(repo: Repo) -> None:
    repo.commit("one", {"policy.md": "one", "target.md": "target"})
    (repo.root / "policy.md").unlink()
    (repo.root / "policy.md").symlink_to("target.md")
    repo.commit("link")
    (repo.root / "policy.md").unlink()
    repo.commit("two", {"policy.md": "two"})
    assert texts(repo, "policy.md") == ["one", "two"]


def test_a_name_of_wildcards_is_a_name(repo: Repo) -> None:
    repo.commit("one", {"a.md": "a", "*.md": "star"})
    assert texts(repo, "*.md") == ["star"]
    assert texts(repo, "?.md") == []


def test_nothing_that_the_repository_names_is_run(repo: Repo, tmp_path: Path) -> None:
    witness = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {witness}\nexit 0\n")
    program.chmod(0o755)
    repo.commit("one", {"policy.md": TEXT, ".gitattributes": "*.md diff=x filter=x\n"})
    repo.git("mv", "policy.md", "privacy.md")
    repo.commit("two", {"privacy.md": TEXT + "More.\n"})
    for key in ("diff.external", "diff.x.textconv", "diff.x.command", "gpg.program", "gpg.ssh.program",
                "core.fsmonitor", "core.pager", "filter.x.clean", "filter.x.smudge"):  # fmt: skip
        repo.git("config", key, str(program))
    for key in ("log.showSignature", "log.follow", "diff.noprefix"):
        repo.git("config", key, "true")
    repo.git("config", "color.ui", "always")
    signed = (
        repo.git("cat-file", "commit", "HEAD").replace("\n\n", "\ngpgsig -----BEGIN X-----\n\n", 1) + "\n"
    )
    repo.git("update-ref", "HEAD", repo.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=signed))
    witness.unlink(missing_ok=True)
    assert [state.path for state in states(repo, "privacy.md")] == ["policy.md", "privacy.md"]
    assert not os.path.lexists(witness)
