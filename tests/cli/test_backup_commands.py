# SPDX-License-Identifier: Apache-2.0
"""``policyctl backup`` and ``restore``: under load, killed, altered, older, on both databases."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.core.records import SubjectRow
from policyctl.errors import Place
from policyctl.settings import load_settings
from tests.adapters.ledger_samples import NEWS, day
from tests.cli.run import inside, policyctl, said, schema
from tests.desk import SAMPLE, SLUG, Desk
from tests.peers.postgres import Server

POSTGRES = "/usr/lib/postgresql"


def ledger_file(desk: Desk) -> Path:
    return desk.folder / ".policyctl" / "ledger.db"


def subjects(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("SELECT count(*) FROM subject").fetchone()[0])


def mails(desk: Desk) -> int:
    return len(list((desk.folder / ".policyctl" / "outbox").glob("*.eml")))


def manifest(backup: Path) -> dict[str, object]:
    value = json.loads((backup / "manifest.json").read_text("utf-8"))
    schema("backup").validate(value)
    assert isinstance(value, dict)
    return value


class Writer(threading.Thread):
    """Somebody who enters people one by one until told to stop."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk, self.stopped, self.entered = desk, threading.Event(), 0

    def run(self) -> None:
        with wiring.open_ledger(load_settings(self._desk.folder)) as ledger:
            while not self.stopped.is_set():
                row = SubjectRow(Place("x.csv", 2), f"w{self.entered}", None, None, None, day("2026-01-02"))
                ledger.import_subjects([row], now=NEWS)
                self.entered += 1


def test_a_backup_under_write_load_is_of_one_moment_and_nothing_goes_twice(
    published: Desk, tmp_path: Path
) -> None:
    published.run("notify")
    before, sent = subjects(ledger_file(published)), mails(published)
    assert sent == 3
    writer = Writer(published)
    writer.start()
    try:
        while writer.entered < 20:
            pass
        known = writer.entered
        published.run("backup", "--output", str(tmp_path / "one"))
    finally:
        writer.stopped.set()
        writer.join()
    assert subjects(tmp_path / "one" / "ledger.db") >= before + known
    target = tmp_path / "restored.db"
    done = published.json("restore", str(tmp_path / "one"), "--to", f"sqlite:///{target}", "--yes")
    counts = {each["name"]: each["number"] for each in done["counts"]}
    said_by_manifest = manifest(tmp_path / "one")["counts"]
    assert isinstance(said_by_manifest, dict)
    assert subjects(target) == said_by_manifest["subject"]
    assert counts["rows"] == sum(said_by_manifest.values())
    assert (
        published.json("verify", "--allow-unsigned", "--ledger", f"sqlite:///{target}")["verdict"] == "holds"
    )
    # Put in place of the ledger and adopted, it owes nobody a mail that has gone.
    published.run("restore", str(tmp_path / "one"), "--force", "--yes")
    assert "not adopted" in published.fails("notify", code=4)
    published.run("ledger", "adopt", "--yes")
    published.run("notify")
    assert mails(published) == sent


def test_in_staging_with_the_keys_of_production_nothing_is_sent(published: Desk, tmp_path: Path) -> None:
    published.run("backup", "--output", str(tmp_path / "one"))
    staging = tmp_path / "staging"
    shutil.copytree(published.folder, staging, symlinks=True, ignore=shutil.ignore_patterns("one"))
    (staging / ".policyctl" / "ledger.db").unlink()
    assert inside("restore", tmp_path / "one", "--yes", cwd=staging).returncode == 0
    run = inside("notify", cwd=staging)
    assert run.returncode == 4
    assert "not adopted here" in run.stderr
    assert not list((staging / ".policyctl").glob("outbox/*.eml"))
    published.run("notify")
    assert mails(published) == 3, "the original sends as before"


