# SPDX-License-Identifier: Apache-2.0
"""The message about a revision, as data: what it says to whom, before any mail is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from policyctl.core.policy import ChangeClass, Transition, VersionKey
from policyctl.core.revision import Run


class NoticeKind(StrEnum):
    """``revision`` to a customer's administrator; ``choice`` and ``transition`` to users."""

    REVISION = "revision"
    CHOICE = "choice"
    TRANSITION = "transition"


@dataclass(frozen=True, slots=True)
class ClausePart:
    """One changed clause as the reader sees it: its heading, how it changed in words, its redline."""

    heading: str
    label: str
    runs: tuple[Run, ...]
    anchor: str = ""
    material: bool = False


@dataclass(frozen=True, slots=True)
class ChoiceOffer:
    """What law.md asks of a choice notice, in plain words; checked to be complete before sending.

    ``if_silent`` says what happens without an answer; ``until`` the last day to answer, None where
    there is no limit.
    """

    change: str
    data: tuple[str, ...]
    collected_for: tuple[str, ...]
    new_use: str
    recipients: tuple[str, ...]
    consequence: str
    if_silent: str
    until: date | None


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about one version to one kind of addressee. Frozen in the ledger at publication."""

    version: VersionKey
    kind: NoticeKind
    title: str
    change_class: ChangeClass
    effective: date
    published: date
    summary: str
    impact: str
    clauses: tuple[ClausePart, ...]
    choices: tuple[ChoiceOffer, ...]
    transition: Transition | None
    full_text: str
    text_sha256: str
