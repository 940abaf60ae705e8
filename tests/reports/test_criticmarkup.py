# SPDX-License-Identifier: Apache-2.0
"""CriticMarkup, read by a resolver that knows nothing of the code that writes it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.reports.comparing.criticmarkup import render_criticmarkup
from policyctl.reports.comparing.narrowing import narrowed
from tests.core.markdown_texts import MESSY, TITLES, policy
from tests.reports import samples

CLOSERS = {"{++": "++}", "{--": "--}", "{~~": "~~}", "{==": "==}", "{>>": "<<}"}


def resolved(marked: str, *, accept: bool) -> str:
    """What CriticMarkup's own description says: one pass, a mark ends at the first closing sign."""
    text, at = [], 0
    while at < len(marked):
        closer = CLOSERS.get(marked[at : at + 3])
        end = marked.find(closer, at + 3) if closer else -1
        if end < 0:
            text.append(marked[at])
            at += 1
            continue
        opener, inner = marked[at : at + 3], marked[at + 3 : end]
        if opener == "{~~":
            before, _, after = inner.partition("~>")
            text.append(after if accept else before)
        elif opener in {"{==", "{++" if accept else "{--"}:
            text.append(inner)
        at = end + 3
    return "".join(text)


def assert_lossless(old: str, new: str) -> None:
    marked = render_criticmarkup(samples.comparison(old, new))
    assert resolved(marked, accept=True) == new
    assert resolved(marked, accept=False) == old


SIGNS = """# Signs {++ of ++} ours

Write {--this--}, {~~that~>other~~}, {>>said<<} or {==lit==}; {{++ and ++}} and {+ and {- too.

{++ never closed, and --} never opened
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (samples.OLD, samples.NEW),
        (samples.NEW, samples.OLD),
        (samples.OLD, samples.OLD),
        ("", samples.NEW),
        (samples.NEW, ""),
        (SIGNS, SIGNS),
        (SIGNS, SIGNS.replace("this", "these").replace("too", "also {--here--}")),
        (SIGNS.replace("{++ never", "{-- never"), SIGNS),
        ("", SIGNS),
        (SIGNS, ""),
        (samples.HOSTILE, samples.HOSTILE.replace("not ours", "ours")),
        ("# A\r\n\r\nOne.\r\n", "\ufeff# A\n\nTwo"),
        ("# A\n\n+ +\n", "# A\n\n++}\n"),
    ],
)
def test_accepting_gives_the_new_text_and_rejecting_the_old(old: str, new: str) -> None:
    assert_lossless(old, new)


_SIGNS = ["{++", "++}", "{--", "--}", "{>>", "<<}", "{~~", "~>", "~~}", "{==", "==}", *"{}+-~><="]
_SCRAPS = st.sampled_from([*_SIGNS, "a", "word", " ", "\n", "\n\n", "# H\n\n"])
SIGNED = st.lists(_SCRAPS, max_size=40).map("".join)
ORDERS = st.lists(st.sampled_from(TITLES), unique=True).map(lambda titles: policy(tuple(titles)))


@settings(max_examples=150, deadline=None)
@given(st.tuples(SIGNED, SIGNED) | st.tuples(MESSY, MESSY) | st.tuples(ORDERS, ORDERS))
def test_whatever_the_texts_hold_each_can_be_read_from_the_marked_one(pair: tuple[str, str]) -> None:
    assert_lossless(*pair)


def test_a_move_has_one_id_at_both_ends() -> None:
    marked = render_criticmarkup(samples.comparison())
    comments = re.findall(r"\{>>(move-\d+): (to|from) line (\d+) of the (new|old) text<<\}", marked)
    assert sorted(comments) == [("move-1", "from", "15", "old"), ("move-1", "to", "11", "new")]
    (start,) = [n for n, line in enumerate(samples.NEW.split("\n"), 1) if line == "# Cookies"]
    assert start == 11


def test_a_mark_holds_no_break_between_paragraphs_beside_words() -> None:
    for inner in re.findall(
        r"\{(?:\+\+|--)(.*?)(?:\+\+|--)\}", render_criticmarkup(samples.comparison()), re.DOTALL
    ):
        assert "\n\n" not in inner or not inner.strip()


def test_some_clauses_alone_hold_these_and_nothing_else() -> None:
    marked = render_criticmarkup(narrowed(samples.comparison(), ["collection"]))
    assert (
        resolved(marked, accept=True)
        == samples.NEW[samples.NEW.index("# Coll") : samples.NEW.index("# Cook")]
    )
    assert (
        resolved(marked, accept=False)
        == samples.OLD[samples.OLD.index("# Coll") : samples.OLD.index("# Sha")]
    )