def test_a_ledger_that_is_there_is_replaced_only_by_force_and_never_under_a_reader(
    published: Desk, tmp_path: Path
) -> None:
    published.run("backup", "--output", str(tmp_path / "one"))
    assert "is there already" in published.fails(
        "backup", "--output", str(tmp_path / "one" / "ledger.db"), code=4
    )
    assert "is a backup already" in published.fails("backup", "--output", str(tmp_path / "one"), code=4)
    published.run("ledger", "stats")
    before = ledger_file(published).read_bytes()
    assert "--force" in published.fails("restore", str(tmp_path / "one"), "--yes", code=4)
    with closing(sqlite3.connect(ledger_file(published))) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subject").fetchone()
        run = published.fails("restore", str(tmp_path / "one"), "--force", "--yes", code=4)
    assert "open in another program" in run
    assert ledger_file(published).read_bytes() == before
    published.run("restore", str(tmp_path / "one"), "--force", "--yes")


def killed(desk: Desk, step: str, *words: str) -> subprocess.CompletedProcess[str]:
    run = policyctl(*words, cwd=desk.folder, env={"POLICYCTL_FAULT": step})
    assert run.returncode == 137, run.stderr
    return run


def left_over(folder: Path) -> list[Path]:
    """With people of the ledger in them."""
    return [*folder.glob(".policyctl-backup-*"), *folder.glob(".policyctl-restore-*")]


def test_what_another_is_at_work_in_is_not_taken_for_left_over(tmp_path: Path) -> None:
    from policyctl.adapters.ledger.custody.beside import BACKUP, folder_beside

    with folder_beside(tmp_path, BACKUP) as one, folder_beside(tmp_path, BACKUP) as two:
        assert one.is_dir()
        assert two.is_dir()
        (tmp_path / f"{BACKUP}linked").symlink_to(one)
    assert [each.name for each in tmp_path.iterdir()] == [f"{BACKUP}linked"]


def test_killed_at_any_step_no_half_of_a_backup_or_ledger_is_there(published: Desk, tmp_path: Path) -> None:
    one = tmp_path / "one"
    for step in ("backup.copied", "backup.written"):
        killed(published, step, "backup", "--output", str(one))
        assert not one.exists()
        assert len(left_over(tmp_path)) == 1, "the next one removes what this one left over"
    published.run("backup", "--output", str(one))
    assert left_over(tmp_path) == []
    published.run("customers", "import", str(SAMPLE / "data" / "customers.csv"))
    (published.folder / "x.csv").write_text("subject,customer,email,locale,known_since\nlate,,,,2026-01-02\n")
    published.run("subjects", "import", str(published.folder / "x.csv"))
    newer, older = subjects(ledger_file(published)), manifest(one)["counts"]
    assert isinstance(older, dict)
    killed(published, "restore.verified", "restore", str(one), "--force", "--yes")
    assert subjects(ledger_file(published)) == newer == older["subject"] + 1
    (left,) = left_over(ledger_file(published).parent)
    told = {each["name"]: each for each in published.json("doctor")["checks"]}["left over"]
    assert (told["state"], left.name in told["seen"]) == ("warning", True)
    killed(published, "restore.swapped", "restore", str(one), "--force", "--yes")
    assert subjects(ledger_file(published)) == older["subject"]
    assert said(inside("verify", "--allow-unsigned", "--format", "json", cwd=published.folder), "verify")


def flipped(backup: Path) -> None:
    content = bytearray((backup / "ledger.db").read_bytes())
    content[len(content) // 2] ^= 1
    (backup / "ledger.db").write_bytes(content)


def doctored(backup: Path) -> None:
    """A tag's owner altered, and the manifest made to fit: the chain still tells."""
    with closing(sqlite3.connect(backup / "ledger.db")) as raw, raw:
        raw.execute("DROP TRIGGER version_no_update")
        raw.execute("UPDATE version SET text_sha256 = text_sha256 || 'x'")
    from policyctl.adapters.ledger.custody.copies import digest_of

    text = {**manifest(backup), "sha256": digest_of(backup / "ledger.db")}
    (backup / "manifest.json").write_text(json.dumps(text), "utf-8")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (flipped, 5, "not the file that was backed up"),
        (doctored, 5, "does not verify"),
        (lambda backup: (backup / "ledger.db").unlink(), 3, "is not there"),
        (lambda backup: (backup / "manifest.json").write_text("{}", "utf-8"), 3, "no manifest"),
        (lambda backup: (backup / "manifest.json").unlink(), 3, "cannot be read"),
    ],
)
def test_a_backup_that_is_not_what_it_says_restores_nothing(
    desk: Desk, tmp_path: Path, change: object, code: int, words: str
) -> None:
    desk.write(1)
    desk.run("publish", SLUG, "--yes")
    desk.run("backup", "--output", str(tmp_path / "one"))
    assert callable(change)
    change(tmp_path / "one")
    target = tmp_path / "sub" / "restored.db"
    told = desk.fails("restore", str(tmp_path / "one"), "--to", f"sqlite:///{target}", "--yes", code=code)
    assert words in told
    assert not list(tmp_path.glob("sub/*"))


