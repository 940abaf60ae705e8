# SPDX-License-Identifier: Apache-2.0
"""Word-level redlines: lossless, whole words, and a person can read them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.diff.redline import new_text, old_text, redline
from policyctl.core.revision import Op
from policyctl.core.text.tokens import Words
from tests.core.markdown_texts import MESSY


def marked(old: str, new: str) -> str:
    """The redline with [-deleted-] and {+inserted+}."""
    shape = {Op.EQUAL: "{}", Op.DELETE: "[-{}-]", Op.INSERT: "{{+{}+}}"}
    return "".join(shape[run.op].format(run.text) for run in redline(old, new))


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        pytest.param(
            "We may share faxes with partners.",
            "We will share faxes with partners.",
            "We [-may-]{+will+} share faxes with partners.",
            id="one word",
        ),
        pytest.param(
            "We keep pages for 30 days here.",
            "We keep pages for 60 days here.",
            "We keep pages for [-30-]{+60+} days here.",
            id="a number is replaced as a whole",
        ),
        pytest.param(
            "It costs $1,000.50 a year.",
            "It costs $1,200.50 a year.",
            "It costs [-$1,000.50-]{+$1,200.50+} a year.",
            id="an amount is never cut",
        ),
        pytest.param(
            "Valid from 15 January 2027 on.",
            "Valid from 15 March 2027 on.",
            "Valid from [-15 January 2027-]{+15 March 2027+} on.",
            id="a date is never cut",
        ),
        pytest.param(
            "We keep it. We tell you.",
            "We keep it. We sell it. We tell you.",
            "We keep it. {+We sell it. +}We tell you.",
            id="an inserted sentence begins where a sentence begins",
        ),
        pytest.param(
            "We collect your name and address for the purpose of billing.",
            "Our partners receive the list of all calls made in a month.",
            "[-We collect your name and address for the purpose of billing-]"
            "{+Our partners receive the list of all calls made in a month+}.",
            id="no pepper of common words",
        ),
        pytest.param(
            "電話番号を集める。",
            "電話番号を消す。",
            "電話番号を[-集める-]{+消す+}。",
            id="ideographs one by one",
        ),
        pytest.param(
            "a re-use policy",
            "a reuse policy",
            "a [-re-use-]{+reuse+} policy",
            id="hyphens hold words together",
        ),
        pytest.param(
            "See [us](https://example.com/a) now.",
            "See [us](https://example.com/b) now.",
            "See [us]([-https://example.com/a-]{+https://example.com/b+}) now.",
            id="addresses are whole",
        ),
        pytest.param("one two", "one  two", "one {+ +}two", id="white space alone"),
    ],
)
def test_a_redline_reads_like_one(old: str, new: str, shown: str) -> None:
    assert marked(old, new) == shown


@given(st.one_of(st.tuples(st.text(), st.text()), st.tuples(MESSY, MESSY)))
@settings(max_examples=200, deadline=None)
def test_both_texts_come_back_from_the_runs(pair: tuple[str, str]) -> None:
    runs = redline(*pair)
    assert (old_text(runs), new_text(runs)) == pair or (not runs and pair[0] == pair[1])


@given(MESSY, MESSY)
@settings(max_examples=100, deadline=None)
def test_runs_alternate_and_delete_before_they_insert(old: str, new: str) -> None:
    ops = [run.op for run in redline(old, new)]
    assert all(a is not b for a, b in pairwise(ops))
    assert (Op.INSERT, Op.DELETE) not in set(pairwise(ops))


@given(MESSY, MESSY)
@settings(max_examples=100, deadline=None)
def test_no_word_number_or_address_is_cut(old: str, new: str) -> None:
    runs = redline(old, new)
    for text, ops in ((old, {Op.EQUAL, Op.DELETE}), (new, {Op.EQUAL, Op.INSERT})):
        edges, place = set(), 0
        for run in runs:
            if run.op in ops:
                place += len(run.text)
                edges.add(place)
        whole = Words(text)
        inside = [(s, whole.ends[i]) for i, s in enumerate(whole.starts)]
        assert not [edge for edge in edges for start, end in inside if start < edge < end]


def test_a_very_long_paragraph_is_compared_by_sentences_first() -> None:
    sentences = [f"Sentence {n} says that fax {n * 7} goes to office {n % 13}." for n in range(1200)]
    old = " ".join(sentences)
    new = old.replace("fax 2100 goes", "fax 2100 never goes")
    assert [run.text for run in redline(old, new) if run.op is not Op.EQUAL] == ["never "]


@given(st.text(st.characters(max_codepoint=127)))
@settings(max_examples=300)
def test_plain_letters_are_cut_into_the_same_words_beside_others_as_alone(text: str) -> None:
    beside = Words(f"{text}\nüber")
    assert Words(text).texts == beside.texts[:-1]
