# SPDX-License-Identifier: Apache-2.0
"""Rewritten parts of a clause or a paragraph: told by title, opening and neighbours, and what is no part."""

from __future__ import annotations

import pytest

from policyctl.core.diff.compare import compare
from policyctl.core.diff.rebuild import rebuild_new, rebuild_old
from policyctl.core.revision import Kind, Op
from policyctl.core.text.parse import parse
from tests.core.markdown_texts import policy

FAR = "Fax machines are loud, and the bell of ours can be heard as far as the harbour on a quiet day.\n\n"
NEAR = "The office is closed on Sundays and on the day of the town fair, which is held every autumn.\n\n"
CUT = {Kind.SPLIT, Kind.MERGED, Kind.RESTRUCTURED, Kind.MOVED}

BOTH = (
    "Closed or paused line. If you choose to close your line in the settings, then all your pages will be "
    "taken out of the tray and cannot be printed again by us. If you choose to pause your line, then no "
    "fax will reach you, but the pages stay in the tray. You can open it again at any time.\n\n"
)
CLOSED = (
    "Closed line. If you choose to close your line in the menu, then all your pages will be taken out of "
    "the tray and cannot be printed again by us. It takes up to a fortnight to close a line; when you dial "
    "in during that time the line is opened again.\n\n"
)
PAUSED = (
    "Paused line. If you choose to close your line in the settings, then all your pages will be taken out "
    "of the tray and cannot be printed again by us. If you choose to pause your line in the menu, then no "
    "fax will reach you, but the pages stay in the tray. You can open it again at any time.\n\n"
)
REST = (
    "The bank keeps the number of your card, and not we. When you pay through the bank, what you give is "
    "handled by the rules of that bank, which you should read before you pay with it. The bank tells us a "
    "sign by which you can pay again, and the last digits of the card, against fraud.\n\n"
)
MONEY = (
    "**Money matters**: Now and then we ask for the number of a card, its date and its kind, which happens "
    f"when you buy a roll of paper. {REST}"
)
LETTERS_AND_MONEY = (
    "**Letters and money matters**: In several ways a name, a street or a means of payment may come to us: "
    "someone orders ribbons, rents a second line, or is paid for old machines.\n\n"
)
GUARDS = "we do not hand over pages to anyone who merely asks for them without good reason"
SHIELD = (
    f"**Handing over pages to protect us:** In short, {GUARDS}. Still we keep the right to read and to show "
    "pages where we think it is needed to stop fraud, to hold up this policy, to answer a call for help, or "
    "to keep the office, its people and its callers from harm of any kind.\n\n"
)
COURT = (
    f"**Handing over pages to a court:** In short, {GUARDS}. A judge who signs an order gets what the order "
    "names. Harbour rules ask for the names of ships that send weather reports, and the harbour master may "
    "publish a list of them each spring.\n\n"
)
SHIELD_LEFT = SHIELD.replace(f"In short, {GUARDS}. Still we", "We")
ISLANDS = tuple(
    f"If you live on {name}, please read section {number} of this policy which applies to you.\n\n"
    for name, number in (("Gull Rock", 11), ("Seal Bank", 12), ("the Long Spit", 13))
)
ALL_ISLANDS = (
    "If you live on Gull Rock, Seal Bank or the Long Spit, please read the annex for islands which applies "
    "to you.\n\n"
)


def kinds(old: str, new: str) -> set[Kind]:
    """All kinds that are said of the clauses and of their blocks."""
    revision = compare(parse(old), parse(new))
    assert rebuild_new(old, revision) == new
    assert rebuild_old(new, revision) == old
    return {
        kind
        for change in revision.clauses
        for said in (change.kinds, *(block.kinds for block in change.blocks))
        for kind in said
    }


def within(part: str) -> str:
    """As paragraphs of one clause among others."""
    return policy(Why_we_use_it=f"{FAR}{part}{NEAR}".rstrip())


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        pytest.param(BOTH, CLOSED + PAUSED, id="the title was divided"),
        pytest.param(MONEY, LETTERS_AND_MONEY + REST, id="the title went with the first part"),
        pytest.param(SHIELD, COURT + SHIELD_LEFT, id="the opening went with the first part"),
        pytest.param(ALL_ISLANDS, "".join(ISLANDS), id="like neighbours in place of one"),
    ],
)
def test_a_rewritten_part_is_found_and_the_other_way_round(whole: str, parts: str) -> None:
    assert Kind.SPLIT in kinds(within(whole), within(parts))
    assert Kind.MERGED in kinds(within(parts), within(whole))


