# SPDX-License-Identifier: Apache-2.0
"""Reminders from the command line, on the day of today."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from policyctl.core.notices.outbox import OutboxState
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.records import PendingChange, VersionRecord
from policyctl.web import log
from tests.actions.notify_scene import new_scene
from tests.cli.run import policyctl
from tests.core.notice_samples import ASKED, OFFERS, QUOTE
from tests.web.choice_scene import (
    ASKED_SURVEY,
    ENV,
    SETTINGS,
    SLUG,
    SURVEY,
    copies,
    fill,
    notices,
    publish,
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return copies(scene(tmp_path_factory.mktemp("remind") / "policies"))


@pytest.fixture
def root(scenes: Iterator[Path]) -> Path:
    return next(scenes)


def scene(root: Path) -> Path:
    """Five addressees were told weeks ago of a change that takes effect in five days."""
    root.mkdir()
    (root / "policyctl.toml").write_text(SETTINGS, "utf-8")
    today, key = log.clock(), VersionKey(SLUG, 3)
    published, effective = today - timedelta(days=40), today + timedelta(days=5)
    asked = (ASKED, ASKED_SURVEY)
    record = VersionRecord(
        key=key,
        title="Example Fax Privacy Policy",
        change_class=ChangeClass.CHOICE,
        published_at=published,
        effective_at=effective,
        commit="3" * 40,
        text_sha256="3" * 64,
        practices=(QUOTE, OFFERS, SURVEY),
        changes=tuple(PendingChange(f"{key}#{a.practice}", key, a.practice, a.mode, 30) for a in asked),
    )
    with new_scene(root) as ledger:
        publish(ledger, 1, (QUOTE,))
        publish(ledger, 2, (QUOTE,))
        fill(ledger)
        owed = [replace(each, notice=replace(each.notice, effective=effective.date())) for each in notices()]
        ledger.record_version(record, owed, now=published)
        while chunk := ledger.claim(published, mailer="folder", owner=""):
            ledger.move(chunk, OutboxState.ACCEPTED, published)
    assert policyctl("links", "rotate", cwd=root, env=ENV).returncode == 0
    return root


def counted(root: Path) -> dict[str, int]:
    """What a run says that it did."""
    done = policyctl("notify", "--format", "json", cwd=root, env=ENV)
    assert done.returncode == 0, done.stderr
    return {one["name"]: one["number"] for one in json.loads(done.stdout)["counts"]}


def test_a_dry_run_shows_who_is_due_and_a_run_sends_them_once(root: Path) -> None:
    looked = policyctl("notify", "--dry-run", cwd=root, env=ENV)
    assert "3 example-fax@v3 reminders of choice (7 days before)" in looked.stdout
    assert not (root / "mails").exists()
    assert counted(root) == {"accepted": 5, "reminders planned": 5}
    assert len(list((root / "mails").glob("*.eml"))) == 5
    assert counted(root) == {"accepted": 0}


@pytest.mark.parametrize("line", ["remind_days = []", "remind_days = [4, 3]"])
def test_none_is_due_where_no_day_for_it_has_come(root: Path, line: str) -> None:
    with (root / "policyctl.toml").open("a") as settings:
        settings.write(f"[choices]\n{line}\n")
    assert "reminder" not in policyctl("notify", "--dry-run", cwd=root, env=ENV).stdout
    assert policyctl("notify", cwd=root, env=ENV).returncode == 0
    assert not list((root / "mails").glob("*.eml"))


def test_without_pages_there_are_none_and_nothing_is_wrong(root: Path) -> None:
    settings = root / "policyctl.toml"
    settings.write_text(settings.read_text("utf-8").replace('url = "https', "#"), "utf-8")
    done = policyctl("notify", cwd=root, env=ENV)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list((root / "mails").glob("*.eml"))
