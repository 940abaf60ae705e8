# SPDX-License-Identifier: Apache-2.0
"""Reports of mail servers (RFC 3464) in the Maildir that ``[mail.smtp] bounces`` delivers to.

1. A report is a mail with a delivery-status part, whatever its outer type: OpenSMTPD says
   multipart/mixed, not multipart/report.
2. It is about the nid in the address it came to. Servers do not hand on the envelope's id.
3. Its moment is when it came into the box, as the file's name says (Maildir: seconds since 1970). What
   its headers say anybody may have written, and the moment of a delivery counts.
4. Nothing in it is trusted further: a mail that cannot be read stays, flagged, for a person to look at.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from pathlib import Path

from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.errors import InputError, UsageError

# The status stands before the mail that comes back with it; a nest of parts costs time.
_READ_BYTES = 256_000
_ACTIONS = {
    "delivered": DeliveryName.DELIVERED,
    "failed": DeliveryName.BOUNCED,
    "delayed": DeliveryName.DEFERRED,
    "relayed": DeliveryName.PROCESSED,
    "expanded": DeliveryName.PROCESSED,
}
_CAME_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
_NID = re.compile(r"\+([0-9a-f]{32}(?:-[0-9a-f]{1,16})?)@")  # of a notice, or of a receipt for an answer
_STATUS = re.compile(r"\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b")
_WORD = re.compile(r"\s*([A-Za-z]+)")
_SECONDS = re.compile(r"([0-9]{9,10})\.")
_KINDS = ("message/delivery-status", "message/global-delivery-status")
_BLANK_LINE = re.compile(r"\r?\n[ \t]*\r?\n")


def read_report(data: bytes, at: datetime) -> tuple[DeliveryEvent, ...]:
    """What a mail reports that came at ``at``. InputError, which quotes nothing, when it is no report."""
    try:
        message = message_from_bytes(data[:_READ_BYTES])
        nid, blocks = _nid(message), list(_blocks(message))
    except InputError:
        raise
    except Exception as error:  # strangers write these; the parser of the library trips over some
        raise InputError(f"it cannot be read as a mail ({type(error).__name__})") from error
    if not blocks:
        raise InputError("it is no report of a mail server")
    return tuple(dict.fromkeys(_event(nid, block, at) for block in blocks))


def _nid(message: Message) -> str:
    for name in _CAME_TO:
        found = {nid for value in message.get_all(name, ()) for nid in _NID.findall(str(value))}
        if len(found) == 1:
            return str(found.pop())
        if found:
            break
    raise InputError("the address it came to names no notice")


def _blocks(message: Message) -> Iterator[Message]:
    """The fields about each addressee (RFC 3464 section 2.3; RFC 6533 for addresses in UTF-8)."""
    for part in message.walk():
        if part.get_content_type() in _KINDS:
            yield from (block for block in _parsed(part) if "Action" in block)


def _parsed(part: Message) -> Iterator[Message]:
    """The library knows the first kind; of the other it takes the first block for a mail's headers."""
    inner = part.get_payload()
    if isinstance(inner, list) and part.get_content_type() == _KINDS[0]:
        yield from (block for block in inner if isinstance(block, Message))
        return
    text = "\n".join(str(each) for each in inner) if isinstance(inner, list) else str(inner)
    yield from (message_from_string(block) for block in _BLANK_LINE.split(text))


def _event(nid: str, block: Message, at: datetime) -> DeliveryEvent:
    word = _WORD.match(str(block["Action"]))
    name = _ACTIONS.get(word[1].lower()) if word else None
    if name is None:
        raise InputError("it reports an action that there is not")
    status = _STATUS.match(str(block["Status"]))
    return DeliveryEvent(nid, name, at, status=status[1] if status else "")


class Maildir:
    """A Maildir whose new mails are reports. UsageError where there is none."""

    def __init__(self, folder: Path) -> None:
        self._new, self._cur = folder / "new", folder / "cur"
        if not (self._new.is_dir() and self._cur.is_dir()):
            raise UsageError(
                f"{folder} is no Maildir: it lacks new/ or cur/",
                hint="name the folder that your mail server delivers the reports to",
            )

    def names(self) -> list[str]:
        """The new mails, oldest first as far as their names tell."""
        return sorted(entry.name for entry in os.scandir(self._new) if entry.is_file(follow_symlinks=False))

    def read(self, name: str, now: datetime) -> tuple[bytes, datetime]:
        """A mail and when it came, never after ``now``. InputError when it cannot be read."""
        try:
            handle = os.open(self._new / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                seen = os.fstat(handle)
                if not stat.S_ISREG(seen.st_mode):
                    raise InputError("it is not a plain file")
                return file.read(_READ_BYTES), min(_came(name, seen), now)
        except OSError as error:
            raise InputError(f"its file cannot be read: {error.strerror}") from error

    def put_away(self, name: str, *, flagged: bool) -> None:
        """Move a mail from new/ to cur/ as seen, or flagged for a person; fine when it is there."""
        bare = name.partition(":")[0]
        try:
            (self._new / name).rename(self._cur / f"{bare}:2,{'F' if flagged else 'S'}")
        except FileNotFoundError:
            return  # another reader was faster


def _came(name: str, seen: os.stat_result) -> datetime:
    found = _SECONDS.match(name)
    return datetime.fromtimestamp(int(found[1]) if found else int(seen.st_mtime), UTC)
