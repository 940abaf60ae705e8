# SPDX-License-Identifier: Apache-2.0
"""What every part of a mail needs to know: who writes to whom, about what, when, in which language."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.reports.phrases import Phrases
from policyctl.reports.words import one_line, shown


@dataclass(frozen=True, slots=True)
class Scene:
    """One mail to be written."""

    say: Phrases
    notice: Notice
    addressee: Addressee
    sender: Sender
    occasion: Occasion

    @property
    def today(self) -> date:
        """The day the mail leaves (UTC)."""
        return self.occasion.at.date()

    @property
    def posted(self) -> str:
        """Where the version is posted for good, empty where nothing is."""
        version = self.notice.version
        return f"{self.sender.base_url}/{version.slug}/v{version.number}/" if self.sender.base_url else ""

    @property
    def to_administrator(self) -> bool:
        """True where the reader answers for an organisation."""
        if self.notice.kind is NoticeKind.REMINDER:
            return bool(self.addressee.account.strip())
        return self.notice.kind is NoticeKind.REVISION

    @property
    def sender_name(self) -> str:
        """What the sender is called."""
        return self.sender.from_name or self.sender.from_address


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and what stands beside it, in paragraphs."""

    label: str
    paragraphs: tuple[str, ...]


def paragraphs(text: str) -> tuple[str, ...]:
    """The paragraphs of ``text``, each on one line."""
    parts = re.split(r"\n\s*\n", text.strip())
    return tuple(one_line(part) for part in parts if part.strip())


def readable(text: str) -> str:
    """Policy source without the marks that only a renderer understands; no word is lost."""
    text = re.sub(r"(?m)^ {0,3}#{1,6}[ \t]+", "", text)
    text = re.sub(r"[ \t]*\{#[\w.:-]+\}", "", text)
    text = re.sub(r"(?<!\\)(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", text)
    text = re.sub(r"(?<!!)\[([^\[\]]+)\]\(([^()\s]+)\)", _link, text)
    return shown(text)


def _link(found: re.Match[str]) -> str:
    words, target = found[1], found[2]
    return (
        words if target.startswith("#") or target.removeprefix("mailto:") == words else f"{words} ({target})"
    )
