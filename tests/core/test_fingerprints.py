# SPDX-License-Identifier: Apache-2.0
"""A fingerprint names a change of words: it outlives moves, other edits and a rebase."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.judging import judged_texts

CLAUSES = {
    "Cookies": "We use cookies to keep you signed in.",
    "Log files": "Our servers log the time of each visit.",
    "Payment": "Cards are charged by a payment company.",
    "Security": "Every access is logged.",
    "Contact": "Write to privacy@example.com.",
    "Links": "Our pages link to pages of others.",
}
BEFORE, AFTER = "We do not sell your fax number.", "We sell your fax number."


def text(order: list[str], words: str, at: int, *, title: str = "Sharing") -> str:
    sections = [f"## {name}\n\n{CLAUSES[name]}\n" for name in order]
    sections.insert(at, f"## {title}\n\n{words}\n")
    return "# Privacy\n\nAn introduction.\n\n" + "\n".join(sections)


def of_the_sale(old: str, new: str) -> set[str]:
    return {
        finding.fingerprint
        for finding in judged_texts(old, new).findings
        if finding.before == BEFORE and finding.after == AFTER
    }


PLAIN = of_the_sale(text(["Cookies"], BEFORE, 1), text(["Cookies"], AFTER, 1))
ORDER = st.permutations(sorted(CLAUSES)).flatmap(
    lambda names: st.integers(1, len(names)).map(lambda count: list(names[:count]))
)


@settings(max_examples=60, deadline=None)
@given(ORDER, st.integers(0, 6))
def test_other_clauses_around_it_change_nothing(order: list[str], at: int) -> None:
    assert of_the_sale(text(order, BEFORE, at), text(order, AFTER, at)) == PLAIN


@settings(max_examples=40, deadline=None)
@given(ORDER, st.integers(0, 6), st.integers(0, 6))
def test_moving_the_clause_while_it_changes_keeps_the_fingerprint(
    order: list[str], here: int, there: int
) -> None:
    assert of_the_sale(text(order, BEFORE, here), text(order, AFTER, there)) == PLAIN


@settings(max_examples=40, deadline=None)
@given(ORDER, ORDER)
def test_clauses_that_come_and_go_elsewhere_keep_the_fingerprint(old: list[str], new: list[str]) -> None:
    assert of_the_sale(text(old, BEFORE, len(old)), text(new, AFTER, len(new))) == PLAIN


def test_another_change_of_words_has_another() -> None:
    other = judged_texts(text([], BEFORE, 0), text([], "We sell your name.", 0)).findings
    assert PLAIN
    assert not PLAIN & {finding.fingerprint for finding in other}
