# SPDX-License-Identifier: Apache-2.0
"""How fast a million people are put into the outbox and handed over, and in how much memory.

    python bench/outbox_speed.py [ADDRESSEES]

Enqueue is INSERT ... SELECT on SQLite; drain is ``notify`` into a local sink that takes batches, with all
that a batch goes through: claimed, looked at, written, committed before and after the call. Memory is the
peak of the process that drains, one of its own, above what it had before it began.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.actions.mailing.notify import notify
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import Accepted, Batch, Cancelled, Mail, Outcome, Staged
from tests.actions.notify_scene import NOW, open_scene, publish
from tests.core.notice_samples import SENDER, V3

SECONDS_A_MILLION = 20.0
MAILS_A_SECOND = 50_000.0
MEBIBYTES = 64.0
FIRST = 1000


class Sink:
    """A BatchMailer that takes everything and keeps nothing."""

    name = "sink"
    resend_is_safe = False
    resend_after: timedelta | None = None
    taken = 0

    def send(self, mail: Mail) -> Outcome:
        del mail
        return Accepted("")

    def close(self) -> None:
        """Nothing is held open."""

    def send_at(self, at: datetime) -> datetime:
        return at

    def stage(self, at: datetime) -> Staged:
        del at
        return Staged(f"b{self.taken}")

    def post(self, batch: Batch) -> Outcome:
        self.taken += len(batch.envelopes)
        return Accepted("")

    def cancel(self, batch_id: str, at: datetime) -> Cancelled:
        del batch_id, at
        return Cancelled()


def fill(ledger: Ledger, size: int) -> None:
    """So many subjects with an address and a tag that the change reaches, straight into the tables."""
    with ledger._engine.begin() as connection:
        raw = connection.connection.driver_connection
        numbers = range(FIRST, FIRST + size)
        raw.executemany(
            "INSERT INTO subject (subject_no, entry, seal, ext_id, salt) VALUES (?, 1, x'00', ?, x'00')",
            ((n, n.to_bytes(16, "big")) for n in numbers),
        )
        raw.executemany(
            "INSERT INTO address VALUES (?, 1, ?, ?, 'en')",
            ((n, f"u{n}@example.org", f"User {n}") for n in numbers),
        )
        raw.executemany("INSERT INTO admission VALUES (?, 0, 1, 1)", ((n,) for n in numbers))
        category = raw.execute(
            "SELECT min(category_no) FROM category WHERE id = 'user.contact.email'"
        ).fetchone()[0]
        raw.executemany(
            "INSERT INTO tag_1 (subject_no, category, ref, collected_at, batch_no, version_no) "
            "VALUES (?, ?, 1, 1, 1, 2)",
            ((n, category) for n in numbers),
        )


def peak() -> float:
    """The most memory this process ever had, MiB. Not from getrusage, which counts that of its parent too."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    assert found
    return int(found[1]) / 1024


def drain(folder: str, size: int) -> None:
    """Hand everything over; prints seconds, and MiB before it and added by it."""
    with open_scene(Path(folder)) as ledger:
        ledger.versions()
        before, sink = peak(), Sink()
        start = time.perf_counter()
        done = notify(NOW, ledger=ledger, mailer=sink, sender=SENDER)
        drained = time.perf_counter() - start
    assert done.accepted == sink.taken == size, done
    print(drained, before, peak() - before)


def main(size: int = 1_000_000) -> int:
    """Both figures; 1 where one is short."""
    with tempfile.TemporaryDirectory() as folder, open_scene(Path(folder)) as ledger:
        ledger.upgrade()
        publish(ledger)
        notify(NOW, ledger=ledger, mailer=Sink(), sender=SENDER)
        fill(ledger, size)
        start = time.perf_counter()
        added = ledger.enqueue(V3, now=NOW)
        enqueued = time.perf_counter() - start
        assert added == size, added
        command = [sys.executable, __file__, "--drain", folder, str(size)]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        drained, before, grown = map(float, said.split())
    print(
        f"enqueue {size:,}: {enqueued:.1f} s; drain: {size / drained:,.0f} mails/s; "
        f"memory {before:.0f} + {grown:.0f} MiB"
    )
    fine = [
        figure("enqueue, seconds a million", enqueued * 1_000_000 / size, SECONDS_A_MILLION, "s"),
        figure("drain, time over that at 50,000 a second", drained * MAILS_A_SECOND / size, 1.0),
        figure("memory that draining adds, over 64 MiB", grown / MEBIBYTES, 1.0),
    ]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--drain"]:
        drain(sys.argv[2], int(sys.argv[3]))
        sys.exit()
    sys.exit(main(*map(int, sys.argv[1:])))
