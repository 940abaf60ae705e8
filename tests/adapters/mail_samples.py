# SPDX-License-Identifier: Apache-2.0
"""Mails to send, and ways to read them back as their reader would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from policyctl.adapters.mail.interface import Attachment, Mail

AT = datetime(2027, 1, 2, 10, 30, tzinfo=UTC)

PLAIN = Mail(
    nid="n0123abc",
    to_address="ada@example.org",
    to_name="Ada Example",
    from_address="privacy@example.com",
    from_name="Example Fax",
    reply_to="answers@example.com",
    subject="Example Fax Privacy Policy: changes effective 15 January 2027",
    text="What changes\n\n.a line that opens with a dot\n",
    html='<!DOCTYPE html><html lang="en"><body><h1>What changes</h1></body></html>\n',
    category="policy-revision",
    at=AT,
)

INJECTIONS = [
    {"subject": "Hello\r\nBcc: eve@example.org"},
    {"subject": "Hello\nX: y"},
    {"subject": "Hello\0"},
    {"subject": "Hello\u2028there"},
    {"subject": "  "},
    {"subject": "x" * 1000},
    {"to_name": "Ada\r\nBcc: eve@example.org"},
    {"to_name": "Ada\0"},
    {"from_name": "Example\nFax"},
    {"from_name": "\x1b[31mFax"},
    {"to_address": "ada@example.org\r\nRCPT TO:<eve@example.org>"},
    {"to_address": "ada@example.org, eve@example.org"},
    {"to_address": "ada@example.org\0"},
    {"to_address": "ada"},
    {"to_address": ""},
    {"to_address": "αδα@example.org"},
    {"from_address": "privacy"},
    {"reply_to": "answers@example.com\r\nX: y"},
    {"text": "a\0b"},
    {"html": "a\0b"},
    {"text": "half \ud800 a character"},
    {"nid": "../../etc/passwd"},
    {"nid": "a\r\nb"},
    {"nid": ""},
    {"attachments": (Attachment("../policy.pdf", "application/pdf", b"x"),)},
    {"attachments": (Attachment("erklärung.pdf", "application/pdf", b"x"),)},
    {"attachments": (Attachment("a\r\nb.pdf", "application/pdf", b"x"),)},
    {"unsubscribe": "http://example.com/stop"},
    {"unsubscribe": "mailto:stop@example.com"},
    {"unsubscribe": "https://example.com/stop>\r\nBcc: eve@example.org"},
    {"unsubscribe": "https://example.com/stop>, <https://example.org/"},
    {"unsubscribe": "https://example.com/" + "x" * 1000},
]


def mail(**changed: Any) -> Mail:
    return replace(PLAIN, **changed)


def read_back(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content = body.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")
