# SPDX-License-Identifier: Apache-2.0
"""What holds of every revision, tried on policies in several scripts after edits of every sort."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st

from policyctl.core.diff.compare import compare
from policyctl.core.diff.rebuild import rebuild_new, rebuild_old
from policyctl.core.policy import Clause
from policyctl.core.revision import ClauseChange, Kind, Revision
from policyctl.core.text.parse import parse, title_of
from policyctl.core.text.visible import folded
from tests.core.markdown_texts import MESSY
from tests.core.policy_edits import edited

FORM = {Kind.UNCHANGED, Kind.FORMAT_ONLY}
FRONT = "# Notice\n\nThis text stands before everything else and says so plainly to all who read it.\n\n"
MIRROR = {
    Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED, Kind.SPLIT: Kind.MERGED, Kind.MERGED: Kind.SPLIT,
}  # fmt: skip
ANY = edited() | st.tuples(MESSY, MESSY) | st.tuples(st.text(), st.text())


def revision(old: str, new: str) -> Revision:
    return compare(parse(old), parse(new))


def seen(clauses: tuple[Clause, ...]) -> list[str]:
    """The words of clauses as a reader sees them; section numbers are form."""
    blocks = [folded(block.visible) for clause in clauses for block in clause.blocks]
    return " ".join(title_of(block) for block in blocks).split()


def told(change: ClauseChange) -> tuple[list[str], list[str], list[str]]:
    return (sorted(change.kinds), [c.heading for c in change.old], [c.heading for c in change.new])


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_every_clause_of_both_sides_stands_in_one_link(pair: tuple[str, str]) -> None:
    found = revision(*pair)
    for side, document in (("old", found.old), ("new", found.new)):
        linked = [clause.start for change in found.clauses for clause in getattr(change, side)]
        assert sorted(linked) == [clause.start for clause in document.clauses]
    assert all(change.kinds for change in found.clauses)


@given(ANY)
@settings(max_examples=150, deadline=None)
def test_a_link_that_is_called_form_has_the_same_words(pair: tuple[str, str]) -> None:
    """Or else both whole texts have: a line has become a heading, or two paragraphs one."""
    found = revision(*pair)
    cut_otherwise = seen(found.old.clauses) == seen(found.new.clauses)
    for change in found.clauses:
        if change.kinds <= FORM and change.old and change.new:
            assert cut_otherwise or seen(change.old) == seen(change.new)
        if change.kinds == {Kind.UNCHANGED}:
            assert not any(block.runs for block in change.blocks)


@given(edited() | st.tuples(MESSY, MESSY))
@settings(max_examples=150, deadline=None)
def test_both_texts_are_rebuilt(pair: tuple[str, str]) -> None:
    found = revision(*pair)
    assert (rebuild_new(pair[0], found), rebuild_old(pair[1], found)) == (pair[1], pair[0])


@given(edited(most=2))
@settings(max_examples=150, deadline=None)
def test_kinds_are_mirrored(pair: tuple[str, str]) -> None:
    there, back = revision(*pair), revision(pair[1], pair[0])
    kinds = sorted(sorted(MIRROR.get(k, k) for k in c.kinds - {Kind.MOVED}) for c in back.clauses)
    assert kinds == sorted(sorted(c.kinds - {Kind.MOVED}) for c in there.clauses)


@given(edited())
@settings(max_examples=150, deadline=None)
def test_a_clause_in_front_changes_nothing_about_the_rest(pair: tuple[str, str]) -> None:
    plain = [told(change) for change in revision(*pair).clauses]
    assert [told(change) for change in revision(FRONT + pair[0], FRONT + pair[1]).clauses][1:] == plain


@given(edited())
@settings(max_examples=60, deadline=None)
def test_the_same_texts_give_the_same_answer(pair: tuple[str, str]) -> None:
    assert revision(*pair) == revision(*pair)


@given(edited())
@settings(max_examples=60, deadline=None)
def test_nothing_differs_from_itself(pair: tuple[str, str]) -> None:
    for text in pair:
        assert {change.kinds for change in revision(text, text).clauses} <= {frozenset({Kind.UNCHANGED})}


@given(st.text(), st.text())
@example("\ud7ff\U0010ffff\u2028\x85", "\x00\x0b\x0c\r\x1c\ufeff")
@example("**\u0301**\n\n__\u202e__", "[a](b\n\n)[")
@settings(max_examples=200, deadline=None)
def test_any_characters_are_compared(old: str, new: str) -> None:
    found = revision(old, new)
    assert rebuild_new(old, found) == new


@given(edited(most=2))
@settings(max_examples=60, deadline=None)
def test_line_ends_of_windows_and_a_missing_last_one_change_no_word(pair: tuple[str, str]) -> None:
    for form in (pair[0].replace("\n", "\r\n"), pair[0].rstrip("\n"), "\ufeff" + pair[0],
                 unicodedata.normalize("NFD", pair[0])):  # fmt: skip
        assert all(change.kinds <= FORM for change in revision(pair[0], form).clauses)
