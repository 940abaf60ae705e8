# SPDX-License-Identifier: Apache-2.0
"""Seal, compact, export and check a ledger, and decide from what was exported, as a person calls it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from policyctl import wiring
from policyctl.adapters.ledger.base import epochs
from policyctl.adapters.ledger.proving import proofs
from policyctl.settings import load_settings
from tests.cli.run import inside, policyctl, said

EMAIL, PURPOSE = "user.contact.email", "marketing.communications.email"
FILE = "epoch-1.parquet"


def close_epoch(repository: Path, day: datetime) -> None:
    """Open the next epoch, which else begins when twenty million tags are in the newest."""
    with wiring.open_ledger(load_settings(repository)) as ledger, ledger._writing("epoch", day) as writer:
        number = epochs.read_epochs(writer.connection).numbers[-1] + 1
        epochs.open_epoch(writer.connection, number, int(day.timestamp()))


def more_tags(repository: Path, collected: str, record: str, *options: str) -> str:
    """Tag one more record of Ana; what came of it."""
    row = f"u-ana,{EMAIL},{record},{collected}\n"
    (repository / "more.csv").write_text(f"subject,category,record,collected_at\n{row}", "utf-8")
    run = inside("tags", "import", "more.csv", *options, cwd=repository)
    return run.stdout.partition(",")[0] + run.stderr


@pytest.fixture
def demo(tmp_path: Path, demo_once: Path) -> Path:
    """The demo with a closed epoch of 9 tags, and a newer one with a tag of a record in the first."""
    return Path(shutil.copytree(demo_once, tmp_path / "demo", symlinks=True))


@pytest.fixture(scope="module")
def demo_once(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = Path(shutil.copytree(demo_model, tmp_path_factory.mktemp("upkeep") / "demo", symlinks=True))
    close_epoch(place, datetime(2026, 9, 1, tzinfo=UTC))
    assert more_tags(place, "2026-10-02", "new-1") == "1 added"
    return place


def counts(run: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """The numbers of a receipt, by their names."""
    return {each["name"]: each["number"] for each in said(run, "receipt")["counts"]}


def test_large_batches_are_sealed_once(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proofs, "PROVEN", 0)  # so that one tag is a large import
    more_tags(demo, "2026-10-03", "a")
    sealed = inside("ledger", "seal", "--format", "json", cwd=demo)
    assert counts(sealed) == {"batches sealed": 1, "tags": 1}
    again = inside("ledger", "seal", cwd=demo)
    assert again.returncode == 0
    assert "every batch is sealed" in again.stdout


def test_what_was_altered_is_not_sealed_and_the_exit_code_says_so(
    demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proofs, "PROVEN", 0)
    more_tags(demo, "2026-10-03", "a")
    with closing(sqlite3.connect(demo / ".policyctl/ledger.db")) as connection, connection:
        connection.execute("DROP TRIGGER tag_2_no_update")
        connection.execute(
            "UPDATE tag_2 SET version_no = 1 WHERE batch_no = (SELECT max(batch_no) FROM tag_2)"
        )
    run = inside("ledger", "seal", cwd=demo)
    assert run.returncode == 5
    assert "not those that were hashed" in run.stderr


def test_closed_epochs_are_compacted_and_no_answer_changes(demo: Path) -> None:
    ask = ("may-use", "--bulk", "--purpose", PURPOSE, "--from", "ledger", "--format", "json")
    before = said(inside(*ask, cwd=demo), "bulk")["counts"]
    done = inside("ledger", "compact", "--format", "json", cwd=demo)
    assert counts(done) == {"epochs compacted": 1, "tags": 9}
    assert "epoch 1: " in inside("ledger", "compact", "--epoch", "1", cwd=demo).stdout
    assert said(inside(*ask, cwd=demo), "bulk")["counts"] == before


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("compact", "--epoch", "2"), 4, "epoch 2 is the newest"),
        (("compact", "--epoch", "7"), 2, "epoch 7"),
        (("export", "--epoch", "2", "--to", "x.parquet"), 4, "epoch 2 is the newest"),
        (("export", "--epoch", "0", "--to", "x.parquet"), 2, "epoch 0"),
        (("export", "--epoch", "1", "--to", "no/such/x.parquet"), 2, "no/such"),
        (("check-export", "x.parquet"), 2, "error: x.parquet: No such file or directory\n"),
        (("check-export", "policyctl.toml"), 3, "policyctl.toml"),
    ],
)
def test_what_cannot_be_done_is_told_with_its_mend(
    demo: Path, args: tuple[str, ...], code: int, words: str
) -> None:
    run = inside("ledger", *args, cwd=demo)
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
    assert "hint: " in run.stderr
    assert not (demo / "x.parquet").exists()


def test_an_epoch_is_exported_checked_and_decided_from(demo: Path) -> None:
    """In processes of their own, and from the folder in which the person stands."""
    written = policyctl("ledger", "export", "--epoch", "1", "--to", FILE, "--format", "json", cwd=demo)
    assert counts(written) == {"tags": 9, "bytes": (demo / FILE).stat().st_size}
    held = policyctl("ledger", "check-export", FILE, cwd=demo)
    assert (held.returncode, held.stderr) == (0, "")
    assert "9 tags hold" in held.stdout
    assert "nothing of it has changed since" in held.stdout
    ask = ("may-use", "--bulk", "--purpose", PURPOSE, "--format", "json")
    part = said(policyctl(*ask, "--from", FILE, cwd=demo), "bulk")
    whole = said(policyctl(*ask, "--from", "ledger", cwd=demo), "bulk")
    assert part["records"] == 9
    assert whole["records"] == 10
    assert whole["permitted"] == part["permitted"] + 1


def test_an_export_is_written_over_only_by_force(demo: Path) -> None:
    (demo / FILE).write_text("mine")
    refused = inside("ledger", "export", "--epoch", "1", "--to", demo / FILE, cwd=demo)
    assert (refused.returncode, (demo / FILE).read_text()) == (4, "mine")
    assert "--force" in refused.stderr
    assert (
        inside("ledger", "export", "--epoch", "1", "--to", demo / FILE, "--force", cwd=demo).returncode == 0
    )
    assert inside("ledger", "check-export", demo / FILE, cwd=demo).returncode == 0


def tampered(demo: Path) -> None:
    """One tag said to be of the version that permits more."""
    table = pq.read_table(demo / FILE)
    place = table.column_names.index("version")
    words = ["example-fax@v2", *table["version"].to_pylist()[1:]]
    assert words != table["version"].to_pylist()
    column = pa.array(words).cast(table.schema.field(place).type)
    pq.write_table(table.set_column(place, table.schema.field(place), column), demo / FILE)


def late_tag(demo: Path) -> None:
    assert more_tags(demo, "2026-02-09", "late") == "1 added"


def corrected(demo: Path) -> None:
    """A tag of the file was collected a day later."""
    assert more_tags(demo, "2026-01-21", "account/ana#email", "--provenance", "a clock") == "1 added"


def of_another_ledger(demo: Path) -> None:
    """Of one that went on otherwise."""
    other = Path(shutil.copytree(demo, demo.parent / "other", symlinks=True))
    assert more_tags(other, "2026-10-04", "there") == "1 added"
    run = inside("ledger", "export", "--epoch", "1", "--to", demo / FILE, "--force", cwd=other)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("change", "code", "words", "decides"),
    [
        (tampered, 5, "does not hold the tags that entered", False),
        (late_tag, 4, "out of date", False),
        (of_another_ledger, 4, "another ledger", False),
        # What was corrected since is known to the ledger: the decision takes it from there.
        (corrected, 4, "out of date", True),
    ],
)
def test_a_file_that_does_not_hold_is_named(
    demo: Path, change: Callable[[Path], None], code: int, words: str, *, decides: bool
) -> None:
    assert inside("ledger", "export", "--epoch", "1", "--to", demo / FILE, cwd=demo).returncode == 0
    change(demo)
    run = inside("ledger", "check-export", demo / FILE, cwd=demo)
    assert run.returncode == code, run.stderr
    assert words in run.stderr
    assert FILE in run.stderr
    yes = demo / "yes.parquet"
    asked = inside("may-use", "--bulk", "--purpose", PURPOSE, "--from", demo / FILE, "--to", yes, cwd=demo)
    assert asked.returncode == (0 if decides else code)
    assert yes.exists() is decides
    assert decides or FILE in asked.stderr
