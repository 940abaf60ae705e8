# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.run import policyctl, said
from tests.repos import Repo, make_repo

ONE = (
    "# Sharing\n\nWe share your name with our processors and with nobody else.\n\n# Keeping\n\nFor a year.\n"
)
TWO = ONE.replace("a year", "two years")


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A repository that knows nothing of policyctl; the file was renamed."""
    made = make_repo(tmp_path_factory.mktemp("plain"))
    made.commit("one", {"privacy.md": ONE})
    made.git("mv", "privacy.md", "statement.md")
    made.commit("rename")
    made.commit("two", {"statement.md": TWO})
    return made


def test_log_and_blame_speak_json_for_any_file_in_git(repo: Repo) -> None:
    log = said(policyctl("log", "HEAD:statement.md", "--format", "json", cwd=repo.root), "log")
    assert [(c["id"], [s["kinds"] for s in c["steps"]]) for c in log["clauses"]] == [
        ("sharing", [["added"]]),
        ("keeping", [["added"], ["reworded"]]),
    ]
    blame = said(
        policyctl("blame", "HEAD:statement.md", "--words", "--format", "json", cwd=repo.root), "blame"
    )
    labels = [blame["states"][c["changed"]["state"]]["label"] for c in blame["clauses"]]
    assert labels == [repo.git("rev-parse", name)[:12] for name in ("HEAD~2", "HEAD")]
    assert [s["text"] for s in blame["clauses"][1]["sentences"]] == ["For two years."]


def test_log_of_one_clause_and_as_a_chart(repo: Repo) -> None:
    one = policyctl("log", "HEAD:statement.md", "Keeping", cwd=repo.root)
    assert (one.returncode, one.stderr) == (0, "")
    assert one.stdout.splitlines()[0] == "Keeping #keeping"
    chart = policyctl("log", "HEAD:statement.md", "--chart", cwd=repo.root)
    assert "Sharing" in chart.stdout
    only = policyctl("log", "HEAD:statement.md", "keeping", "--chart", cwd=repo.root)
    assert "Sharing" not in only.stdout


def test_the_picture_and_the_page_go_into_files(repo: Repo, tmp_path: Path) -> None:
    for name in ("chart.svg", "chart.html"):
        face = name.partition(".")[2]
        run = policyctl(
            "log", "HEAD:statement.md", "--format", face, "--output", tmp_path / name, cwd=repo.root
        )
        assert (run.returncode, run.stdout) == (0, "")
        assert "Keeping" in (tmp_path / name).read_text("utf-8")
    ET.parse(tmp_path / "chart.svg")  # noqa: S314 - we wrote it ourselves


def test_a_name_that_is_nothing_is_refused_with_a_mend(repo: Repo) -> None:
    for words, code in ((("log", "statement.md"), 2), (("blame", "HEAD:gone.md"), 3),
                        (("log", "HEAD:statement.md", "keping"), 2)):  # fmt: skip
        run = policyctl(*words, cwd=repo.root)
        assert run.returncode == code
        assert run.stdout == ""
        assert "hint: " in run.stderr
