# SPDX-License-Identifier: Apache-2.0
"""The counts of a ledger as a page: no script, readable without colour, every bar beside its number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from policyctl.core.use.question import UseAnswer
from policyctl.core.use.share import LedgerReport
from policyctl.reports.comparing.html import render, security_policy
from policyctl.reports.ledger.view import (
    Bar,
    by_category,
    by_version,
    choice_bars,
    summary,
    tag_bars,
    uses,
)
from policyctl.reports.words import counted, html_without_commands

_CSS = "ledger.css.j2"
_FULL = 1000  # the width of a bar in the units of its picture
_COLOURS = tuple(f"p{number}" for number in range(6))
_ANSWERS = tuple(each.value for each in (UseAnswer.PERMITTED, UseAnswer.REFUSED, UseAnswer.UNDECIDED))


def ledger_page(report: LedgerReport, *, now: datetime) -> str:
    """The page; ``now`` tells how old the counts are."""
    page = render(
        "ledger.html.j2",
        css=_CSS,
        title="What is in the ledger",
        summary=summary(report),
        customer=report.customer or "",
        counted_at=f"{report.at:%Y-%m-%d %H:%M} UTC",
        age=age(now - report.at),
        uses=uses(report),
        tags=tag_bars(report.stats.tags),
        versions=by_version(report.stats.months),
        categories=by_category(report.stats.months),
        choices=choice_bars(report),
        segments=segments,
        colours=_COLOURS,
        answers=_ANSWERS,
    )
    return html_without_commands(page)


def page_policy() -> str:
    """The Content-Security-Policy to serve the page with."""
    return security_policy(_CSS)


def age(passed: timedelta) -> str:
    """How long ago, in the largest unit that fits."""
    seconds = max(0, int(passed.total_seconds()))
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            return f"{counted(seconds // size, name)} ago"
    return "just now"


def segments(bar: Bar) -> Iterator[tuple[int, int, int]]:
    """(where it begins, how wide, which part) of every part that is drawn; what is not nothing is seen."""
    begin = 0
    for place, part in enumerate(bar.parts):
        width = max(8, round(_FULL * part / bar.whole)) if part and bar.whole else 0
        width = min(width, _FULL - begin)
        if width > 0:
            yield begin, width, place
        begin += width