def test_with_another_pseudonym_key_nobody_would_be_found_again(desk: Desk, tmp_path: Path) -> None:
    desk.write(1)
    desk.run("publish", SLUG, "--yes")
    desk.run("backup", "--output", str(tmp_path / "one"))
    (desk.folder / ".policyctl" / "pseudonym.key").write_text("ab" * 32)
    told = desk.fails(
        "restore", str(tmp_path / "one"), "--to", f"sqlite:///{tmp_path / 'x.db'}", "--yes", code=4
    )
    assert "another pseudonym key" in told


def test_an_older_backup_says_that_it_is_behind_and_erases_again(published: Desk, tmp_path: Path) -> None:
    who, _, address, *_ = (SAMPLE / "data" / "subjects.csv").read_text("utf-8").splitlines()[1].split(",")
    published.run("backup", "--output", str(tmp_path / "one"))
    published.run("erase", who, "--yes")
    published.run("accept", f"{SLUG}@v2", "--customer", "harbour-clinic")
    published.write(3)
    published.run("publish", SLUG, "--yes")
    done = published.json("restore", str(tmp_path / "one"), "--force", "--yes")
    assert {each["name"]: each["number"] for each in done["counts"]}["people erased again"] == 1
    assert address.encode() not in ledger_file(published).read_bytes()
    assert "rolled-back" in published.run("verify", "--allow-unsigned", code=5)
    told = published.run("doctor", code=1)  # a version that is published is not on record
    assert "not adopted here" in told
    assert "is at work" not in told, "the backup was at work when it copied its own run, and is not here"


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, postgres: Server) -> Server:
    monkeypatch.setenv("PATH", str(Path(postgres.pg_ctl).parent), prepend=":")
    return postgres


@pytest.mark.peer("postgres")
def test_on_postgresql_it_goes_by_its_own_tools(desk: Desk, tmp_path: Path, tools: Server) -> None:
    settings = desk.folder / "policyctl.toml"
    text = settings.read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith("url = "))
    first, second = tools.new_database(), tools.new_database()
    settings.write_text(text.replace(line, f'url = "{first}"'), "utf-8")
    desk.git("add", "-A")
    desk.git("commit", "-qm", "Settings")
    desk.write(1)
    desk.run("publish", SLUG, "--yes")
    for name in ("customers", "subjects"):
        desk.run(name, "import", str(SAMPLE / "data" / f"{name}.csv"))
    desk.write(2)
    desk.run("publish", SLUG, "--yes")
    one = tmp_path / "one"
    desk.run("backup", "--output", str(one))
    assert manifest(one)["database"] == "postgresql"
    desk.run("restore", str(one), "--to", second, "--yes")
    assert desk.json("verify", "--allow-unsigned", "--ledger", second)["verdict"] == "holds"
    assert "--force" in desk.fails("restore", str(one), "--yes", code=4)
    assert "--to" in desk.fails(
        "restore", str(one), "--to", f"sqlite:///{tmp_path / 'x.db'}", "--yes", code=2
    )
    who = (SAMPLE / "data" / "subjects.csv").read_text("utf-8").splitlines()[1].split(",")[0]
    desk.run("erase", who, "--yes")
    done = desk.json("restore", str(one), "--force", "--yes")
    assert {each["name"]: each["number"] for each in done["counts"]}["people erased again"] == 1
    assert "not adopted here" in desk.fails("notify", code=4)
    assert mails(desk) == 0
