# SPDX-License-Identifier: Apache-2.0
"""What ``notify`` would send, to how many and why, and whether it is in time. Writes nothing.

Who came under the policy since it was published, and before it takes effect, is told too: counted as
``newcomers``, and planned by the next ``notify``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.mailing.run import refusal
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.pdf import Printer
from policyctl.core.judge.standards import Standards
from policyctl.core.notices.notice import Notice, NoticeKind, Sender
from policyctl.core.notices.outbox import Audience
from policyctl.core.notices.reach import Groups, Timing
from policyctl.core.notices.underway import Step, step_of
from policyctl.core.policy import ChangeClass, VersionKey

_GOING = {Step.WAITING, Step.IN_HAND}


@dataclass(frozen=True, slots=True)
class NoticePlan:
    """One kind of notice about one version. ``states``: addressees by how they stand; ``to_send`` of them are
    not handed over yet. ``groups``: why it reaches whom it reaches. ``withheld``: why it must not be sent as
    it is, else empty.
    """

    version: VersionKey
    kind: NoticeKind
    title: str
    change_class: ChangeClass
    timing: Timing
    states: Mapping[str, int]
    to_send: int
    newcomers: int
    categories: tuple[str, ...]
    groups: Groups
    withheld: str


def plan_notices(
    now: datetime,
    *,
    ledger: Ledger,
    standards: Standards,
    sender: Sender,
    slug: str | None = None,
    printer: Printer | None = None,
) -> tuple[NoticePlan, ...]:
    """The notices of which anything is still to be sent, by version and kind."""
    writer = MailWriter(sender, printer)
    counts: dict[tuple[VersionKey, NoticeKind], dict[str, int]] = {}
    for found in ledger.outbox_counts(slug):
        counts.setdefault((found.version, found.kind), {})[found.state] = found.count
    plans = (
        _plan(notice, audience, counts.get((record.key, notice.kind), {}), now, ledger, standards, writer)
        for record in ledger.versions(slug)
        for notice, audience in ledger.notice_audiences(record.key)
    )
    return tuple(plan for plan in plans if plan.to_send or plan.newcomers)


def _plan(
    notice: Notice,
    audience: Audience,
    states: Mapping[str, int],
    now: datetime,
    ledger: Ledger,
    standards: Standards,
    writer: MailWriter,
) -> NoticePlan:
    to_send = sum(count for state, count in states.items() if step_of(state) in _GOING)
    newcomers = ledger.newcomers(notice.version, notice.kind, now)
    asked = notice.kind is not NoticeKind.REMINDER and bool(to_send or newcomers)
    groups = ledger.audience_groups(notice.version, [audience])[audience] if asked else {}
    return NoticePlan(
        version=notice.version,
        kind=notice.kind,
        title=notice.title,
        change_class=notice.change_class,
        timing=Timing(now.date(), notice.effective, standards.lead_days[notice.change_class]),
        states=states,
        to_send=to_send,
        newcomers=newcomers,
        categories=audience.categories,
        groups=groups,
        withheld=refusal(notice, writer) if to_send or newcomers else "",
    )
