# SPDX-License-Identifier: Apache-2.0
"""What a person gets who asks ``diff`` for less, for numbers, for another layout, or at a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.cli.run import CLEAN, at_a_terminal, inside, policyctl, said

OLD = "# Logs\n\nWe keep logs for 30 days.\n\n# Contact\n\nWrite to us.\n"
NEW = OLD.replace("30 days", "90 days and then some").replace("Write", "Write or talk")
FACES = ("text", "json", "markdown", "criticmarkup", "html", "unified")


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    (tmp_path / "old.md").write_bytes(OLD.encode())
    (tmp_path / "new.md").write_bytes(NEW.encode())
    return tmp_path


@pytest.mark.parametrize("face", FACES)
def test_every_face_shows_the_chosen_clause_alone(pair: Path, face: str) -> None:
    words = ("diff", "old.md", "new.md", "--format", face)
    assert "talk" in inside(*words, cwd=pair).stdout
    chosen = inside(*words, "--only", "logs", cwd=pair)
    assert chosen.returncode == 0
    assert "90" in chosen.stdout
    assert "talk" not in chosen.stdout


def test_a_clause_that_is_not_there_is_a_usage_error_with_the_nearest(pair: Path) -> None:
    run = inside("diff", "old.md", "new.md", "--only", "contcat", cwd=pair)
    assert (run.stdout, run.returncode) == ("", 2)
    assert "did you mean 'contact'" in run.stderr.lower()


def test_a_narrowed_revision_keeps_to_the_schema_and_says_what_it_is(pair: Path) -> None:
    found = said(
        inside("diff", "old.md", "new.md", "--only", "Logs", "--format", "json", cwd=pair), "revision"
    )
    assert found["only"] == ["logs"]
    assert found["front"] is None
    assert "only" not in said(inside("diff", "old.md", "new.md", "--format", "json", cwd=pair), "revision")


def test_numbers_are_those_a_reader_counts(pair: Path) -> None:
    found = said(inside("diff", "old.md", "new.md", "--stat", "--format", "json", cwd=pair), "stat")
    # "30 days" is one amount: it goes as a whole.
    assert found["words"] == {"deleted": 2, "inserted": 7}
    assert [(each["new"][0]["id"], each["words"]) for each in found["clauses"]] == [
        ("logs", {"deleted": 2, "inserted": 5}),
        ("contact", {"deleted": 0, "inserted": 2}),
    ]
    assert found["kinds"] == {"reworded": 2}
    text = inside("diff", "old.md", "new.md", "--stat", cwd=pair).stdout
    assert "2 of 2 clauses changed: 2 words deleted, 7 words inserted\n" in text
    markdown = inside("diff", "old.md", "new.md", "--stat", "--format", "markdown", cwd=pair).stdout
    assert "| reworded | Logs | 2 | 5 |" in markdown


def test_ideographs_count_one_by_one_and_a_move_counts_no_words(pair: Path) -> None:
    clauses = [
        "# 収集\n\n氏名を収集します。\n\n",
        "# Keeping\n\nWe keep what you give us for a year and a day.\n\n",
        "# Sharing\n\nWe share nothing with anybody who is not our processor.\n\n",
    ]
    (pair / "old.md").write_text("".join(clauses), "utf-8")
    clauses[0] = clauses[0].replace("氏名を", "氏名と住所を")
    (pair / "new.md").write_text("".join([clauses[0], clauses[2], clauses[1]]), "utf-8")
    found = said(inside("diff", "old.md", "new.md", "--stat", "--format", "json", cwd=pair), "stat")
    assert found["words"] == {"deleted": 0, "inserted": 3}
    assert found["moves"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--stat", "--format", "html"),
        ("--stat", "--format", "docx", "--output", "x.docx"),
        ("--layout", "inline", "--format", "html"),
        ("--layout", "side-by-side", "--stat"),
        ("--format", "docx"),
    ],
)
def test_options_that_say_nothing_together_are_refused(pair: Path, words: tuple[str, ...]) -> None:
    run = inside("diff", "old.md", "new.md", *words, cwd=pair)
    assert (run.stdout, run.returncode) == ("", 2)
    assert "hint:" in run.stderr
    assert not (pair / "x.docx").exists()


def test_the_layout_follows_the_width_unless_it_is_named(pair: Path) -> None:
    def shown(columns: int, *words: str) -> str:
        run = policyctl("diff", "old.md", "new.md", *words, cwd=pair, env={"COLUMNS": str(columns)})
        assert max(map(cell_len, run.stdout.split("\n"))) <= columns
        return run.stdout

    assert "│" not in shown(119)
    assert "│" in shown(120)
    assert "│" not in shown(200, "--layout", "inline")
    assert "│" in shown(40, "--layout", "side-by-side")


def test_criticmarkup_comes_out_byte_for_byte(pair: Path) -> None:
    text = "# A\r\n\r\n\u202eund\u202c\x1b caf\u00e9\r\n".encode()
    (pair / "old.md").write_bytes(text)
    words = [sys.executable, "-m", "policyctl", "diff", "old.md", "old.md", "--format", "criticmarkup"]
    env = {**CLEAN, "PYTHONIOENCODING": "ascii"}
    assert subprocess.run(words, cwd=pair, env=env, capture_output=True, check=True).stdout == text
    subprocess.run([*words, "-o", "both.md"], cwd=pair, env=env, check=True)
    assert (pair / "both.md").read_bytes() == text
    assert "\x1b " not in at_a_terminal(*words[3:], cwd=pair)


@pytest.fixture
def pager(tmp_path: Path) -> str:
    """A pager that says it was there, and what LESS was."""
    script = tmp_path / "my pager"
    script.write_text('#!/bin/sh\necho "PAGER $1 LESS=$LESS"\ncat\n')
    script.chmod(0o755)
    return f"'{script}' --here"


def test_a_pager_is_for_terminals_and_for_more_than_a_screen(pair: Path, pager: str) -> None:
    words = ("diff", "old.md", "new.md")
    paged = at_a_terminal(*words, cwd=pair, lines=10, PAGER=pager)
    assert "PAGER --here LESS=FRX" in paged
    assert "some" in paged
    assert "\x1b[" in paged
    assert "PAGER" not in at_a_terminal(*words, cwd=pair, lines=60, PAGER=pager)
    assert "PAGER" not in at_a_terminal(*words, "--no-pager", cwd=pair, lines=10, PAGER=pager)
    assert "PAGER" not in at_a_terminal(*words, cwd=pair, lines=10, PAGER=pager, TERM="dumb")
    assert "PAGER" not in policyctl(*words, cwd=pair, env={"PAGER": pager, "LINES": "10"}).stdout
    assert "LESS=R" in at_a_terminal(*words, cwd=pair, lines=10, PAGER=pager, LESS="R")
    assert "\x1b[" not in at_a_terminal(*words, cwd=pair, lines=10, PAGER=pager, NO_COLOR="1")


@pytest.mark.parametrize("no_pager", ["", "cat", "no-such-program", "'never closed", "false"])
def test_without_a_pager_that_works_the_text_still_comes(pair: Path, no_pager: str) -> None:
    seen = at_a_terminal("diff", "old.md", "new.md", cwd=pair, lines=10, PAGER=no_pager)
    assert ("some" in seen) == (no_pager != "false"), "a pager that ends at once is the reader's own choice"
    assert "Traceback" not in seen


def test_every_face_is_the_same_bytes_every_time(pair: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.cli.run import inside\n"
        "for words in sys.argv[2:]:\n"
        "    print(words, inside('diff', 'old.md', 'new.md', *words.split(), cwd=Path(sys.argv[1])).stdout)\n"
    )
    asked = [f"--format {face}" for face in FACES]
    asked += ["--layout side-by-side", "--stat", "--stat --format json", "--stat --format markdown"]
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code, pair, *asked],
            cwd=Path(__file__).resolve().parents[2],
            env={**CLEAN, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout.decode()
        for seed in "12"
    )
    assert first == second
    assert first.count("90 days") >= len(FACES)
