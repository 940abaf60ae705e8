# SPDX-License-Identifier: Apache-2.0
"""Every addressee is in exactly one group, and a publication is complete when nothing is owed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import GONE, DeliveryName, OutboxState
from policyctl.core.notices.progress import Group, Progress, Standing, Unreached, duties, group_of
from policyctl.core.policy import VersionKey
from policyctl.reports.notices.status_v1 import bar

V2 = VersionKey("fax", 2)
S, E = OutboxState, DeliveryName
STANDINGS = st.builds(
    Standing,
    version=st.just(V2),
    kind=st.sampled_from(NoticeKind),
    state=st.sampled_from([state for state in OutboxState if state not in GONE]),
    event=st.none() | st.sampled_from(DeliveryName),
    overdue=st.booleans(),
    late=st.booleans(),
    count=st.integers(1, 10**7),
)


@pytest.mark.parametrize(
    ("state", "event", "overdue", "group"),
    [
        (S.PLANNED, None, False, Group.PENDING),
        (S.PLANNED, None, True, Group.PENDING),  # never sent: no report is missed
        (S.POSTING, None, True, Group.PENDING),
        (S.RELEASED, None, False, Group.PENDING),
        (S.RELEASED, None, True, Group.UNCONFIRMED),
        (S.ACCEPTED, E.DEFERRED, True, Group.UNCONFIRMED),
        (S.ACCEPTED, E.PROCESSED, False, Group.PENDING),
        (S.RELEASED, E.DELIVERED, True, Group.DELIVERED),
        (S.HELD, E.DELIVERED, False, Group.DELIVERED),
        (S.RELEASED, E.BOUNCED, True, Group.FAILED),
        (S.RELEASED, E.DROPPED, False, Group.FAILED),
        (S.RELEASED, E.COMPLAINED, False, Group.FAILED),
        (S.REJECTED, None, False, Group.FAILED),
        (S.HELD, None, True, Group.HELD),
        (S.RECALLED, None, False, Group.HELD),
    ],
)
def test_an_addressee_stands_where_his_highest_report_or_his_chunk_says(
    state: OutboxState,
    event: DeliveryName | None,
    overdue: bool,  # noqa: FBT001 - a row of the table
    group: Group,
) -> None:
    assert group_of(state, event, overdue=overdue) is group


@given(standings=st.lists(STANDINGS))
def test_the_groups_of_every_kind_add_up_to_all_addressees(standings: list[Standing]) -> None:
    progress = Progress(V2, tuple(standings))
    told = sum(sum(progress.groups(kind).values()) for kind in NoticeKind)
    assert told == sum(one.count for one in standings)
    assert all(set(progress.groups(kind)) == set(Group) for kind in NoticeKind)


@given(standings=st.lists(STANDINGS))
def test_nothing_is_owed_exactly_when_every_notice_was_delivered(standings: list[Standing]) -> None:
    owes = any(one.group is not Group.DELIVERED for one in standings if one.kind is not NoticeKind.REMINDER)
    assert bool(list(duties(Progress(V2, tuple(standings))))) is owes


@given(standings=st.lists(STANDINGS, min_size=1))
def test_a_bar_is_as_long_for_all_and_shows_one_of_a_million(standings: list[Standing]) -> None:
    progress = Progress(V2, tuple(standings))
    for kind in progress.kinds:
        drawn = bar(progress, kind).split("]")[0][1:]
        assert len(drawn) == 20
        assert len(set(drawn)) == sum(number > 0 for number in progress.groups(kind).values())


@pytest.mark.parametrize("lacking", ["next_contact", "no_contact", "no_address"])
def test_a_customer_who_was_not_reached_is_a_duty(lacking: str) -> None:
    progress = Progress(V2, unreached=Unreached(**{lacking: 2}))
    (duty,) = duties(progress)
    assert duty.startswith("2 customers")
