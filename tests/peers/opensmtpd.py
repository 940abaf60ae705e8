# SPDX-License-Identifier: Apache-2.0
"""A real mail server: OpenSMTPD on loopback, which delivers to Maildirs and reports what it did.

It wants to be root and has one queue a machine, so it gets mounts of its own where `unshare` can do that.
Without it its tests are skipped, or fail where POLICYCTL_REQUIRE=all says that every peer must be there.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

REPORTS = "bounces@reports.example.com"
"""The mailbox that reports come to; mails to anybody at gone.example.org fail for good."""

_CONF = """\
listen on 127.0.0.1 port {port}
action "keep" maildir "{folder}/%{{rcpt.user}}" virtual {{ "@" = {user} }}
action "report" maildir "{folder}/reports" virtual {{ "@" = {user} }}
action "fail" mda "exit 67" virtual {{ "@" = {user} }}
match from any for domain "gone.example.org" action "fail"
match from any for domain "reports.example.com" action "report"
match from any for any action "keep"
"""
_OWN = "mount -t tmpfs -o mode=711 spool /var/spool && mount -t tmpfs run /run && exec smtpd -d -f {conf}"
_USER = "mail"


def _missing(why: str) -> None:
    if os.environ.get("POLICYCTL_REQUIRE") == "all":
        pytest.fail(f"OpenSMTPD is required: {why}")
    pytest.skip(why)


class MailServer:
    """Running; ``folder`` holds a Maildir for each name before the @."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        conf = folder / "smtpd.conf"
        conf.write_text(_CONF.format(port=self.port, folder=folder, user=_USER))
        apart = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0
        command = (
            ["unshare", "-m", "sh", "-c", _OWN.format(conf=conf)] if apart else ["smtpd", "-d", "-f", conf]
        )
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        assert self.until(self._answers), self.log.read_text()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def until(self, holds: Callable[[], bool], patience: float = 60.0) -> bool:
        """Wait until something holds; False where it does not in time."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.05)
        return False

    def new(self, name: str) -> list[Path]:
        """The new mails of one mailbox."""
        return list((self.folder / name / "new").glob("*"))

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@pytest.fixture
def opensmtpd() -> Iterator[MailServer]:
    """A server with empty mailboxes."""
    if shutil.which("smtpd") is None:
        _missing("smtpd is not installed")
    if os.geteuid() != 0:
        _missing("smtpd runs as root only")
    folder = Path(tempfile.mkdtemp(prefix="smtpd", dir="/tmp"))
    folder.chmod(0o755)
    shutil.chown(folder, _USER)
    try:
        server = MailServer(folder)
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
