# SPDX-License-Identifier: Apache-2.0
"""What the message of a version ref says, for people and for machines.

A title line, the summary of the change, then trailers of the form ``Key: value`` (git's own
trailer form, so ``git for-each-ref --format='%(contents:trailers)'`` reads them too). The hashes
are what a later check of the archive rests on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.errors import IntegrityError

NOT_DECIDED = "none"
_TRAILER = re.compile(r"(?P<key>[A-Z][A-Za-z0-9-]*): (?P<value>.*)", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OID = re.compile(r"[0-9a-f]{40}", re.ASCII)
_HEADS = re.compile(r"\d{1,18}:[0-9a-f]{64}(,\d{1,18}:[0-9a-f]{64})*", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VersionNote:
    """The facts of a publication. ``change_class`` is None for a version without a decision (a first
    one); the hashes are of the bytes of ``policy.md`` and ``practices.yaml`` at the commit, the
    second empty where there is no such file. ``summary`` may have several lines.

    ``ledger_head`` is the head of the ledger before this version entered it (core/proof/heads.py),
    ``previous`` the id of the tag object of the version before. Both are empty in refs from before they
    were written; an empty ledger has the head of entry 0, a first version has no previous.
    """

    key: VersionKey
    title: str
    change_class: ChangeClass | None
    effective: date
    decided_by: str
    text_sha256: str
    practices_sha256: str
    summary: str = ""
    ledger_head: str = ""
    previous: str = ""


@dataclass(frozen=True, slots=True)
class MarkedVersion:
    """A version ref as git holds it: the commit it names, the id of the tag object, when it was
    made (aware UTC), and its note.
    """

    key: VersionKey
    commit: str
    tag: str
    published_at: datetime
    note: VersionNote


def write_note(note: VersionNote) -> str:
    """The message, ending in a newline. Control characters never reach it."""
    head = f"{_plain(note.title)}, version {note.key.number}"
    summary = "\n".join(_plain(line).rstrip() for line in note.summary.strip().splitlines())
    paragraphs = (head, re.sub(r"\n{2,}", "\n\n", summary), "\n".join(_trailers(note)))
    return "\n\n".join(part for part in paragraphs if part) + "\n"


def _trailers(note: VersionNote) -> tuple[str, ...]:
    values = {
        "Policy": note.key.slug,
        "Version": str(note.key.number),
        "Title": _plain(note.title),
        "Class": note.change_class.value if note.change_class else NOT_DECIDED,
        "Effective": note.effective.isoformat(),
        "Decided-By": _plain(note.decided_by) or NOT_DECIDED,
        "Text-SHA256": note.text_sha256,
        "Practices-SHA256": note.practices_sha256 or NOT_DECIDED,
        "Previous": note.previous or NOT_DECIDED,
        "Ledger-Head": note.ledger_head or NOT_DECIDED,
    }
    return tuple(f"{key}: {value}" for key, value in values.items())


def _plain(words: str) -> str:
    """One line without control characters: a title must not be able to add a trailer."""
    return " ".join("".join(char if char.isprintable() else " " for char in words).split())


def read_note(message: str, key: VersionKey) -> VersionNote:
    """Read a message back. IntegrityError when it is not one that publish wrote for ``key``."""
    body, _, last = message.rstrip("\n").rpartition("\n\n")
    found = [_TRAILER.fullmatch(line) for line in last.split("\n")]
    trailers = {match["key"]: match["value"] for match in found if match}
    if trailers.get("Policy") != key.slug or trailers.get("Version") != str(key.number):
        raise _not_ours(key, "its message does not name this version")
    try:
        return _note(trailers, key, body.partition("\n\n")[2])
    except (KeyError, ValueError) as error:
        raise _not_ours(key, f"its message lacks a good {error.args[0]}") from error


def _note(trailers: dict[str, str], key: VersionKey, summary: str) -> VersionNote:
    decided, practices = trailers["Class"], trailers["Practices-SHA256"]
    return VersionNote(
        key=key,
        title=trailers["Title"],
        change_class=None if decided == NOT_DECIDED else ChangeClass(decided),
        effective=date.fromisoformat(_shaped(trailers, "Effective", _DAY)),
        decided_by="" if trailers["Decided-By"] == NOT_DECIDED else trailers["Decided-By"],
        text_sha256=_shaped(trailers, "Text-SHA256", _SHA256),
        practices_sha256="" if practices == NOT_DECIDED else _shaped(trailers, "Practices-SHA256", _SHA256),
        summary=summary,
        ledger_head=_optional(trailers, "Ledger-Head", _HEADS),
        previous=_optional(trailers, "Previous", _OID),
    )


def _shaped(trailers: dict[str, str], key: str, shape: re.Pattern[str]) -> str:
    if not shape.fullmatch(trailers[key]):
        raise ValueError(key)
    return trailers[key]


def _optional(trailers: dict[str, str], key: str, shape: re.Pattern[str]) -> str:
    """Empty where it says nothing, as the refs of earlier releases."""
    return "" if trailers.get(key, NOT_DECIDED) == NOT_DECIDED else _shaped(trailers, key, shape)


def _not_ours(key: VersionKey, why: str) -> IntegrityError:
    return IntegrityError(
        f"the version ref policy/{key.slug}/v{key.number} was not written by policyctl: {why}",
        hint="fetch the ref again from where it was published, or delete one that was made by hand",
    )
