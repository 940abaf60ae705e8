# SPDX-License-Identifier: Apache-2.0
"""Long texts: the quick ways give what the plain ways give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import LCSseq

from policyctl.core.diff.assign import in_line
from policyctl.core.diff.growing import Growing, Whole

FEW_WORDS = st.text("abcdé\U0001f600", max_size=90)
SCORES = st.dictionaries(
    st.tuples(st.integers(0, 7), st.integers(0, 7)), st.sampled_from([1.0, 1.8, 2.0, 3.0]), max_size=20
)


@given(FEW_WORDS, FEW_WORDS, st.lists(FEW_WORDS, max_size=3))
def test_words_in_common_are_the_same_gone_on_from_or_counted_anew(
    whole: str, kept: str, more: list[str]
) -> None:
    growing = Growing(Whole(whole), kept)
    for own in more:
        assert growing.with_behind(own) == LCSseq.similarity(whole, kept + own)
        assert growing.with_before(own) == LCSseq.similarity(whole, own + kept)


@given(SCORES)
def test_pairs_in_line_keep_order_and_no_other_choice_scores_higher(
    scores: dict[tuple[int, int], float],
) -> None:
    pairs = in_line(range(8), range(8), lambda o: {n: s for (i, n), s in scores.items() if i == o})
    assert pairs == sorted(pairs, reverse=True)
    assert len({o for o, _ in pairs}) == len({n for _, n in pairs}) == len(pairs)
    best = [[0.0] * 9 for _ in range(9)]
    for o in range(8):
        for n in range(8):
            taken = best[o][n] + scores.get((o, n), 0.0)
            best[o + 1][n + 1] = max(best[o][n + 1], best[o + 1][n], taken)
    assert abs(sum(scores.get(pair, -99.0) for pair in pairs) - best[8][8]) < 1e-9
