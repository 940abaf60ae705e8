# SPDX-License-Identifier: Apache-2.0
"""Backup and restore on PostgreSQL, killed and lied to: what was there stays until what comes is verified."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyctl.core.records import CustomerRow
from policyctl.errors import Place
from tests.actions.instance import DAYS, PRACTICES_2, TEXT_2, Opened, make_instance, policy, publish
from tests.cli.run import inside, policyctl
from tests.peers.postgres import Server
from tests.repos import ALONE

pytestmark = pytest.mark.peer("postgres")
LEFT = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'policyctl_restore_%'"


@pytest.fixture(scope="module")
def tools(postgres: Server) -> Iterator[Path]:
    """PostgreSQL's own programs on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(Path(postgres.pg_ctl).parent), prepend=":")
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        yield Path(postgres.pg_ctl).parent


def enter(root: Path, name: str) -> None:
    row = CustomerRow(Place("c.csv", 2), name, name.title(), f"ada@{name}.example.com", "Ada", "en")
    with Opened(root) as opened:
        opened.ledger.import_customers([row], now=DAYS[2])


@pytest.fixture(scope="module")
def model(tools: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository whose ledger has two versions and one customer, and its URL."""
    assert (tools / "initdb").exists()
    root = tmp_path_factory.mktemp("model") / "repo"
    repo = make_instance(root)
    url = postgres.new_database()
    name_ledger(root, url)
    repo.commit("Settings", {"policyctl.toml": (root / "policyctl.toml").read_text("utf-8")})
    publish(root, DAYS[1])
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(root, DAYS[2])
    enter(root, "acme")
    return root, url


def name_ledger(root: Path, url: str) -> None:
    settings = root / "policyctl.toml"
    lines = settings.read_text("utf-8").splitlines()
    lines = [
        f'url = "{url}"' if "ledger.db" in line or "postgresql://postgres@" in line else line
        for line in lines
    ]
    settings.write_text("\n".join(lines) + "\n", "utf-8")


class Keeper:
    """Has a ledger of two customers and a backup from when there was one."""

    def __init__(self, root: Path, url: str, folder: Path) -> None:
        self.root, self.url, self.backup = root, url, folder / "one"
        assert inside("backup", "--output", str(self.backup), cwd=root).returncode == 0
        enter(root, "beta")

    def ask(self, query: str) -> list[str]:
        import psycopg

        with psycopg.connect(self.url) as connection:
            return [str(row[0]) for row in connection.execute(query).fetchall()]  # type: ignore[arg-type]

    def customers(self) -> list[str]:
        return self.ask("SELECT name FROM customer ORDER BY name")

    def restore(self, *words: str) -> str:
        """Standard error; the exit code stands first."""
        run = inside("restore", str(self.backup), "--force", "--yes", *words, cwd=self.root)
        return f"{run.returncode} {run.stderr}"

    def killed(self, step: str, path: str = "") -> int:
        env = {"POLICYCTL_FAULT": step, **({"PATH": path} if path else {})}
        run = policyctl("restore", self.backup, "--force", "--yes", cwd=self.root, env=env)
        assert run.returncode in {137, -9}, run.stderr
        return run.returncode

    def holds(self) -> bool:
        return inside("verify", "--allow-unsigned", cwd=self.root).returncode == 0


@pytest.fixture
def keeper(model: tuple[Path, str], postgres: Server, tmp_path: Path) -> Keeper:
    root = Path(shutil.copytree(model[0], tmp_path / "repo"))
    url = postgres.copy_of(model[1])
    name_ledger(root, url)
    return Keeper(root, url, tmp_path)


BOTH, ONE = ["Acme", "Beta"], ["Acme"]


def test_killed_at_any_step_the_old_ledger_is_there_whole_or_the_new_one(
    keeper: Keeper, tools: Path, tmp_path: Path
) -> None:
    psql = tmp_path / "bin/psql"
    psql.parent.mkdir()
    psql.write_text(f'#!/bin/sh\nhead -c 9000 | {tools}/psql "$@"\nkill -9 $PPID\n', "utf-8")
    psql.chmod(0o755)
    keeper.killed("", f"{psql.parent}{os.pathsep}{os.environ['PATH']}")
    assert (keeper.customers(), len(keeper.ask(LEFT))) == (BOTH, 1)
    keeper.killed("restore.verified")
    assert (keeper.customers(), keeper.holds()) == (BOTH, True)
    (left,) = keeper.ask(LEFT)  # the next run removes what the one before left over
    assert left in inside("doctor", cwd=keeper.root).stdout
    keeper.killed("restore.swapped")
    assert (keeper.customers(), keeper.holds()) == (ONE, True)
    assert keeper.ask(LEFT) == []


def test_a_backup_that_is_killed_leaves_none_and_the_next_one_is_whole(
    keeper: Keeper, tools: Path, tmp_path: Path
) -> None:
    """Killed while PostgreSQL's own program, which outlives it, is at work in the folder beside."""
    fake = tmp_path / "bin/pg_dump"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nkill -9 $PPID\nexec {tools}/pg_dump "$@"\n', "utf-8")
    fake.chmod(0o755)
    place = tmp_path / "backups"
    place.mkdir()
    env = {"PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}"}
    assert policyctl("backup", "--output", place, cwd=keeper.root, env=env).returncode == -9
    assert [each.name for each in place.iterdir() if not each.name.startswith(".")] == []
    assert len(list(place.glob(".policyctl-backup-*"))) == 1
    assert inside("backup", "--output", place, cwd=keeper.root).returncode == 0
    (keeper.backup,) = place.iterdir()
    assert keeper.restore().startswith("0 ")
    assert (keeper.customers(), keeper.holds()) == (BOTH, True)


def test_a_dump_that_does_not_verify_changes_nothing(keeper: Keeper, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(keeper.url) as raw:
        raw.execute("SET session_replication_role = replica")
        raw.execute("UPDATE version SET text_sha256 = repeat('0', 64) WHERE number = 2")
    keeper.backup = tmp_path / "altered"
    assert inside("backup", "--output", str(keeper.backup), cwd=keeper.root).returncode == 0
    with psycopg.connect(keeper.url) as raw:
        raw.execute("CREATE TABLE mine (a int); INSERT INTO mine VALUES (7)")
    enter(keeper.root, "gamma")
    told = keeper.restore()
    assert told.startswith("5 "), told
    assert "does not verify" in told
    assert keeper.customers() == [*BOTH, "Gamma"]
    assert (keeper.ask(LEFT), keeper.ask("SELECT a FROM mine")) == ([], ["7"])


def test_a_dump_that_is_cut_off_changes_nothing(keeper: Keeper) -> None:
    from policyctl.adapters.ledger.custody.copies import digest_of

    dump, note = keeper.backup / "ledger.dump", keeper.backup / "manifest.json"
    before = digest_of(dump)
    dump.write_bytes(dump.read_bytes()[:-2000])
    note.write_text(note.read_text("utf-8").replace(before, digest_of(dump)), "utf-8")
    told = keeper.restore()
    assert told[0] in "45", told
    assert (keeper.customers(), keeper.ask(LEFT), keeper.holds()) == (BOTH, [], True)


def test_tables_of_others_stay_and_a_reader_keeps_the_old_ledger(keeper: Keeper) -> None:
    import psycopg

    with psycopg.connect(keeper.url) as raw:
        raw.execute("CREATE TABLE mine (a text); INSERT INTO mine VALUES ('public.entry stays public.entry')")
    with psycopg.connect(keeper.url) as reader:
        reader.execute("SELECT count(*) FROM customer")
        told = keeper.restore()
        assert told.startswith("4 ")
        assert "open in another program" in told
    assert (keeper.customers(), keeper.holds()) == (BOTH, True)
    assert keeper.restore().startswith("0 ")
    assert (keeper.customers(), keeper.holds()) == (ONE, True)
    assert keeper.ask("SELECT a FROM mine") == ["public.entry stays public.entry"]
    assert "append-only" in told_by(keeper.url, "DELETE FROM version")
    assert "append-only" in told_by(keeper.url, "TRUNCATE entry CASCADE")


def told_by(url: str, statement: str) -> str:
    import psycopg

    with psycopg.connect(url) as raw, pytest.raises(psycopg.Error) as caught:
        raw.execute(statement)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_value_that_looks_like_a_name_of_the_database_comes_back_as_it_was(
    keeper: Keeper, postgres: Server, tmp_path: Path
) -> None:
    row = CustomerRow(
        Place("c.csv", 2), "odd", "public.entry COPY public.x FROM stdin;", "a@odd.example.com", "Ada", "en"
    )
    with Opened(keeper.root) as opened:
        opened.ledger.import_customers([row], now=DAYS[2])
    keeper.backup, keeper.url = tmp_path / "two", postgres.new_database()
    assert inside("backup", "--output", str(keeper.backup), cwd=keeper.root).returncode == 0
    assert keeper.restore("--to", keeper.url).startswith("0 ")
    assert keeper.customers() == [*BOTH, "public.entry COPY public.x FROM stdin;"]
