# SPDX-License-Identifier: Apache-2.0
"""What `notify --watch` draws: everybody in exactly one place, plain text, in proportion."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import GONE, DeliveryName, OutboxCount, OutboxState
from policyctl.core.notices.underway import Step, Underway, step_of
from policyctl.core.policy import VersionKey
from policyctl.reports.notices.watching import frame, line
from tests.actions.notify_scene import NOW

KEY = VersionKey("example-fax", 3)
STATES = [*(s.value for s in OutboxState if s not in GONE), *(name.value for name in DeliveryName)]


def seen(*counts: tuple[str, int], seconds: float = 0.0, before: int = 0) -> Underway:
    rows = tuple(OutboxCount(KEY, NoticeKind.REVISION, state, count) for state, count in counts)
    return Underway(NOW, seconds, rows, before)


def test_a_run_half_way() -> None:
    text = frame(seen(("planned", 400), ("posting", 100), ("scheduled", 300), ("delivered", 200), seconds=5))
    words = "1,000: 200 delivered #, 300 handed over =, 100 in hand >, 400 waiting ."
    assert text.splitlines() == [
        f"example-fax@v3 revision [####======>>........] {words}",
        "500 to go, 100 a second, about 5 s left",
    ]


def test_what_had_left_before_is_not_counted_into_the_pace() -> None:
    text = frame(seen(("planned", 600), ("scheduled", 400), seconds=60, before=300))
    assert text.splitlines()[-1] == "600 to go, 2 a second, about 6 min left"


def test_nothing_is_left_to_do() -> None:
    assert frame(seen(("released", 3), ("bounced", 1))).splitlines()[-1] == "nothing is on its way"
    assert frame(seen()) == "no notice is owed"


def test_elsewhere_it_is_one_line_with_the_time() -> None:
    assert line(seen(("planned", 1), ("bounced", 2))) == (
        "09:00:00 UTC example-fax@v3 revision: 3: 1 waiting ., 2 failed !"
    )


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(1, 10**7)), min_size=1, max_size=20))
def test_everybody_is_in_one_place_and_every_place_is_seen(counts: list[tuple[str, int]]) -> None:
    now = seen(*counts)
    (steps,) = now.steps().values()
    assert sum(steps.values()) == sum(count for _, count in counts)
    found = re.search(r"\[([^\]]*)\]", frame(now))
    assert found
    assert len(found[1]) == 20
    assert len(set(found[1])) == len({step_of(state) for state, _ in counts})
    assert frame(now).replace("\n", "").isprintable()
    assert now.done == (not {Step.WAITING, Step.IN_HAND} & {step_of(state) for state, _ in counts})
