# SPDX-License-Identifier: Apache-2.0
"""What one process hears of a mail, or a person says, is in the very next answer of another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from policyctl import wiring
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode
from policyctl.settings import load_settings
from policyctl.web.log import clock
from tests.adapters.ledger_samples import KEY, owed, practice, subject, tag, version
from tests.adapters.report_samples import block, maildir, report
from tests.adapters.webhook_signer import Signer, body_of, event
from tests.cli.run import CLEAN
from tests.web.service import EMAIL, NOW, SERVICE, Caller, make_repository, new_key, serving

ADS = "marketing.advertising.first_party"
SIGNER = Signer()
SENT = clock().replace(microsecond=0) - timedelta(days=40)
"""Long enough ago for the thirty days to object to be over."""

# Another company takes over, and would like to advertise: who does not object agrees.
V3 = version(
    3, "2026-04-01", practice("service", SERVICE), practice("ads", ADS, choice=ChoiceMode.OPT_OUT),
    asks={"ads": ChoiceMode.OPT_OUT}, change_class=ChangeClass.TRANSITION,
)  # fmt: skip
Nids = dict[str, str]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = make_repository(tmp_path / "policies")
    with (made / "policyctl.toml").open("a") as file:
        file.write(f"[mail.sendgrid]\nwebhook_keys = ['{SIGNER.public}']\n")
    return made


@pytest.fixture
def nids(root: Path, monkeypatch: pytest.MonkeyPatch) -> Nids:
    """Of the two notices that one user is owed, by kind."""
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    with wiring.open_ledger(load_settings(root)) as ledger:
        ledger.import_subjects([subject("u9", "acme")], now=NOW)
        ledger.import_tags([tag("u9", "2026-02-01", EMAIL)], now=NOW)
        ledger.record_version(V3, owed(V3, EMAIL), now=NOW)
        return {kind: nid for nid, kind, whose, _ in ledger.nids(V3.key) if whose == "subject"}


@pytest.fixture
def asking(root: Path, nids: Nids) -> Iterator[Caller]:
    """A process that only answers."""
    assert set(nids) == {"choice", "transition"}
    with serving(root) as running, running.client(new_key(root, customer="acme")) as caller:
        yield caller


def said(asking: Caller) -> tuple[str, str]:
    """May the account be run, and may advertising be sent?"""
    return asking.answer("u9", SERVICE), asking.answer("u9", ADS)


YES, NO = "permitted", "refused"


def test_a_webhook_to_another_process_changes_the_next_answer_there_and_back(
    root: Path, nids: Nids, asking: Caller
) -> None:
    def hear(url: str, kind: str, word: str, at: datetime = SENT) -> None:
        body = body_of(event(nids[kind], word, at))
        headers = SIGNER.headers(body, clock())
        done = httpx.post(f"{url}/v1/events/sendgrid", content=body, headers=headers, trust_env=False)
        assert done.status_code == 204

    with serving(root) as hears:
        assert said(asking) == (NO, NO)
        hear(hears.url, "choice", "delivered")
        assert said(asking) == (NO, NO), "a choice notice does not say who takes over"
        hear(hears.url, "transition", "delivered")
        assert said(asking) == (YES, YES)
        hear(hears.url, "choice", "bounce", SENT + timedelta(hours=1))
        assert said(asking) == (YES, NO), "told after all it was not, so silence is no consent"
        hear(hears.url, "transition", "dropped", SENT + timedelta(hours=2))
        assert said(asking) == (NO, NO)
        hear(hears.url, "transition", "delivered", SENT + timedelta(hours=3))
        assert said(asking) == (NO, NO), "state only moves up"


def test_a_report_that_another_process_reads_changes_the_next_answer(
    root: Path, nids: Nids, asking: Caller
) -> None:
    def hear(name: str, **actions: str) -> None:
        mails = [
            report(block(action), to=f"bounces+{nids[kind]}@example.com") for kind, action in actions.items()
        ]
        box = maildir(root / name, *mails)
        for place, mail in enumerate(sorted((box / "new").iterdir())):
            mail.rename(box / "new" / f"{int(SENT.timestamp())}.{place}.mx")
        assert policyctl(root, "deliveries", "read", name) == {"reports added": len(mails), "flagged": 0}

    assert said(asking) == (NO, NO)
    hear("a", transition="delivered", choice="delayed")
    assert said(asking) == (YES, NO), "delayed is not delivered"
    hear("b", choice="delivered")
    assert said(asking) == (YES, YES)
    hear("c", choice="failed")
    assert said(asking) == (YES, NO)


def test_an_answer_that_another_process_records_is_in_the_next_answer(
    root: Path, nids: Nids, asking: Caller
) -> None:
    with wiring.open_ledger(load_settings(root)) as ledger:
        given = [DeliveryEvent(nid, DeliveryName.DELIVERED, SENT) for nid in nids.values()]
        ledger.record_deliveries(given, now=clock())
    assert said(asking) == (YES, YES)
    with serving(root) as hears, hears.client(new_key(root, customer="acme")) as caller:
        for who, answer, then in (("u9", "refuse", NO), ("u9", "consent", YES), ("", "refuse", NO)):
            whose = {"subject": who} if who else {"scope": "customer"}
            caller.post("/v1/choices", {**whose, "change": f"{V3.key}#ads", "answer": answer})
            assert said(asking) == (YES, then)


def policyctl(root: Path, *words: str) -> dict[str, int]:
    """What a process of its own counts."""
    done = subprocess.run(
        [sys.executable, "-m", "policyctl", *words, "--format", "json"],
        cwd=root,
        env={**CLEAN, "POLICYCTL_PSEUDONYM_KEY": os.environ["POLICYCTL_PSEUDONYM_KEY"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {one["name"]: one["number"] for one in json.loads(done.stdout)["counts"]}
    return {name: found[name] for name in ("reports added", "flagged") if name in found}