def test_clauses_are_divided_by_their_titles_too() -> None:
    ways = (
        "Fill in the form that lies on the counter.",
        "Ask the clerk at the desk behind it.",
        "Send us a letter to Example Fax, Attn: Office, Example Fax, 1 Harbour Road, Example Town.",
    )
    old = policy(Contact="Talk.\n\n## How to reach us\n\n" + "".join(f"*   {way}\n" for way in ways))
    new = policy(
        Contact="Talk.\n\n## How to reach us\n\n*   Send us a letter to Example Fax: Example Fax, 1 "
        "Harbour Road, Example Town.\n*   Ask somebody else.\n\n## How to reach our data protection clerk\n\n"
        f"*   {ways[0]}\n*   {ways[2].replace('Office', 'Clerk')}\n"
    )
    (split,) = [change for change in compare(parse(old), parse(new)).clauses if change.kinds & CUT]
    assert Kind.SPLIT in split.kinds
    assert [c.heading for c in split.new] == ["How to reach us", "How to reach our data protection clerk"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            PAUSED, PAUSED + "Closed line. Lines that were closed are listed in the hall.\n\n",
            id="half a title and none of the words",
        ),
        pytest.param(BOTH, CLOSED.replace("Closed", "Leased") + BOTH, id="a like text of another name"),
        pytest.param(BOTH, BOTH + BOTH, id="a copy"),
        pytest.param(BOTH, BOTH + BOTH.replace("Closed or paused", "Closed"), id="a copy of half the title"),
        pytest.param("".join(ISLANDS), ISLANDS[0] + ISLANDS[2], id="one of several like paragraphs is gone"),
        pytest.param(
            "".join(ISLANDS), ISLANDS[0].replace("Gull Rock", "Gull Rock or at the mill") + ISLANDS[2],
            id="one is gone and its neighbour says another thing more",
        ),
        pytest.param(SHIELD_LEFT, COURT + SHIELD_LEFT, id="a new paragraph of nearly the same title"),
    ],
)  # fmt: skip
def test_what_is_new_or_gone_is_no_part(old: str, new: str) -> None:
    assert not kinds(within(old), within(new)) & CUT


BELLS = "**What our clerks learn from bells and wires:** A wire hums when a page is under way to you.\n\n"
GONE = "Boxes of paper are piled up in the cellar.\n\n"
COME = "Ribbons hang on hooks, sorted by width and by how dark they print, beside the stairs.\n\n"


def written_alone(old: str, new: str) -> tuple[set[str], list[frozenset[Kind]]]:
    """What stands on one side only, and what else is said of the other changed blocks."""
    revision = compare(parse(within(old)), parse(within(new)))
    blocks = [block for change in revision.clauses for block in change.blocks if block.runs]
    alone = {"".join(run.text for run in block.runs) for block in blocks if not (block.old and block.new)}
    return alone, [block.kinds for block in blocks if block.old and block.new]


def test_a_paragraph_rewritten_under_nearly_the_same_title_is_renamed_not_replaced() -> None:
    lamps = (
        "**What our clerks learn from bells and other signs:** Whoever sits at the desk can tell by a lamp "
        "that somebody calls, and writes down the hour.\n\n"
    )
    assert written_alone(BELLS + GONE, COME + lamps) == ({GONE, COME}, [frozenset({Kind.RENAMED})])


def test_a_paragraph_replaced_by_one_of_another_title_is_not_renamed() -> None:
    ships = "**What the harbour master asks of clerks:** Ships are listed in spring, nothing else is.\n\n"
    assert written_alone(BELLS + GONE, COME + ships) == ({BELLS, GONE, COME, ships}, [])


def test_a_like_neighbour_is_gone_when_what_tells_it_came_with_another_part() -> None:
    lead = "Islands of rock and sand and how the Seal Bank rules came to be\n\n"
    gull, seal = ISLANDS[0], ISLANDS[1]
    merged = lead.strip() + " " + gull
    revision = compare(parse(f"{FAR}{lead}{gull}{seal}{NEAR}"), parse(f"{FAR}{merged}{NEAR}"))
    assert [len(c.old) for c in revision.clauses if Kind.MERGED in c.kinds] == [2]
    assert [c.kinds for c in revision.clauses if not c.new] == [{Kind.REMOVED}]


def pieces(letter: str, count: int) -> list[str]:
    """Paragraphs of words that stand in no other one."""
    return [" ".join(f"{letter}{number}w{word}" for word in range(9)) + ".\n\n" for number in range(count)]


def test_the_largest_of_several_that_hold_the_same_is_divided_too() -> None:
    """All have the longest part in common; each is still what its own parts come from."""
    common = " ".join(f"common{word}" for word in range(14)) + ".\n\n"
    small, large = pieces("s", 4), pieces("l", 30)
    old = FAR + "".join(
        " ".join(part.strip() for part in [*parts, common]) + "\n\n" for parts in (small, large)
    )
    new = FAR + "".join([*small, common, *large])
    revision = compare(parse(old), parse(new))
    assert not [change for change in revision.clauses if change.kinds & {Kind.ADDED, Kind.REMOVED}]
    assert [len(change.new) for change in revision.clauses if Kind.SPLIT in change.kinds] == [4, 31]


def test_of_parts_that_do_not_stand_together_most_are_shown_as_kept() -> None:
    parts, others = pieces("p", 8), pieces("q", 3)
    whole, other = (" ".join(part.strip() for part in some) + "\n\n" for some in (parts, others))
    new = parts[0] + others[0] + "".join(parts[1:]) + "".join(others[1:])
    revision = compare(parse(FAR + whole + other), parse(FAR + new))
    assert rebuild_new(FAR + whole + other, revision) == FAR + new
    (split,) = [change for change in revision.clauses if len(change.new) == len(parts)]
    gone = "".join(run.text for block in split.blocks for run in block.runs if run.op is Op.DELETE)
    assert gone.split() == parts[0].split()
