# SPDX-License-Identifier: Apache-2.0
"""Mails as ``<nid>.eml`` files in a folder: the default, so that nothing leaves by accident.

Exactly once, also under ``kill -9``: a file is written under a temporary name, flushed to the disk
and renamed, and a mail whose file stands there is not written again.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from policyctl.adapters.mail.interface import Accepted, Mail, NotSent, Outcome, Rejected
from policyctl.adapters.mail.message import message_bytes
from policyctl.errors import RefusedError
from policyctl.faults import fault_point


class FolderMailer:
    """Writes mails into ``folder``, which it makes on first use. Implements ``Mailer``."""

    name = "folder"
    resend_is_safe = True
    resend_after: timedelta | None = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = False

    def send(self, mail: Mail) -> Outcome:
        """Write the mail; the receipt is the path of its file."""
        try:
            data = message_bytes(mail)
        except RefusedError as error:
            return Rejected(error.message)
        path = self._folder / f"{mail.nid}.eml"
        try:
            self._open()
            if not path.exists():
                self._write(path, data)
            _flush_folder(self._folder)
        except OSError as error:
            return NotSent(f"the folder {self._folder} cannot be written: {error.strerror}")
        return Accepted(str(path))

    def close(self) -> None:
        """Nothing is held open."""

    def _open(self) -> None:
        if not self._ready:
            # Mails carry addresses: nobody else on the machine need read them.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            self._ready = True

    def _sweep(self) -> None:
        """Remove what a killed writer left behind; a living one's file is its own."""
        for left in self._folder.glob(".*.tmp"):
            pid = left.name.split(".")[-2]
            if not (pid.isdecimal() and _alive(int(pid))):
                left.unlink(missing_ok=True)

    def _write(self, path: Path, data: bytes) -> None:
        fault_point("mail.folder.begin")
        half = self._folder / f".{path.stem}.{os.getpid()}.tmp"
        try:
            _write_durably(half, data)
            fault_point("mail.folder.written")
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)
        fault_point("mail.folder.renamed")


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        fault_point("mail.folder.half")
        file.write(data[len(data) // 2 :])
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Make the new name itself durable (POSIX: a rename is safe once its folder is flushed)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
