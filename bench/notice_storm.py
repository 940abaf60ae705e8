# SPDX-License-Identifier: Apache-2.0
"""Notices through a storm: faults in three calls of ten, the worker killed at random; who got what?

    python bench/notice_storm.py [SEEDS] [ADDRESSEES]

For each seed a SendGrid on loopback (policyctl.testing) takes mails or loses calls before and after it
took them, while a worker runs ``notify`` and is killed with SIGKILL again and again. In the end nobody
may have got no mail, and nobody two. Its clock and ours run 200 times as fast.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policyctl.actions.mailing.notify import notify
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.sending import chunks
from policyctl.adapters.mail.sendgrid import SendGridMailer
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.records import CustomerRow
from policyctl.testing.sendgrid import Answer, Fake, fake_sendgrid
from tests.actions.notify_scene import PLACE, open_scene, publish
from tests.core.notice_samples import SENDER, V3

FACTOR = 200
FAULTS = 0.3
KILLS = 8
CHUNK = 250
LONGEST = 90
KINDS = ("reset-before", "close-before", "close-after", "rubbish-after")
DONE = {OutboxState.SCHEDULED.value, OutboxState.RELEASED.value, OutboxState.ACCEPTED.value, "delivered"}


class Fast:
    """A clock that runs ``FACTOR`` times as fast from ``start`` (seconds since 1970) on."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self) -> datetime:
        now = self.start + (time.time() - self.start) * FACTOR
        return datetime.fromtimestamp(now, UTC)


def work(folder: str, url: str, start: str) -> None:
    """A worker: runs until nothing is owed and nothing in doubt."""
    clock = Fast(float(start))
    with open_scene(Path(folder)) as ledger:
        mailer = SendGridMailer(Fake().key, host=url, timeout=httpx.Timeout(2))
        while True:
            done = notify(clock(), ledger=ledger, mailer=mailer, sender=SENDER, clock=clock)
            if done.complete and {count.state for count in ledger.outbox_counts()} <= DONE:
                return
            time.sleep(0.05)


def choose(lot: random.Random) -> Answer | None:
    """Trouble, in three calls of ten."""
    if lot.random() > FAULTS:
        return None
    kind = lot.choice([*KINDS, 500, 503])
    return Answer(fault=kind) if isinstance(kind, str) else Answer(kind, taken=lot.random() < 0.5)


def report(ledger: Ledger, fake: Fake) -> None:
    """What has left is reported, as the mail service would."""
    now = fake.clock()
    left = [mail for mail in fake.leaving() if mail["send_at"] <= now.timestamp()]
    events = [
        DeliveryEvent(
            one["custom_args"]["nid"],
            DeliveryName.DELIVERED,
            datetime.fromtimestamp(mail["send_at"], UTC) + timedelta(seconds=5),
        )
        for mail in left
        for one in mail["personalizations"]
    ]
    if events:
        ledger.record_deliveries(events, now=now)


def storm(seed: int, addressees: int) -> tuple[int, int, int]:
    """(lost, twice, kills) of one seed."""
    lot = random.Random(seed)  # noqa: S311 - the same storm for the same seed
    chunks.SIZE = CHUNK
    with tempfile.TemporaryDirectory() as folder, fake_sendgrid() as fake:
        start = time.time()
        fake.clock = Fast(start)
        fake.choose = lambda _path: choose(lot)
        with open_scene(Path(folder)) as ledger:
            ledger.upgrade()
            publish(ledger)
            rows = [
                CustomerRow(PLACE, f"c{n}", f"C{n}", f"a{n}@c{n}.example.org", "Ada Example", "en")
                for n in range(addressees - 4)
            ]
            ledger.import_customers(rows, now=fake.clock())
            ledger.enqueue(V3, now=fake.clock())
            kills = _to_the_end(
                [sys.executable, __file__, "--work", folder, fake.url, str(start)], lot, ledger, fake
            )
            owed = {row[0] for row in ledger.nids(V3)}
        got = fake.nids()
    return len(owed - set(got)), sum(count > 1 for count in got.values()), kills


def _to_the_end(command: list[str], lot: random.Random, ledger: Ledger, fake: Fake) -> int:
    """Start workers and kill them, the last one excepted; how many were killed."""
    kills, last = 0, time.time() + LONGEST
    worker = subprocess.Popen(command)
    while worker.poll() is None and time.time() < last:
        time.sleep(lot.uniform(0.1, 0.6) + (0.6 if kills == 0 else 0.5))
        report(ledger, fake)
        if kills < KILLS and worker.poll() is None:
            worker.kill()
            worker.wait()
            kills += 1
            worker = subprocess.Popen(command)
    if worker.poll() is None:
        worker.kill()
        worker.wait()
    return kills


def main(seeds: int = 20, addressees: int = 2000) -> int:
    """Every seed; 1 where anybody was lost or got two mails."""
    bad = 0
    for seed in range(seeds):
        began = time.time()
        lost, twice, kills = storm(seed, addressees)
        bad += bool(lost or twice)
        told = "ok" if not (lost or twice) else "SHORT"
        print(
            f"seed {seed:2}: {addressees:,} addressees, {kills} kills, {lost} lost, {twice} twice "
            f"({time.time() - began:.0f} s)  {told}",
            flush=True,
        )
    return int(bool(bad))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(*sys.argv[2:])
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
