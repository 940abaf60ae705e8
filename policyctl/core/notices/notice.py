# SPDX-License-Identifier: Apache-2.0
"""The message about a revision, as data: what it says to whom, before any mail is rendered.

A notice holds facts, not phrases: the words around them are put in by the report that renders it,
in the addressee's language. It is frozen in the ledger at publication.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from policyctl.core.policy import ChangeClass, Transition, VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.revision import Kind, Run


class NoticeKind(StrEnum):
    """``revision`` to a customer's administrator; ``choice`` and ``transition`` to users; ``reminder``
    to whoever has not answered a choice yet: the only kind that can be stopped.
    """

    REVISION = "revision"
    CHOICE = "choice"
    TRANSITION = "transition"
    REMINDER = "reminder"


@dataclass(frozen=True, slots=True)
class ClausePart:
    """One changed clause as the reader sees it: its heading, how it changed, its redline.

    ``blocks`` holds the runs of every block whose words changed, in reading order; blocks that did
    not change are left out. ``was`` is the old heading where it differs. ``anchor`` is the clause id.
    """

    heading: str
    kinds: tuple[Kind, ...]
    blocks: tuple[tuple[Run, ...], ...]
    anchor: str = ""
    was: str = ""
    material: bool = False


@dataclass(frozen=True, slots=True)
class ChoiceOffer:
    """What law.md asks of a choice notice, in plain words; checked to be complete before sending.

    ``change`` is what a person answers to (``<slug>@v3#<practice-id>``). ``recipients`` is empty
    where nobody else gets the data. ``mode`` says what silence means: under opt-in the new use never
    begins, under opt-out it begins after ``until`` (the last day to answer; None only under opt-in)
    and never less than ``answer_days`` after the notice arrived.
    """

    change: str
    data: tuple[str, ...]
    collected_for: tuple[str, ...]
    new_use: str
    recipients: tuple[str, ...]
    consequence: str
    mode: ChoiceMode
    until: date | None
    answer_days: int = 30


@dataclass(frozen=True, slots=True)
class Notice:
    """One message about one version to one kind of addressee. Frozen in the ledger at publication.

    ``full_text`` is the revised policy without its front matter; ``text_sha256`` is of the whole
    file's bytes. ``published`` and ``effective`` are calendar days in UTC. ``ledger_head`` is the head of
    the ledger as the version ref holds it (core/proof/heads.py), empty where it holds none. ``language``:
    the tag of the language of the policy, empty where it is not known.
    """

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
    ledger_head: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the notices come from, and who answers: ``[mail]`` of the settings.

    ``base_url`` is where the posted pages stand (no slash at the end), empty when there are none.
    """

    from_address: str
    from_name: str
    reply_to: str
    postal_address: str
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who one mail is for. ``nid`` is the opaque id of this notice to this addressee; ``account``
    is the customer's name for an administrator, empty for a subject.

    ``page`` is the addressee's own page (https, with a token that only he has), where answers are
    shown and given; empty where no pages are served: answers then come by mail. ``stop_reminders``
    is where one click stops his reminders, and nothing else.
    """

    nid: str
    address: str
    name: str = ""
    locale: str = "en"
    account: str = ""
    page: str = ""
    stop_reminders: str = ""


@dataclass(frozen=True, slots=True)
class Occasion:
    """When and why a mail is rendered: ``at`` is the moment of sending (aware UTC); a ``test`` mail
    says in its subject that it is one.
    """

    at: datetime
    test: bool = False
