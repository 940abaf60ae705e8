# SPDX-License-Identifier: Apache-2.0
"""Why SendGrid would refuse a mail, and what policyctl has promised never to send: also what a mock made
from its OpenAPI document lets through (no content, nobody in it, an address twice, unknown fields).
"""

from __future__ import annotations

from typing import Any

ROOT = {
    "personalizations", "from", "reply_to", "subject", "content", "headers", "categories", "mail_settings",
    "tracking_settings", "attachments", "send_at", "batch_id",
}  # fmt: skip
PERSONAL = {"to", "custom_args", "substitutions", "headers"}
RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to",
    "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
TRACKING = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}
_MOST = 1000
_BYTES = 10_000
_AHEAD = 72 * 3600


def settings_of(mail: dict[str, Any]) -> dict[str, Any]:
    """Only the global unsubscribe list is passed by, and not even that by what can be unsubscribed from."""
    headers = [mail.get("headers", {}), *(one.get("headers", {}) for one in mail.get("personalizations", []))]
    passed_by = not any("List-Unsubscribe" in found for found in headers)
    return {"bypass_unsubscribe_management": {"enable": passed_by}, "footer": {"enable": False}}


def complaints(mail: Any, *, now: int) -> list[str]:
    """What is wrong with the body of a mail, each with its field first; ``now`` in seconds since 1970."""
    people = mail.get("personalizations") or []
    found = [f"{name}: unknown field" for name in sorted(set(mail) - ROOT)]
    found += [complaint for one in people for complaint in _personal(one)]
    found += _content(mail)
    addresses = [to["email"].lower() for one in people for to in one.get("to", [])]
    sender = mail.get("from", {}).get("email", "")
    wrong = {
        "personalizations: 1 to 1000": not 1 <= len(people) <= _MOST,
        "personalizations.to: each address once": len(addresses) != len(set(addresses)),
        "from.email: malformed": not sender.isascii() or "@" not in sender,
        "subject: empty": not mail.get("subject"),
        "headers: reserved": bool({name.lower() for name in mail.get("headers", {})} & RESERVED),
        "tracking_settings: all four off, in so many words": mail.get("tracking_settings") != TRACKING,
        "mail_settings: only the global unsubscribe list is passed by": mail.get("mail_settings")
        != settings_of(mail),
        "send_at: within 72 hours": not 0 <= mail.get("send_at", now) - now <= _AHEAD,
        "categories: at most 10": len(mail.get("categories", [])) > 10,  # noqa: PLR2004
    }
    return found + [complaint for complaint, is_so in wrong.items() if is_so]


def _personal(one: dict[str, Any]) -> list[str]:
    to, args, values = one.get("to", []), one.get("custom_args", {}), one.get("substitutions", {})
    wrong = {
        "personalizations: unknown field": bool(set(one) - PERSONAL),
        "personalizations.to: exactly one, or people see each other": len(to) != 1,
        "personalizations.to.email: malformed": any(not _is_address(person.get("email")) for person in to),
        "personalizations.to.name: no comma, no semicolon": any(
            set(person.get("name", "")) & set(",;") for person in to
        ),
        "personalizations.custom_args: the nid and nothing else": set(args) != {"nid"}
        or not isinstance(args["nid"], str),
        "personalizations.substitutions: texts, 10,000 bytes": not all(
            isinstance(value, str) for value in values.values()
        )
        or sum(len(f"{key}{value}".encode()) for key, value in values.items()) > _BYTES,
        "personalizations.headers: reserved": bool(
            {name.lower() for name in one.get("headers", {})} & RESERVED
        ),
    }
    return [complaint for complaint, is_so in wrong.items() if is_so]


def _is_address(email: Any) -> bool:
    return isinstance(email, str) and email.isascii() and "@" in email and not set(email) & set(" ,\r\n")


def _content(mail: dict[str, Any]) -> list[str]:
    parts = mail.get("content", [])
    if [part.get("type") for part in parts] == ["text/plain", "text/html"] and all(
        part["value"] for part in parts
    ):
        return []
    return ["content: plain text, then HTML, none empty"]
