# SPDX-License-Identifier: Apache-2.0
"""Titles inside a clause: a bold word that opens a paragraph, an item or a row, and what became of it."""

from __future__ import annotations

import pytest

from policyctl.core.diff.compare import compare
from policyctl.core.text.parse import parse
from policyctl.core.text.run_in import run_in_title

CLAUSE = "# A\n\nThis is how we do it.\n\n{}\n\nAnd that is all there is to say.\n"


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("**Cookies.** We use them to count pages.", "Cookies"),
        ("**Cookies**: we use them.", "Cookies"),
        ("**Cookies:** we use them.", "Cookies"),
        ("__Cookies.__ We use them.", "Cookies"),
        ("*   **Cookies.** We use them.", "Cookies"),
        ("3.  **CONTACT US**\n    \n    Write to us.", "CONTACT US"),
        ("|     | _What you send_ |     | We keep it. |", "What you send"),
        ("| **Name** | We keep it. |", "Name"),
        ("**[Cookies.](https://example.com)** We use them.", "Cookies"),
        ("**We** use cookies.", ""),
        ("_Never_ do we sell it.", ""),
        ("We use **cookies.** Always.", ""),
        ("* * *", ""),
        ("**** x", ""),
        ("", ""),
    ],
)
def test_a_title_opens_a_block_and_ends(source: str, title: str) -> None:
    assert run_in_title("paragraph", source) == title


PAGES = "Pages are kept until they have arrived at the other end of the line."
CALLS = "Times of calls are kept for the bill and for nothing else at all."


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        pytest.param(f"**Pages.** {PAGES}", f"**Faxes.** {PAGES}", {"renamed"}, id="another title"),
        pytest.param(f"**1. Pages.** {PAGES}", f"**2. Pages.** {PAGES}", {"renumbered"}, id="another number"),
        pytest.param(f"{PAGES} {CALLS}", f"{PAGES}\n\n{CALLS}", {"split"}, id="one paragraph made two"),
        pytest.param(f"{PAGES}\n\n{CALLS}", f"{PAGES} {CALLS}", {"merged"}, id="two paragraphs made one"),
        pytest.param(f"**Pages.** {PAGES}", f"**Pages.** {PAGES} Always.", set(), id="other words only"),
        pytest.param(f"*   {PAGES}", f"-   {PAGES}", set(), id="another marker"),
    ],
)
def test_what_became_of_a_block_is_said(before: str, after: str, kinds: set[str]) -> None:
    found = compare(parse(CLAUSE.format(before)), parse(CLAUSE.format(after)))
    assert {str(kind) for change in found.clauses for block in change.blocks for kind in block.kinds} == kinds


def test_a_like_paragraph_at_another_place_is_no_move() -> None:
    """Of three like sentences the third is most like the new one, which stands where the first stood."""
    old = "\n\n".join(f"If you live in {place}, please read section {n} of this policy." for n, place in
                      enumerate(("Exampleland", "Sampleton", "the Republic of Fax"), 11))  # fmt: skip
    new = (
        "If you live in Exampleland, Sampleton or the Republic of Fax, please read the section for you.\n\n"
        "If you live in a state with a law on faxes, please read our policy on faxes as well."
    )
    found = compare(parse(CLAUSE.format(old)), parse(CLAUSE.format(new)))
    assert not [block for change in found.clauses for block in change.blocks if block.moved]
