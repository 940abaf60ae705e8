# SPDX-License-Identifier: Apache-2.0
"""Sends every shape of request that policyctl sends to mocks of SendGrid's API; 1 where one is refused."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policyctl.adapters.mail.interface import Attachment, Batch, Envelope, Form
from policyctl.adapters.mail.sendgrid import batch_body, request_body
from policyctl.adapters.mail.suppressions import LISTS, SuppressionLists
from policyctl.errors import PolicyctlError
from tests.adapters.mail_samples import PLAIN

FILE = (Attachment("example-fax-v3.pdf", "application/pdf", b"%PDF-1.7"),)
STOP = "https://privacy.example.com/stop"
FORM = Form("privacy@example.com", "Example Fax", "answers@example.com", "Changes", ("nid", "name"),
            ("Dear ", "1", ",\n"), ("<p>Dear ", "1", "</p>"), "n17", "policy-revision", FILE)  # fmt: skip
BATCH_ID = "HkJ5yLYULb7Rj8GKSx7u025ouWVlMgAi"


def people(count: int, stop: str = "") -> tuple[Envelope, ...]:
    """So many addressees."""
    return tuple(
        Envelope(f"n{n}", f"a{n}@example.org", "Ada, of <b>", (f"n{n}", "Ada"), (f"n{n}", "Ada"), stop)
        for n in range(count)
    )


def shapes() -> dict[str, object]:
    """Names and bodies."""
    now = datetime.now(UTC)  # noqa: TID251 - the mock looks at the form only
    batch = Batch(FORM, people(2), now, BATCH_ID, now)
    return {
        "one mail, as a test": request_body(PLAIN),
        "one reminder": request_body(replace(PLAIN, unsubscribe=STOP)),
        "a revision to administrators": batch_body(batch),
        "the same to a thousand": batch_body(replace(batch, envelopes=people(1000))),
        "a choice, without a file": batch_body(replace(batch, form=replace(FORM, attachments=()))),
        "a reminder": batch_body(replace(batch, envelopes=people(2, STOP))),
    }


def main(mail: str, scheduled: str, suppressions: str) -> int:
    """Post them all."""
    key = {"Authorization": "Bearer SG.any"}
    client = httpx.Client(headers=key, timeout=60)
    for host in (mail, scheduled, suppressions):
        _wait_for(client, host)
    bad = 0
    for name, body in shapes().items():
        response = client.post(f"{mail}/v3/mail/send", json=body)
        fine = response.status_code == 202  # noqa: PLR2004 - accepted
        bad += not fine
        print(
            "ok   " if fine else "SHORT",
            name,
            response.status_code,
            response.headers.get("sl-violations", ""),
        )
    for call in (
        client.post(f"{mail}/v3/mail/batch"),
        client.post(f"{scheduled}/v3/user/scheduled_sends", json={"batch_id": BATCH_ID, "status": "cancel"}),
        client.get(f"{scheduled}/v3/user/scheduled_sends/{BATCH_ID}"),
    ):
        fine = call.status_code in {200, 201}
        bad += not fine
        print("ok   " if fine else "SHORT", call.request.method, call.url.path, call.status_code)
    return int(bool(bad)) or _lists(suppressions)


def _lists(host: str) -> int:
    """Have the lists of suppressed addresses read as they are read in earnest."""
    now = datetime.now(UTC)  # noqa: TID251 - the mock looks at the form only
    lists = SuppressionLists("SG.any", host=host)
    try:
        for name in LISTS:
            found = sum(len(page) for page in lists.pages(now - timedelta(days=14), now, (name,)))
            print("ok   " if found else "SHORT", "GET", name, found, "entries")
            if not found:
                return 1
    except PolicyctlError as error:
        print("SHORT", error)
        return 1
    finally:
        lists.close()
    return 0


def _wait_for(client: httpx.Client, host: str) -> None:
    for _ in range(120):
        try:
            client.get(host)
        except httpx.HTTPError:
            time.sleep(0.25)
        else:
            return
    raise SystemExit(f"{host} does not answer")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
