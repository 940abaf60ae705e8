# SPDX-License-Identifier: Apache-2.0
"""Reports as mail servers write them."""

from __future__ import annotations

from pathlib import Path

NID = "0123456789abcdef" * 2


def block(action: str, status: str = "2.0.0") -> str:
    return f"Final-Recipient: rfc822; ada@example.org\nAction: {action}\nStatus: {status}\n"


def report(
    *blocks: str,
    to: str = f"bounces+{NID}@example.com",
    outer: str = "multipart/report; report-type=delivery-status",
    kind: str = "message/delivery-status",
    head: str = "",
) -> bytes:
    """A report about one mail; ``head`` stands before its other headers."""
    status = "\n".join(("Reporting-MTA: dns; mx.example.net\n", *blocks))
    return (
        f"{head}From: Mailer Daemon <MAILER-DAEMON@mx.example.net>\nTo: {to}\n"
        f'Subject: Delivery status notification\nMIME-Version: 1.0\nContent-Type: {outer}; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nIt was delivered, or was it?\n\n"
        f"--b\nContent-Type: {kind}\n\n{status}\n"
        "--b\nContent-Type: text/rfc822-headers\n\nTo: ada@example.org\nSubject: changes\n\n--b--\n"
    ).encode()


def maildir(folder: Path, *mails: bytes) -> Path:
    """A Maildir with new mails, one a second from 1,800,000,000 on."""
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, data in enumerate(mails):
        (folder / "new" / f"{1_800_000_000 + number}.M{number}.mx").write_bytes(data)
    return folder
