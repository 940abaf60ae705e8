# SPDX-License-Identifier: Apache-2.0
"""``may-use --bulk`` as a person calls it: on the demo's ledger, and on files good and bad."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.run import inside, said

EMAIL, SERVICE = "user.contact.email", "essential.service.operations"
ASK = ("may-use", "--bulk", "--purpose", SERVICE)


def tag_file(path: Path, **changes: Any) -> Path:
    """Three records of the demo's people under its first version, and one of nobody known."""
    columns: dict[str, Any] = {
        "subject": ["u-ana", "u-ben", "u-nobody"],
        "category": [EMAIL] * 3,
        "record": ["crm-1", "crm-2", "crm-3"],
        "version": ["example-fax@v1", None, "example-fax@v1"],
        "collected_at": [datetime(2026, 3, 1, tzinfo=UTC)] * 3,
        "kept_in": ["eu", "us", "eu"],
    } | changes
    pq.write_table(pa.table({k: v for k, v in columns.items() if v is not None}), path)
    return path


def test_the_ledgers_records_are_parted_and_counted(demo: Path, tmp_path: Path) -> None:
    yes, no = tmp_path / "yes.parquet", tmp_path / "no.parquet"
    run = inside(*ASK, "--from", "ledger", "--to", yes, "--refused", no, "--format", "json", cwd=demo)
    counts = said(run, "bulk")
    stats = said(inside("ledger", "stats", "--format", "json", cwd=demo), "ledger")
    assert counts["records"] == sum(each["count"] for each in stats["tags"])
    assert counts["permitted"] == pq.read_metadata(yes).num_rows > 0
    assert counts["records"] - counts["permitted"] == pq.read_metadata(no).num_rows
    assert counts["written"] == [str(yes), str(no)]
    again = inside(*ASK, "--from", "ledger", cwd=demo).stdout
    assert again.startswith(f"{counts['records']} records\n")
    assert "written" not in again


def test_a_files_records_keep_their_columns_and_say_why_not(demo: Path, tmp_path: Path) -> None:
    source = tag_file(tmp_path / "tags [2026].parquet")
    yes, no = tmp_path / "yes.parquet", tmp_path / "no.parquet"
    run = inside(*ASK, "--from", source, "--to", yes, "--refused", no, cwd=demo)
    assert run.returncode == 0, run.stderr
    found = {row["record"]: row for path in (yes, no) for row in pq.read_table(path).to_pylist()}
    assert {name: (row["answer"], row["code"], row["kept_in"]) for name, row in found.items()} == {
        "crm-1": ("permitted", "stated", "eu"),
        "crm-2": ("undecided", "no_version", "us"),
        "crm-3": ("undecided", "unknown_subject", "eu"),
    }
    alone = inside("may-use", "--subject", "u-ana", "--category", EMAIL, "--purpose", SERVICE, cwd=demo)
    assert alone.returncode == 0


def test_a_record_with_two_tags_needs_a_yes_to_each(demo: Path, tmp_path: Path) -> None:
    source = tag_file(tmp_path / "t.parquet", subject=["u-ana"] * 3, record=["crm-1", "crm-1", "crm-2"])
    yes, no = tmp_path / "yes.parquet", tmp_path / "no.parquet"
    inside(*ASK, "--from", source, "--to", yes, "--refused", no, cwd=demo)
    assert pq.read_table(yes)["record"].to_pylist() == ["crm-2"]
    assert sorted(pq.read_table(no)["code"].to_pylist()) == ["another_tag", "no_version"]


def test_a_tag_of_a_later_time_is_no_tag_yet(demo: Path, tmp_path: Path) -> None:
    source = tag_file(tmp_path / "t.parquet", collected_at=[datetime(2999, 1, 1)] * 3)  # noqa: DTZ001 - as files have it
    no = tmp_path / "no.parquet"
    inside(*ASK, "--from", source, "--refused", no, cwd=demo)
    assert pq.read_table(no)["code"].to_pylist() == ["no_tag"] * 3


def test_an_output_that_is_there_is_written_over_only_by_force(demo: Path, tmp_path: Path) -> None:
    yes = tmp_path / "yes.parquet"
    yes.write_text("mine")
    ask = (*ASK, "--from", "ledger", "--to", yes)
    refused = inside(*ask, cwd=demo)
    assert (refused.returncode, yes.read_text()) == (4, "mine")
    assert "--force" in refused.stderr
    assert inside(*ask, "--force", cwd=demo).returncode == 0
    assert pq.read_metadata(yes).num_rows > 0
    assert [path.name for path in tmp_path.iterdir()] == ["yes.parquet"]


def test_the_query_is_shown_and_nothing_is_written(demo: Path, tmp_path: Path) -> None:
    yes = tmp_path / "yes.parquet"
    shown = inside(*ASK, "--from", "ledger", "--to", yes, "--explain", cwd=demo)
    assert "JOIN cell" in shown.stdout
    assert "─" in shown.stdout  # the plan, as a drawing
    assert not yes.exists()


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"version": None}, 3, ("'version'", "missing", "t.parquet")),
        ({"version": [1, 2, 3]}, 3, ("'version'", "text")),
        ({"version": ["v1", "v1", "v1"]}, 3, ("'v1' is no version", "<policy>@v<number>")),
        ({"category": [EMAIL, None, EMAIL]}, 3, ("no category",)),
        ({"collected_at": ["2026-01-01"] * 3}, 3, ("'collected_at'", "time")),
        ({"answer": ["x"] * 3}, 3, ("'answer'", "otherwise")),
    ],
)
def test_a_file_that_will_not_do_is_told_with_its_mend(
    demo: Path, tmp_path: Path, changes: dict[str, Any], code: int, words: tuple[str, ...]
) -> None:
    source = tag_file(tmp_path / "t.parquet", **changes)
    yes = tmp_path / "yes.parquet"
    run = inside(*ASK, "--from", source, "--to", yes, cwd=demo)
    assert run.returncode == code, run.stdout
    assert all(word in run.stderr for word in words), run.stderr
    assert not yes.exists()


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--purpose", "essential.service.operation", "--from", "ledger"), 2, "essential.service.operations"),
        (("--purpose", SERVICE, "--category", "user.contac", "--from", "ledger"), 2, "user.contact"),
        (("--purpose", SERVICE, "--policy", "nothing", "--from", "ledger"), 2, "'nothing'"),
        (("--purpose", SERVICE, "--recipient", "martians", "--from", "ledger"), 2, "'martians'"),
        (("--purpose", SERVICE), 2, "--from"),
        (("--purpose", SERVICE, "--from", "nowhere.parquet"), 2, "nowhere.parquet"),
        (("--purpose", SERVICE, "--from", "policyctl.toml"), 3, "no Parquet file"),
        (("--purpose", SERVICE, "--from", "ledger", "--subject", "u-ana"), 2, "--subject"),
        (("--purpose", SERVICE, "--from", "ledger", "--to", "no/such/yes.parquet"), 2, "no/such"),
        (("--purpose", SERVICE, "--from", "ledger", "--to", "x", "--refused", "x"), 2, "same file"),
    ],
)
def test_a_question_that_cannot_be_meant_is_told(
    demo: Path, args: tuple[str, ...], code: int, words: str
) -> None:
    run = inside("may-use", "--bulk", *args, cwd=demo)
    assert run.returncode == code, run.stdout
    assert words in run.stderr


def test_what_belongs_to_bulk_is_refused_without_it(demo: Path) -> None:
    run = inside("may-use", "--purpose", SERVICE, "--from", "ledger", cwd=demo)
    assert run.returncode == 2
    assert "--bulk" in run.stderr
