# SPDX-License-Identifier: Apache-2.0
"""Data that was deleted, told from the command line, and its proof pruned when the period is over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.run import inside, said

EMAIL, SERVICE = "user.contact.email", "essential.service"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the demo, with two records of u-ana's of 2026, and a period of a day."""
    place = tmp_path_factory.mktemp("ends") / "demo"
    assert inside("demo", str(place), cwd=place.parent).returncode == 0
    (place / "policyctl.toml").open("a").write('\n[retention]\nproof_after_data = "P1D"\n')
    rows = "".join(f"u-ana,{EMAIL},gone-{number},2026-02-03\n" for number in (1, 2))
    (place / "tags.csv").write_text(f"subject,category,record,collected_at\n{rows}", "utf-8")
    assert inside("tags", "import", "tags.csv", cwd=place).stdout.startswith("2 added")
    return place


def counts(demo: Path, *words: str) -> dict[str, Any]:
    receipt = said(inside(*words, "--format", "json", cwd=demo), "receipt")
    return {each["name"]: each["number"] for each in receipt["counts"]}


def test_a_file_of_ends_enters_once_and_a_bad_row_keeps_all_out(demo: Path) -> None:
    (demo / "bad.csv").write_text(
        f"subject,category,record,ended_at\nu-ana,{EMAIL},gone-1,2026-08-01\nu-ana,{EMAIL},never,2026-08-01\n",
        "utf-8",
    )
    bad = inside("tags", "end", "bad.csv", cwd=demo)
    assert bad.returncode == 3
    assert "bad.csv:3 (record)" in bad.stderr
    assert "no tag of the record 'never'" in bad.stderr
    (demo / "ends.csv").write_text(
        f"subject,category,record,ended_at\nu-ana,{EMAIL},gone-1,2026-08-01\n", "utf-8"
    )
    assert counts(demo, "tags", "end", "ends.csv", "--dry-run") == {"ended": 1, "ended before": 0}
    assert counts(demo, "tags", "end", "ends.csv") == {"ended": 1, "ended before": 0}
    assert counts(demo, "tags", "end", "ends.csv") == {"ended": 0, "ended before": 1}


def test_one_end_is_said_by_its_names_and_pruned_a_period_later(demo: Path) -> None:
    one = ("--subject", "u-ana", "--category", EMAIL, "--record", "gone-2")
    assert counts(demo, "tags", "end", *one, "--ended-at", "2026-08-02") == {"ended": 1, "ended before": 0}
    planned = counts(demo, "prune", "--plan")
    assert planned["tag rows"] >= 1
    assert planned["people"] == 1
    assert counts(demo, "prune", "--yes") == planned
    assert counts(demo, "prune", "--yes") == {"people": 0, "cut records": 0}
    verified = said(inside("verify", "--allow-unsigned", "--format", "json", cwd=demo), "verify")
    assert verified["verdict"] == "holds"
    assert verified["ledgers"][0]["cuts"] == planned["cut records"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--subject", "u-ana", "--record", "gone-1"),
        ("ends.csv", "--subject", "u-ana", "--category", EMAIL, "--record", "gone-1"),
        ("ends.csv", "--ended-at", "2026-08-01"),
    ],
)
def test_either_a_file_or_one_piece_of_data_is_named(demo: Path, words: tuple[str, ...]) -> None:
    run = inside("tags", "end", *words, cwd=demo)
    assert (run.returncode, "either a file, or one" in run.stderr) == (2, True)
