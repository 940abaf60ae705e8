# SPDX-License-Identifier: Apache-2.0
"""``policyctl erase`` as the keeper of a ledger calls it: what goes, what stays, and what is sent."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.run import inside, said

CANARY, CANARY_NAME = "canary.zebra-9213@users.example.com", "record/canary-zebra-9213"
EMAIL, PURPOSE = "user.contact.email", "essential.service.operations"
WHO = "u-canary"


@pytest.fixture(scope="module")
def demo_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with a hundred people more, one of whom is to be erased."""
    place = tmp_path_factory.mktemp("erase") / "demo"
    assert inside("demo", str(place), cwd=place.parent).returncode == 0
    people = [f"u-{n},,u{n}@users.example.com,en,2026-01-02" for n in range(100)]
    people.insert(37, f"{WHO},,{CANARY},en,2026-01-02")
    (place / "people.csv").write_text(
        "\n".join(["subject,customer,email,locale,known_since", *people, ""]), "utf-8"
    )
    tags = f"subject,category,record,collected_at\n{WHO},{EMAIL},{CANARY_NAME},2026-02-01\n"
    (place / "tags.csv").write_text(tags, "utf-8")
    for what, file in (("subjects", "people.csv"), ("tags", "tags.csv")):
        run = inside(what, "import", file, cwd=place)
        assert run.returncode == 0, run.stderr
    return place


@pytest.fixture
def demo(tmp_path: Path, demo_once: Path) -> Path:
    return Path(shutil.copytree(demo_once, tmp_path / "demo", symlinks=True))


def held(demo: Path, *words: str) -> list[str]:
    """Which words are somewhere in the ledger's files."""
    content = b"".join(path.read_bytes() for path in (demo / ".policyctl").glob("ledger.db*"))
    return [word for word in words if word.encode() in content]


def asked(demo: Path) -> str:
    words = ("--subject", WHO, "--category", EMAIL, "--purpose", PURPOSE)
    return str(said(inside("may-use", *words, "--format", "json", cwd=demo), "decision")["answer"])


def counts(demo: Path, *words: str) -> dict[str, int]:
    run = inside("erase", WHO, *words, "--format", "json", cwd=demo)
    assert run.returncode == 0, run.stderr
    return {each["name"]: each["number"] for each in said(run, "receipt")["counts"]}


def salt(demo: Path) -> bytes:
    query = "SELECT s.salt FROM subject s JOIN address a ON a.subject_no = s.subject_no WHERE a.email = ?"
    with closing(sqlite3.connect(demo / ".policyctl/ledger.db")) as raw:
        ((found,),) = raw.execute(query, (CANARY,)).fetchall()
    return bytes(found)


def test_no_byte_of_a_person_stays_and_everything_still_verifies(demo: Path) -> None:
    assert asked(demo) == "refused"  # so far it is decided
    assert held(demo, CANARY, CANARY_NAME) == [CANARY, CANARY_NAME]
    key = salt(demo)
    done = counts(demo, "--yes")
    assert (done["people erased"], done["addresses"], done["names of records"]) == (1, 1, 1)
    assert held(demo, CANARY, CANARY_NAME) == []
    assert not any(key in path.read_bytes() for path in (demo / ".policyctl").glob("ledger.db*"))
    assert asked(demo) == "undecided"
    verified = said(inside("verify", "--allow-unsigned", "--format", "json", cwd=demo), "verify")
    assert verified["verdict"] == "holds"
    assert [ledger["cuts"] for ledger in verified["ledgers"]] == [1]


def test_a_plan_changes_nothing_and_a_script_must_say_yes(demo: Path) -> None:
    before = (demo / ".policyctl/ledger.db").read_bytes()
    assert counts(demo, "--plan")["addresses"] == 1
    refused = inside("erase", WHO, cwd=demo)
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    assert inside("erase", WHO, "--plan", "--yes", cwd=demo).returncode == 2
    assert (demo / ".policyctl/ledger.db").read_bytes() == before


def test_run_again_it_finds_nobody_and_others_stay(demo: Path) -> None:
    assert counts(demo, "--yes")["people erased"] == 1
    run = inside("erase", WHO, "--yes", cwd=demo)
    assert run.returncode == 0
    assert "nobody is known by this id" in run.stdout
    assert held(demo, "u36@users.example.com", "u99@users.example.com") != []


def test_what_old_pages_hold_goes_too(demo: Path) -> None:
    """SQLite leaves copies behind in pages that it has split; here one is put where it leaves them."""
    path = demo / ".policyctl/ledger.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA secure_delete = OFF")
        raw.execute("CREATE TABLE old (words TEXT)")
        raw.execute("INSERT INTO old VALUES (?)", (CANARY * 3,))
        raw.execute("DROP TABLE old")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    run = inside("erase", WHO, "--yes", cwd=demo)
    assert "laid anew" in run.stdout
    assert held(demo, CANARY) == []


def test_proof_is_pruned_only_by_a_period_that_is_set_and_has_passed(demo: Path) -> None:
    refused = inside("prune", "--yes", cwd=demo)
    assert refused.returncode == 2
    assert "proof_after_data" in refused.stderr
    settings = demo / "policyctl.toml"
    settings.write_text(settings.read_text("utf-8") + '\n[retention]\nproof_after_data = "P3Y"\n', "utf-8")
    counts(demo, "--yes")
    early = said(inside("prune", "--yes", "--format", "json", cwd=demo), "receipt")
    assert early["counts"][0] == {"name": "people", "number": 0}
    with closing(sqlite3.connect(demo / ".policyctl/ledger.db")) as raw, raw:
        triggers = raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'subject'"
        )
        for (name,) in triggers.fetchall():
            raw.execute(f"DROP TRIGGER {name}")
        raw.execute("UPDATE subject SET erased_at = erased_at - 126144000000000")  # four years ago
    planned = said(inside("prune", "--plan", "--format", "json", cwd=demo), "receipt")
    done = said(inside("prune", "--yes", "--format", "json", cwd=demo), "receipt")
    assert planned["counts"] == done["counts"]
    assert done["counts"][0] == {"name": "people", "number": 1}
    assert inside("verify", "--allow-unsigned", cwd=demo).returncode == 0


def test_while_another_reads_old_pages_stay_and_go_with_scrub(demo: Path) -> None:
    with closing(sqlite3.connect(demo / ".policyctl/ledger.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM subject").fetchone()
        run = inside("erase", WHO, "--yes", cwd=demo)
        assert "policyctl ledger scrub" in run.stdout
        reader.execute("COMMIT")
    assert inside("ledger", "scrub", cwd=demo).returncode == 0
    assert held(demo, CANARY, CANARY_NAME) == []


def test_a_line_that_was_cut_off_is_no_erasure_and_does_no_harm(demo: Path) -> None:
    """The power went while it was written, so before the ledger was touched."""
    (demo / ".policyctl/erasures").write_text("2026-11-30T09:0", "ascii")
    assert counts(demo, "--yes")["people erased"] == 1
    (line,) = (demo / ".policyctl/erasures").read_text("ascii").splitlines()
    assert len(line.split()) == 3
    assert inside("ledger", "stats", cwd=demo).returncode == 0
