# SPDX-License-Identifier: Apache-2.0
"""How many mails of 44 KB a second go over one SMTP connection, and how many into a folder, durably.

SMTP: Postfix's smtp-sink, which must be on PATH or named by POLICYCTL_SMTP_SINK (without it that part is
left out); mails are written as well as sent. The floor of the same run is smtplib.sendmail of one text
that is ready. Folder: against write and fdatasync of the same bytes, one file a mail; in turns.

    python bench/mail_speed.py [--mails 1000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import shutil
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.adapters.mail import smtp
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.adapters.mail.interface import Accepted, Mail, Mailer
from policyctl.adapters.mail.message import message_bytes
from tests.adapters.mail_samples import mail

OVER_SMTP, INTO_FOLDER = 1_000, 250  # mails a second
LINE = "The quick brown fox jumps over the lazy dog, and we say so in plain words.\n"


def mails(count: int) -> list[Mail]:
    """Mails of 44 KB on the wire, which differ in id, name and address and in a line of both parts."""
    html = "<p>" + LINE.replace("plain", "<b>plain</b>") * 262 + "</p>"
    base = mail(text=LINE * 262, html=html)
    return [
        replace(
            base, nid=f"{number:032x}", to_name=f"Ada {number}", to_address=f"ada{number}@example.org",
            text=f"{base.text}{number}\n", html=f"{html}{number}\n",
        )
        for number in range(count)
    ]  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def send(mailer: Mailer, found: list[Mail]) -> None:
    assert all(isinstance(mailer.send(each), Accepted) for each in found)


@contextmanager
def sink(program: str) -> Iterator[int]:
    """smtp-sink on a free port, pipelining offered as it does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "100"])
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.05)
        yield port
    finally:
        running.terminate()
        running.wait()


def plain(port: int, data: bytes, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", port) as session:
        for _ in range(count):
            session.sendmail("privacy@example.com", ["ada@example.org"], data)


def over_smtp(program: str, count: int, rounds: int) -> bool:
    """Our mailer on one connection; a session of it ends after a hundred mails, as servers want it."""
    found, best, floor = mails(count), [], []
    ready = message_bytes(found[0])
    with sink(program) as port:
        for _ in range(rounds):
            mailer = smtp.SmtpMailer(smtp.SmtpServer("127.0.0.1", port, bounces="bounces@example.com"))
            best.append(seconds(lambda to=mailer: send(to, found)))
            mailer.close()
            floor.append(seconds(lambda to=port: plain(to, ready, count)))
    rate, base = count / min(best), count / min(floor)
    note = f"{rate:,.0f} mails/s of {len(ready) / 1000:.0f} KB; smtplib with a ready text {base:,.0f}"
    return figure("SMTP: 1,000/s against one connection", OVER_SMTP / rate, 1.0, note=note)


def raw(folder: Path, data: bytes, count: int) -> None:
    for number in range(count):
        with (folder / f"{number}.raw").open("wb") as file:
            file.write(data)
            file.flush()
            os.fdatasync(file.fileno())


def into_folder(count: int, rounds: int) -> bool:
    """Written, flushed, renamed, the folder flushed: each mail."""
    found, best, floor = mails(count), [], []
    ready = message_bytes(found[0])
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
            floor.append(seconds(lambda to=name: raw(Path(to), ready, count)))
            mailer = FolderMailer(Path(name) / "outbox")
            best.append(seconds(lambda to=mailer: send(to, found)))
    rate, base = count / min(best), count / min(floor)
    note = f"{rate:,.0f} mails/s; floor {base:,.0f}"
    return figure("folder, durable: 250/s against it", INTO_FOLDER / rate, 1.0, note=note)


def main() -> None:
    """Both, SMTP where there is a sink."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    fine = [into_folder(min(given.mails, 500), given.rounds)]
    program = os.environ.get("POLICYCTL_SMTP_SINK") or shutil.which("smtp-sink")
    if program:
        fine.append(over_smtp(program, given.mails, given.rounds))
    else:
        print("smtp-sink is not here: SMTP is left out")
    sys.exit(not all(fine))


if __name__ == "__main__":
    main()
