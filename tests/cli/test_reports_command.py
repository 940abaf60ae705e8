# SPDX-License-Identifier: Apache-2.0
"""`policyctl deliveries read` on a Maildir: each report once, also when it is killed between the steps; and
on SendGrid's lists.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.faults import KILLED
from policyctl.settings import load_settings
from policyctl.testing.sendgrid import fake_sendgrid
from tests.adapters.ledger_samples import KEY, owed, practice, version
from tests.adapters.report_samples import NID, block, maildir, report
from tests.cli.run import CLEAN
from tests.web.service import NOW, SERVICE, make_repository

V3 = version(3, "2026-12-01", practice("service", SERVICE))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "policies")


@pytest.fixture
def nids(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Those of the two notices that are owed."""
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    with wiring.open_ledger(load_settings(root)) as ledger:
        ledger.record_version(V3, owed(V3)[:1], now=NOW)
        return [row[0] for row in ledger.nids(V3.key)]


def read(root: Path, *more: str, fault: str = "", key: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "policyctl", "deliveries", "read", "--format", "json", *more],
        cwd=root,
        env={**CLEAN, "POLICYCTL_PSEUDONYM_KEY": KEY.hex(), "POLICYCTL_FAULT": fault}
        | ({"SENDGRID_API_KEY": key} if key else {}),
        capture_output=True,
        text=True,
        check=False,
    )


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stderr
    return {count["name"]: count["number"] for count in json.loads(done.stdout)["counts"]}


def box_with(root: Path, nids: list[str]) -> Path:
    old = 10**9  # seconds: every one of these came long ago
    folder = maildir(
        root / "box",
        report(block("delivered"), to=f"bounces+{nids[0]}@example.com"),
        report(block("failed", "5.1.1"), to=f"bounces+{nids[1]}@example.com"),
        report(block("delivered"), to=f"bounces+{NID}@example.com"),
        b"To: bounces@example.com\n\nI am away.\n",
    )
    for number, file in enumerate(sorted((folder / "new").iterdir())):
        file.rename(folder / "new" / f"{old + number}.M{number}.mx")
    return folder


def flags(folder: Path) -> dict[str, str]:
    return {file.name.partition(":")[0][-4]: file.name[-1] for file in (folder / "cur").iterdir()}


def test_reports_are_read_once_and_what_is_none_is_flagged_and_told(root: Path, nids: list[str]) -> None:
    folder = box_with(root, nids)
    tried = counts(read(root, "box", "--dry-run"))
    assert (tried["mails"], len(list((folder / "new").iterdir()))) == (4, 4)
    done = read(root, "box")
    assert counts(done) == {"mails": 4, "reports added": 2, "there already": 0, "flagged": 2}
    assert flags(folder) == {"0": "S", "1": "S", "2": "F", "3": "F"}
    remarks = json.loads(done.stdout)["remarks"]
    assert any("no notice of this ledger" in each for each in remarks)
    assert "ada@example.org" not in done.stdout + done.stderr
    assert counts(read(root, "box"))["mails"] == 0


@pytest.mark.parametrize("step", ["reports.recorded", "reports.put-away"])
def test_killed_after_the_ledger_has_them_the_next_run_adds_nothing(
    root: Path, nids: list[str], step: str
) -> None:
    folder = box_with(root, nids)
    assert read(root, "box", fault=step).returncode == KILLED
    again = counts(read(root, "box"))
    assert again["reports added"] == 0
    assert again["mails"] == again["there already"] + again["flagged"]
    assert list((folder / "new").iterdir()) == []
    assert flags(folder)["2"] == "F"


def test_without_a_maildir_it_says_what_to_name(root: Path) -> None:
    done = read(root)
    assert done.returncode == 2
    assert "maildir" in done.stderr


@pytest.mark.usefixtures("nids")
def test_the_lists_are_asked_with_the_key_and_without_one_it_says_what_to_set(root: Path) -> None:
    with fake_sendgrid() as fake:
        with (root / "policyctl.toml").open("a") as file:
            file.write(f"[mail.sendgrid]\nhost = '{fake.url}'\n")
        fake.suppressed = {"bounces": [{"created": 1_800_000_000, "email": "x@example.net", "reason": ""}]}
        done = read(root, "--suppressions", "--days", "365")
        assert (done.returncode, "SENDGRID_API_KEY" in done.stderr) == (2, True)
        done = read(root, "--suppressions", "--days", "365", key=fake.key)
        assert counts(done).keys() == {"entries looked at", "reports added"}
        assert {line.split("?")[0] for line, _, _ in fake.requests} == {
            f"GET /v3/suppression/{name}" for name in ("bounces", "blocks", "spam_reports", "invalid_emails")
        }
        assert fake.key not in done.stdout + done.stderr
