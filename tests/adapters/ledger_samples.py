# SPDX-License-Identifier: Apache-2.0
"""An invented policy in three versions, and rows to fill a ledger with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from policyctl.core.notices.notice import ChoiceOffer, Notice, NoticeKind
from policyctl.core.notices.outbox import Audience, PlannedNotice
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient, Taxonomy, Term
from policyctl.core.records import (
    Answer,
    ChoiceRow,
    CustomerRow,
    PendingChange,
    SubjectRow,
    TagRow,
    VersionRecord,
    change_name,
)
from policyctl.errors import Place

KEY = bytes(range(32))
EMAIL, PHONE, CONTACT = "user.contact.email", "user.contact.phone_number", "user.contact"
SERVICE, MARKETING, ADS = "essential.service", "marketing.communications.email", "marketing.advertising"
NEWS = datetime(2026, 11, 1, tzinfo=UTC)


def _terms(*ids: str) -> dict[str, Term]:
    return {name: Term(name, name) for name in ids}


TAXONOMY = Taxonomy(
    categories=_terms("user", CONTACT, EMAIL, PHONE, "user.behavior"),
    purposes=_terms("essential", SERVICE, "marketing", MARKETING, ADS),
    recipients=_terms("processor", "processor.mail", "partner", "acquirer"),
)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def practice(
    name: str,
    purpose: str,
    *,
    data: tuple[str, ...] = (EMAIL,),
    choice: ChoiceMode = ChoiceMode.NONE,
    to: tuple[Recipient, ...] = (),
    keep: bool = False,
) -> Practice:
    return Practice(
        id=name, clause=f"about-{name}", categories=data, purpose=purpose, recipients=to, retention="P2Y",
        choice=choice, keep_existing=keep, line=3,
    )  # fmt: skip


def version(
    number: int,
    effective: str,
    *practices: Practice,
    slug: str = "fax",
    asks: dict[str, ChoiceMode] | None = None,
    change_class: ChangeClass = ChangeClass.NOTICE,
    window_days: int = 30,
) -> VersionRecord:
    key = VersionKey(slug, number)
    changes = tuple(
        PendingChange(change_name(key, name), key, name, mode, window_days)
        for name, mode in (asks or {}).items()
    )
    return VersionRecord(
        key=key,
        title="Example Fax",
        change_class=change_class,
        published_at=day(effective) - timedelta(days=40),
        effective_at=day(effective),
        commit=f"{number:040x}",
        text_sha256=f"{number:064x}",
        practices=practices,
        changes=changes,
    )


def notice(record: VersionRecord, kind: NoticeKind = NoticeKind.REVISION) -> Notice:
    offers = tuple(
        ChoiceOffer(
            change=change.name, data=("your e-mail address",), collected_for=("your account",),
            new_use="advertising", recipients=("partners",), consequence="you may see advertising",
            mode=change.mode, until=record.effective_at.date(),
        )
        for change in record.changes
    )  # fmt: skip
    return Notice(
        version=record.key, kind=kind, title=record.title, change_class=record.change_class,
        effective=record.effective_at.date(), published=date(2026, 1, 1), summary="Something changes.",
        impact="", clauses=(), choices=() if kind is NoticeKind.TRANSITION else offers, transition=None,
        full_text="# Privacy\n", text_sha256=record.text_sha256,
    )  # fmt: skip


def owed(record: VersionRecord, *categories: str) -> tuple[PlannedNotice, ...]:
    """A revision notice to administrators, a choice notice to subjects, and one of a change of ownership."""
    planned = (
        PlannedNotice(notice(record), Audience("administrators")),
        PlannedNotice(notice(record, NoticeKind.CHOICE), Audience("subjects", categories)),
    )
    if record.change_class is not ChangeClass.TRANSITION:
        return planned
    return (*planned, PlannedNotice(notice(record, NoticeKind.TRANSITION), Audience("subjects")))


def at_line(line: int) -> Place:
    return Place("rows.csv", line)


def customer(name: str, contact: str = "ada", line: int = 2, **changes: str) -> CustomerRow:
    row = CustomerRow(
        at_line(line), name, f"{name} Ltd", f"{contact}@{name}.example.com", contact.title(), "en"
    )
    return replace(row, **changes)


def subject(name: str, of: str | None = None, since: str | None = "2026-01-02", line: int = 2) -> SubjectRow:
    known = None if since is None else day(since)
    return SubjectRow(at_line(line), name, of, f"{name}@users.example.com", "en", known)


def tag(
    who: str, collected: str, category: str = EMAIL, record: str = "account", line: int = 2, **more: object
) -> TagRow:
    row = TagRow(at_line(line), who, category, record, day(collected), "fax")
    return replace(row, **more)  # type: ignore[arg-type]


def choice(
    who: str, change: str, answer: Answer, at: str, scope: str = "subject", line: int = 2
) -> ChoiceRow:
    return ChoiceRow(at_line(line), scope, who, change, answer, day(at))
