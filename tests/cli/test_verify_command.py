# SPDX-License-Identifier: Apache-2.0
"""``policyctl verify`` as a person and as a script sees it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.actions.instance import DAYS, SLUG, make_instance, publish
from tests.cli.run import GIT, inside, said
from tests.peers.signing import SshKeys
from tests.repos import Repo


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, ssh_keys_made: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in GIT.items():
            patch.setenv(name, value)
        repo = make_instance(tmp_path_factory.mktemp("verify") / "repo")
        SshKeys(ssh_keys_made).use(repo, "legal")
        publish(repo.root, DAYS[1])
    return repo.root


@pytest.fixture
def repo(made: Path, tmp_path: Path, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch) -> Repo:
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("POLICYCTL_ALLOWED_SIGNERS", str(ssh_keys.signers))
    return Repo(Path(shutil.copytree(made, tmp_path / "repo")))


def alter(repo: Repo) -> None:
    with closing(sqlite3.connect(repo.root / ".policyctl/ledger.db")) as connection:
        connection.execute("DROP TRIGGER practice_no_update")
        connection.execute("UPDATE practice SET purpose = 'marketing'")
        connection.commit()


def test_what_holds_is_said_with_who_signed_it_and_where_the_ledger_ends(repo: Repo) -> None:
    run = inside("verify", cwd=repo.root)
    assert run.returncode == 0
    assert "holds  example@v1  signed by legal@example.com (SHA256:" in run.stdout
    assert "ledger: 1 entry, " in run.stdout
    assert "time-unproven" in run.stdout
    assert run.stdout.endswith("everything that was looked at holds\n")


def test_what_is_broken_is_named_first_and_last(repo: Repo) -> None:
    alter(repo)
    run = inside("verify", cwd=repo.root)
    assert run.returncode == 5
    assert "altered: the rows of entry 1 (version) are not those that were written" in run.stdout
    assert run.stdout.endswith("BROKEN, and first: altered, entry 1\n")


def test_a_script_gets_verdict_versions_and_flaws(repo: Repo) -> None:
    whole = said(inside("verify", "--format", "json", cwd=repo.root), "verify")
    assert (whole["verdict"], whole["first"]) == ("holds", None)
    assert [each["signer"] for each in whole["versions"]] == ["legal@example.com"]
    assert whole["ledgers"][0]["head"]["entry"] == 1
    alter(repo)
    broken = said(inside("verify", "--format", "json", cwd=repo.root), "verify")
    assert broken["verdict"] == "broken"
    assert broken["first"]["entry"] == 1


def test_a_head_from_a_mail_is_held_against_the_ledger(repo: Repo) -> None:
    whole = said(inside("verify", "--format", "json", cwd=repo.root), "verify")
    root = whole["ledgers"][0]["head"]["root"]
    assert inside("verify", "--anchor", f"1:{root}", cwd=repo.root).returncode == 0
    later = inside("verify", "--anchor", f"7:{root}", cwd=repo.root)
    assert later.returncode == 5
    assert "rolled-back: the ledger ends at entry 1, and the head that you gave holds" in later.stdout
    assert inside("verify", "--anchor", "x", cwd=repo.root).returncode == 2


def test_git_alone_and_another_ledger_can_be_asked_for(repo: Repo, tmp_path: Path) -> None:
    alter(repo)
    alone = inside("verify", f"{SLUG}@v1", "--no-ledger", cwd=repo.root)
    assert alone.returncode == 0
    assert "ledger: not looked at" in alone.stdout
    copy = shutil.copy(repo.root / ".policyctl/ledger.db", tmp_path / "copy.db")
    assert inside("verify", "--ledger", copy, cwd=repo.root).returncode == 5
    assert inside("verify", "--ledger", f"sqlite:///{tmp_path}/none.db", cwd=repo.root).returncode == 3
    both = inside("verify", "--ledger", "sqlite:///x.db", "--no-ledger", cwd=repo.root)
    assert both.returncode == 2


def test_no_key_of_pseudonyms_is_needed(repo: Repo) -> None:
    (repo.root / ".policyctl/pseudonym.key").unlink()
    assert inside("verify", cwd=repo.root).returncode == 0


@pytest.mark.parametrize("name", ["Nothing Here", "example@vx", "example@v0", "../x"])
def test_what_names_no_version_is_refused(repo: Repo, name: str) -> None:
    assert inside("verify", name, cwd=repo.root).returncode == 2


def test_a_version_or_policy_that_is_not_there_is_not_fine(repo: Repo) -> None:
    assert inside("verify", "example@v7", cwd=repo.root).returncode == 3
    assert inside("verify", "other", cwd=repo.root).returncode == 3


def test_a_ledger_from_before_the_last_erasure_is_rolled_back_until_the_loss_is_known(repo: Repo) -> None:
    (repo.root / "people.csv").write_text("subject,customer,email,locale,known_since\nu1,,,en,2026-01-02\n")
    assert inside("subjects", "import", "people.csv", cwd=repo.root).returncode == 0
    ledger = repo.root / ".policyctl/ledger.db"
    before = ledger.read_bytes()
    (repo.root / "more.csv").write_text("subject,customer,email,locale,known_since\nu2,,,en,2026-01-02\n")
    assert inside("subjects", "import", "more.csv", cwd=repo.root).returncode == 0
    assert inside("erase", "u2", "--yes", cwd=repo.root).returncode == 0
    assert inside("verify", cwd=repo.root).returncode == 0
    ledger.write_bytes(before)
    run = inside("verify", cwd=repo.root)
    assert run.returncode == 5
    assert "the list of erasures holds the root of entry" in run.stdout
    assert inside("verify", "--no-ledger", cwd=repo.root).returncode == 0
    assert inside("ledger", "adopt", "--yes", cwd=repo.root).returncode == 0
    assert inside("verify", cwd=repo.root).returncode == 0
