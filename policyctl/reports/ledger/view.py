# SPDX-License-Identifier: Apache-2.0
"""The counts of a ledger as both faces show them, terminal and page: what is drawn as a bar, how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policyctl.core.records import MonthCount, TagCount
from policyctl.core.use.question import UseAnswer
from policyctl.core.use.share import LedgerReport, Share
from policyctl.reports.words import counted

MONTHS = 24
"""So many months are shown by themselves; what is older stands together."""

REASONS = {
    "stated": "the version states this use, and no choice stands in the way",
    "nobody_objected": "a later version brought it; told in time, nobody objected",
    "consented": "a later version brought it, with consent",
    "not_stated": "no version in force states this use of such data",
    "nobody_asked": "a later version states it, for data collected from then on",
    "no_consent": "it needs a consent that is not on record",
    "not_told": "the notice of the change has not arrived",
    "may_still_object": "the time to object is not over",
    "objected": "the person objected",
    "customer_objected": "the customer objected for all its people",
    "withdrawn_since": "the version in force no longer states it",
    "transfer_not_told": "not told of the change of ownership",
    "ended": "the data was deleted",
    "no_version": "no version was in force at collection",
    "not_in_force": "its version is not in force for the person",
    "unknown_subject": "nothing is known of the person any more",
    "unknown_category": "the category is no longer in the taxonomy",
    "unknown_purpose": "the purpose is no longer in the taxonomy",
    "unknown_policy": "no version of the policy is on record",
}
"""Reason codes (core/use/question.Reason.code) in plain words."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row: ``parts`` of ``whole``, drawn in that order; not drawn where ``whole`` is 0."""

    name: str
    count: int
    parts: tuple[int, ...]
    whole: int


@dataclass(frozen=True, slots=True)
class Months:
    """Tags by month: a bar a month, its parts in the order of ``names``."""

    names: tuple[str, ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """One purpose: a bar with permitted, refused and undecided, and the reasons, largest first."""

    purpose: str
    bar: Bar
    reasons: tuple[tuple[str, str, str, int], ...]

    @property
    def permitted(self) -> str:
        """The share that may be used, in words: never rounded up to all nor down to none."""
        return percent(self.bar.parts[0], self.bar.whole)


def percent(part: int, whole: int) -> str:
    """``42 %``; what is not nothing is at least under 1, what is not all at most over 99."""
    if whole == 0:
        return "-"
    if 0 < part * 100 < whole:
        return "<1 %"
    if 0 < (whole - part) * 100 < whole:
        return ">99 %"
    return f"{round(100 * part / whole)} %"


def summary(report: LedgerReport) -> str:
    """One line about all of it."""
    stats = report.stats
    tags = sum(each.count for each in stats.tags)
    parts = [
        counted(stats.customers, "customer"),
        counted(stats.subjects, "subject"),
        f"{counted(tags, 'tag')} ({counted(stats.corrections, 'correction')})",
        *([] if stats.sequence is None else [counted(stats.sequence, "entry", "entries")]),
    ]
    return ", ".join(parts)


def tag_bars(tags: Sequence[TagCount]) -> tuple[Bar, ...]:
    """Tags by version and category, against the largest."""
    most = max((each.count for each in tags), default=0)
    return tuple(
        Bar(f"{_version(each.slug, each.version)} {each.category}", each.count, (each.count,), most)
        for each in tags
    )


def by_version(months: Sequence[MonthCount]) -> Months:
    """Tags over time by version, oldest month first."""
    return _months([(each.month, _version(each.slug, each.version), each.count) for each in months])


def by_category(months: Sequence[MonthCount]) -> Months:
    """Tags over time by category."""
    return _months([(each.month, each.category, each.count) for each in months])


def choice_bars(report: LedgerReport) -> tuple[Bar, ...]:
    """Answers to changes, all ever given, against the largest."""
    said = report.stats.choices
    most = max((each.count for each in said), default=0)
    return tuple(Bar(f"{each.change} {each.answer.value}", each.count, (each.count,), most) for each in said)


def uses(report: LedgerReport) -> tuple[Use, ...]:
    """The share of data that may be used, by purpose."""
    return tuple(_use(share) for share in report.shares)


def _use(share: Share) -> Use:
    parts = tuple(share.of(each) for each in (UseAnswer.PERMITTED, UseAnswer.REFUSED, UseAnswer.UNDECIDED))
    reasons = tuple(
        (each.answer, each.code, REASONS.get(each.code, each.code), each.records) for each in share.counts
    )
    return Use(share.purpose, Bar(share.purpose, share.total, parts, share.total), reasons)


def _months(counts: Iterable[tuple[str, str, int]]) -> Months:
    totals: Counter[tuple[str, str]] = Counter()
    for month, name, count in counts:
        totals[month, name] += count
    found = sorted({month for month, _ in totals})
    older, shown = found[:-MONTHS], found[-MONTHS:]
    names = tuple(dict.fromkeys(name for _, name in sorted(totals, key=lambda item: (item[1], item[0]))))
    groups = [*([(f"before {shown[0]}", older)] if older else []), *((month, [month]) for month in shown)]
    rows = [
        (label, tuple(sum(totals[month, name] for month in group) for name in names))
        for label, group in groups
    ]
    most = max((sum(parts) for label, parts in rows if label in shown), default=0)
    bars = (Bar(label, sum(parts), parts, most if label in shown else 0) for label, parts in rows)
    return Months(names, tuple(bars))


def _version(slug: str, number: int | None) -> str:
    return f"{slug} no version" if number is None else f"{slug} v{number}"
