# SPDX-License-Identifier: Apache-2.0
"""A ledger that was copied or put back sends nothing by itself, and nobody who was erased is in it again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.run import inside
from tests.desk import SAMPLE, SLUG, Desk


def mails(folder: Path) -> int:
    return len(list((folder / ".policyctl" / "outbox").glob("*.eml")))


def ledger_file(desk: Desk) -> Path:
    return desk.folder / ".policyctl" / "ledger.db"


def snapshot(desk: Desk, to: Path) -> Path:
    with closing(sqlite3.connect(ledger_file(desk))) as raw, closing(sqlite3.connect(to)) as copy:
        raw.backup(copy)
    return to


def put_back(desk: Desk, old: Path) -> None:
    """As somebody without `policyctl restore` would: the bytes over those of the file."""
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (ledger_file(desk).parent / name).unlink(missing_ok=True)
    ledger_file(desk).write_bytes(old.read_bytes())


def test_a_copy_sends_nothing_until_it_is_adopted(published: Desk) -> None:
    staging = published.folder.parent / f"{published.folder.name}-staging"
    shutil.copytree(published.folder, staging, symlinks=True)
    for words in (("notify",), ("notify", "--cancel", f"{SLUG}@v2", "--yes")):
        run = inside(*words, cwd=staging)
        assert run.returncode == 4, run.stderr
        assert "this ledger is a copy" in run.stderr
        assert "policyctl ledger adopt" in run.stderr
    assert mails(staging) == 0
    assert inside("notify", "--plan", cwd=staging).returncode == 0, "to look is no sending"
    assert inside("ledger", "adopt", cwd=staging).returncode == 2, "a script must say --yes"
    assert inside("ledger", "adopt", "--yes", cwd=staging).returncode == 0
    assert inside("notify", cwd=staging).returncode == 0
    assert (mails(staging), mails(published.folder)) == (3, 0)
    published.run("notify")
    assert mails(published.folder) == 3, "the original is where it was"


def test_an_older_state_that_was_put_back_is_told_and_sends_nothing(desk: Desk, tmp_path: Path) -> None:
    desk.write(1)
    desk.run("publish", SLUG, "--yes")
    old = snapshot(desk, tmp_path / "old.db")
    desk.run("customers", "import", str(SAMPLE / "data" / "customers.csv"))
    desk.write(2)
    desk.run("publish", SLUG, "--yes")
    put_back(desk, old)
    assert "is behind" in desk.fails("notify", code=4)
    assert mails(desk.folder) == 0
    assert "rolled-back" in desk.run("verify", "--allow-unsigned", code=5)
    done = desk.json("ledger", "adopt", "--yes")
    assert any("is lost" in remark for remark in done["remarks"])
    desk.run("notify")


def test_who_was_erased_is_not_back_because_an_older_copy_is(published: Desk, tmp_path: Path) -> None:
    known = (SAMPLE / "data" / "subjects.csv").read_text("utf-8").splitlines()[1].split(",")
    who, address = known[0], known[2]
    old = snapshot(published, tmp_path / "old.db")
    published.run("erase", who, "--yes")
    put_back(published, old)
    assert address.encode() in ledger_file(published).read_bytes()
    published.run("ledger", "stats")  # whatever is opened first
    content = b"".join(path.read_bytes() for path in ledger_file(published).parent.glob("ledger.db*"))
    assert address.encode() not in content
    assert "nobody is known" in published.run("erase", who, "--yes")
    listed = (published.folder / ".policyctl" / "erasures").read_text("ascii")
    assert len(listed.splitlines()) == 1
    assert who not in listed
    assert "cut records: 1" in published.run("verify", "--allow-unsigned")


def test_a_list_of_erasures_that_cannot_be_read_keeps_the_ledger_shut(published: Desk) -> None:
    """Else somebody who was erased could be asked about, and written to."""
    (published.folder / ".policyctl" / "erasures").write_text("no line of it\n", "utf-8")
    assert "erasures:1" in published.fails("notify", code=3)
    assert mails(published.folder) == 0
