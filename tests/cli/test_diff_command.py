# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from policyctl.reports.comparing.json_v1 import rebuild_new, rebuild_old
from tests.cli.run import at_a_terminal, inside, policyctl, said
from tests.repos import make_repo

OLD = "# Logs\n\nWe keep logs for 30 days.\n\n# Contact\n\nWrite to us.\n"
HOSTILE = "\x1b]0;owned\x07 \u202eand\u202c <b>more</b>"
NEW = f"# Contact\n\nWrite to us at any time.\n\n# Logs\n\nWe keep logs for 90 days {HOSTILE}."


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    (tmp_path / "old.md").write_bytes(OLD.encode())
    (tmp_path / "new.md").write_bytes(NEW.encode())
    return tmp_path


def test_two_files_anywhere_are_compared_and_each_can_be_rebuilt_from_the_other(pair: Path) -> None:
    revision = said(inside("diff", "old.md", "new.md", "--format", "json", cwd=pair), "revision")
    assert rebuild_new(OLD, revision) == NEW
    assert rebuild_old(NEW, revision) == OLD


@pytest.mark.parametrize("face", ["text", "markdown", "html", "unified"])
def test_what_hides_in_a_policy_is_written_out_in_every_face(pair: Path, face: str) -> None:
    run = inside("diff", "old.md", "new.md", "--format", face, cwd=pair)
    assert run.returncode == 0
    assert "\x1b" not in run.stdout
    assert "\x07" not in run.stdout
    assert "\u202e" not in run.stdout
    assert r"\x1b" in run.stdout.replace("\\\\", "\\")


def test_a_file_of_any_git_repository_is_compared_with_its_own_past(tmp_path: Path) -> None:
    repo = make_repo(tmp_path)
    repo.commit("one", {"docs/terms.md": OLD})
    repo.commit("two", {"docs/terms.md": NEW})
    revision = said(
        inside("diff", "HEAD~1:docs/terms.md", "docs/terms.md", "--format", "json", cwd=tmp_path),
        "revision",
    )
    assert rebuild_new(OLD, revision) == NEW
    listed = said(inside("clauses", "HEAD:docs/terms.md", "--format", "json", cwd=tmp_path), "clauses")
    assert [clause["heading"] for clause in listed["clauses"]] == ["Contact", "Logs"]


def test_output_goes_to_the_file_whole_and_nothing_to_the_terminal(pair: Path) -> None:
    run = inside("diff", "old.md", "new.md", "--format", "html", "--output", "redline.html", cwd=pair)
    assert (run.stdout, run.stderr, run.returncode) == ("", "", 0)
    assert (pair / "redline.html").read_text("utf-8").endswith("</html>\n")
    assert sorted(path.name for path in pair.iterdir()) == ["new.md", "old.md", "redline.html"]


def test_a_pipe_as_output_is_written_to_and_a_link_is_followed_and_neither_is_replaced(pair: Path) -> None:
    compared = ("diff", "old.md", "new.md", "--output")
    out, pipe, link = pair / "out.txt", pair / "pipe", pair / "link"
    policyctl(*compared, "out.txt", cwd=pair)
    os.mkfifo(pipe)
    with subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE) as reader:
        policyctl(*compared, "pipe", cwd=pair)
        assert reader.communicate(timeout=20)[0] == out.read_bytes()
    assert pipe.is_fifo()
    (pair / "kept.txt").touch()
    link.symlink_to("kept.txt")
    policyctl(*compared, "link", cwd=pair)
    assert link.is_symlink()
    assert (pair / "kept.txt").read_bytes() == out.read_bytes()


def test_an_output_that_cannot_be_written_is_told_and_leaves_nothing(pair: Path) -> None:
    run = inside("diff", "old.md", "new.md", "--output", "no/such/folder.txt", cwd=pair)
    assert run.returncode == 2
    assert "no/such/folder.txt" in run.stderr
    assert sorted(path.name for path in pair.iterdir()) == ["new.md", "old.md"]


def test_colours_are_for_terminals_and_for_those_who_want_them(pair: Path) -> None:
    words = ("diff", "old.md", "new.md")
    assert "\x1b[" in at_a_terminal(*words, cwd=pair)
    assert "\x1b[" not in at_a_terminal(*words, cwd=pair, NO_COLOR="1")
    assert "\x1b[" not in at_a_terminal(*words, cwd=pair, TERM="dumb")
    assert "\x1b[" not in at_a_terminal("--no-color", *words, cwd=pair)
    assert "\x1b[" not in policyctl(*words, cwd=pair).stdout


def test_equal_files_have_no_change_and_a_missing_one_is_never_no_change(pair: Path) -> None:
    same = said(inside("diff", "old.md", "old.md", "--format", "json", cwd=pair), "revision")
    assert not same["verdict"]["material"]
    assert {kind for link in same["clauses"] for kind in link["kinds"]} == {"unchanged"}
    gone = inside("diff", "old.md", "gone.md", "--format", "json", cwd=pair)
    assert (gone.stdout, gone.returncode) == ("", 3)


def test_an_empty_file_is_a_text_without_clauses_to_lose(pair: Path) -> None:
    (pair / "empty.md").write_bytes(b"")
    revision = said(inside("diff", "old.md", "empty.md", "--format", "json", cwd=pair), "revision")
    assert rebuild_new(OLD, revision) == ""
    assert rebuild_old("", revision) == OLD
