# SPDX-License-Identifier: Apache-2.0
"""Before and after: what is said about each clause of a policy that was revised."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.diff.compare import compare
from policyctl.core.diff.rebuild import rebuild_new, rebuild_old
from policyctl.core.practice import Practice, Recipient
from policyctl.core.revision import ClauseChange, Kind, Revision
from policyctl.core.text.parse import parse
from policyctl.core.text.visible import folded
from tests.core.markdown_texts import MESSY, SECTIONS, TITLES, policy, section

FORM = {Kind.UNCHANGED, Kind.FORMAT_ONLY}


def revision(old: str, new: str) -> Revision:
    return compare(parse(old), parse(new))


def told(change: ClauseChange) -> tuple[set[str], list[str], list[str]]:
    return (
        {str(kind) for kind in change.kinds},
        [c.heading for c in change.old],
        [c.heading for c in change.new],
    )


def changed(old: str, new: str) -> list[tuple[set[str], list[str], list[str]]]:
    return [told(c) for c in revision(old, new).clauses if Kind.UNCHANGED not in c.kinds]


def without(*titles: str) -> tuple[str, ...]:
    return tuple(title for title in TITLES if title not in titles)


USE, HAVE, KEEP, RIGHTS = "Why we use it", "What we collect", "How long we keep it", "Your rights"
BASE = policy()
LEVELS = BASE.replace(f"## {RIGHTS}", f"### {RIGHTS}")
NUMBERED = "# Fax\n\n" + "".join(section(t).replace("## ", f"## {n}. ") for n, t in enumerate(TITLES, 1))
RENUMBERED = "# Fax\n\n" + "".join(
    section(t).replace("## ", f"## {n}. ") for n, t in enumerate(without("Introduction"), 1)
)
FIRST, SECOND = SECTIONS[USE].split(". ", 1)
SPLIT = BASE.replace(section(USE), section(USE, FIRST + ".") + section("Letters", SECOND))

KINDS = [
    pytest.param(BASE, BASE, [], id="the same text says nothing"),
    pytest.param(
        BASE,
        policy(How_long_we_keep_it=SECTIONS[KEEP].replace("30 days", "60 days")),
        [({"reworded"}, [KEEP], [KEEP])],
        id="other words are reworded",
    ),
    pytest.param(
        BASE,
        BASE.replace(f"## {RIGHTS}", "## What you can ask of us"),
        [({"renamed"}, [RIGHTS], ["What you can ask of us"])],
        id="another title is renamed",
    ),
    pytest.param(BASE, LEVELS, [({"relevelled"}, [RIGHTS], [RIGHTS])], id="a deeper title is relevelled"),
    pytest.param(
        BASE,
        policy((*without(HAVE), HAVE)),
        [({"moved"}, [HAVE], [HAVE])],
        id="a section at another place is moved",
    ),
    pytest.param(
        BASE,
        policy(
            (*without(HAVE), HAVE), What_we_collect=SECTIONS[HAVE].replace("postal address", "home address")
        ),
        [({"moved", "reworded"}, [HAVE], [HAVE])],
        id="kinds are a set: moved and reworded",
    ),
    pytest.param(
        BASE, policy(without(KEEP)), [({"removed"}, [KEEP], [])], id="a section that is gone is removed"
    ),
    pytest.param(policy(without(KEEP)), BASE, [({"added"}, [], [KEEP])], id="a section that is new is added"),
    pytest.param(BASE, SPLIT, [({"split"}, [USE], [USE, "Letters"])], id="one section made two is split"),
    pytest.param(SPLIT, BASE, [({"merged"}, [USE, "Letters"], [USE])], id="two sections made one are merged"),
    pytest.param(
        BASE,
        BASE.replace(section(USE), "").replace(
            section(KEEP), section(KEEP, f"{SECTIONS[KEEP]}\n\n{SECTIONS[USE]}")
        ),
        [({"merged"}, [USE, KEEP], [KEEP])],
        id="merged into the later one, which keeps its title",
    ),
    pytest.param(
        BASE,
        BASE.replace(section(USE), section("Letters", SECOND) + section(USE, FIRST + ".")),
        [({"split"}, [USE], ["Letters", USE])],
        id="split with the later part first",
    ),
    pytest.param(
        BASE,
        BASE.replace("# Example Fax privacy policy", "# How we treat what we know", 1),
        [({"renamed"}, ["Example Fax privacy policy"], ["How we treat what we know"])],
        id="the title of the whole document",
    ),
    pytest.param(
        NUMBERED,
        RENUMBERED,
        [({"removed"}, ["1. Introduction"], [])]
        + [({"format-only"}, [f"{n}. {t}"], [f"{n - 1}. {t}"]) for n, t in enumerate(TITLES, 1) if n > 1],
        id="numbers that shift are form",
    ),
]


@pytest.mark.parametrize(("old", "new", "said"), KINDS)
def test_each_kind_of_change_is_called_by_its_name(old: str, new: str, said: list[object]) -> None:
    assert sorted(changed(old, new), key=str) == sorted(said, key=str)


def replaced(before: str, after: str, base: str = BASE) -> tuple[str, str]:
    assert before in base
    return base, base.replace(before, after)


LINKED = BASE.replace("answer your letters", "answer [your letters](https://example.com/mail?x=1)")
FORMS = [
    pytest.param(*replaced("?x=1", "?x=2", LINKED), ("link-target",), id="a query string"),
    pytest.param(
        *replaced("example.com/mail", "example.org/mail", LINKED), ("link-domain",), id="another host"
    ),
    pytest.param(
        *replaced("carries your faxes", "carries  your\u00a0faxes"), ("white-space",), id="other spaces"
    ),
    pytest.param(
        *replaced(". This policy", ".\nThis policy"), ("white-space",), id="a line broken elsewhere"
    ),
    pytest.param(*replaced("Example Fax carries", "**Example Fax** carries"), ("markup",), id="bold words"),
    pytest.param(*replaced("*   The time", "-   The time"), ("markup",), id="another list marker"),
    pytest.param(
        "# A\n\nSay 'yes' - now.\n", "# A\n\nSay ‘yes’ – now.\n", ("typography",), id="quotes and dashes"
    ),
    pytest.param("A\n===\n\nWords.\n", "# A\n\nWords.\n", ("markup",), id="a title written another way"),
]


@pytest.mark.parametrize(("old", "new", "form"), FORMS)
def test_a_change_of_form_is_no_change_of_words(old: str, new: str, form: tuple[str, ...]) -> None:
    found = [c for c in revision(old, new).clauses if c.kinds != {Kind.UNCHANGED}]
    assert [(c.kinds, c.format) for c in found] == [({Kind.FORMAT_ONLY}, form)]
    assert all(block.cosmetic for c in found for block in c.blocks if block.runs)


def test_another_host_is_said_beside_other_words() -> None:
    old = LINKED
    new = LINKED.replace("example.com/mail", "example.org/mail").replace("send you", "send")
    (found,) = [c for c in revision(old, new).clauses if Kind.REWORDED in c.kinds]
    assert "link-domain" in found.format


def test_a_line_that_becomes_a_title_changes_no_word() -> None:
    old = "# Fax\n\nSome words here.\n\nContact\n\nWrite to us at any time of the day.\n"
    kinds = {
        kind
        for change in revision(old, old.replace("\nContact\n", "\n## Contact\n")).clauses
        for kind in change.kinds
    }
    assert not kinds & {Kind.REWORDED, Kind.ADDED, Kind.REMOVED, Kind.RENAMED}


def test_a_rewrapped_paragraph_is_one_cosmetic_block() -> None:
    old = "# A\n\nOne sentence is here.\n\nAnother one follows it.\n\nAnd a third one.\n"
    (clause,) = revision(
        old, old.replace("here.\n\nAnother", "here. Another").replace("it.\n\nAnd", "it. And")
    ).clauses
    assert clause.kinds == {Kind.FORMAT_ONLY}


def test_a_list_in_another_order_is_a_move_of_its_items() -> None:
    items = [
        "*   the number that you send a fax to\n",
        "*   the time of each and every call\n",
        "*   your name\n",
    ]
    old, new = (
        f"# A\n\nWe collect:\n\n{''.join(order)}" for order in (items, [items[1], items[2], items[0]])
    )
    (clause,) = revision(old, new).clauses
    assert [block.moved for block in clause.blocks if block.moved] == [True]
    assert not [run for block in clause.blocks for run in block.runs if run.text.strip()]


STEPS = (
    "We collect the number you send to.", "We collect the pages you send until they arrive.",
    "We use call times to send you a bill.", "We answer your letters and keep a copy of them.",
    "We give the number to the telephone company.", "Pages are deleted when thirty days are over.",
)  # fmt: skip


def test_paragraphs_that_became_one_list_are_merged_and_nothing_is_removed() -> None:
    old = "".join(f"{step}\n\n" for step in STEPS)
    new = "".join(f"*   {step}\n    \n" for step in STEPS)
    (change,) = revision(old, new).clauses
    assert len(change.old) == len(STEPS)
    assert change.kinds == {Kind.MERGED}
    (back,) = revision(new, old).clauses
    assert len(back.new) == len(STEPS) or back.kinds == {Kind.SPLIT}


def test_a_new_section_that_takes_over_one_sentence_is_added_not_split_off() -> None:
    closing = "Important changes of this policy will be told to you by fax in good time before."
    old = policy(Changes=f"Added a section on the times of calls and on bills.\n\n{closing}")
    new = old.replace(
        f"\n\n{closing}",
        "\n\n## Later changes\n\nExpanded what we say about postal addresses with a paragraph on letters, "
        f"parcels and cards.\n\n{closing}",
    )
    assert [told(c) for c in revision(old, new).clauses if Kind.ADDED in c.kinds] == [
        ({"added"}, [], ["Later changes"])
    ]


def test_a_numbered_line_of_a_text_without_titles_is_renumbered_not_reworded() -> None:
    old = "1. What we collect\n\nWe collect the number you call.\n\n2. Why we use it\n\nTo send a bill.\n"
    new = old.replace("2. Why", "3. Why")
    (change,) = [c for c in revision(old, new).clauses if c.kinds != {Kind.UNCHANGED}]
    assert (change.kinds, change.format) == ({Kind.FORMAT_ONLY}, ("number",))


def test_two_words_of_the_foot_of_a_page_are_no_move_of_its_title() -> None:
    text = "".join(f"{step}\n\n" for step in STEPS)
    old = f"Privacy policy\n\n{text}"
    new = f"{text}[Privacy policy](https://example.com/privacy)\n"
    assert not [c for c in revision(old, new).clauses if Kind.MOVED in c.kinds]


def test_ids_go_on_through_renaming_moving_and_rewording() -> None:
    old = parse(BASE)
    new = policy((*without(HAVE), HAVE)).replace(f"## {RIGHTS}", "## What you can ask of us")
    names = {c.heading: c.id for c in compare(old, parse(new)).new.clauses}
    before = {c.heading: c.id for c in old.clauses}
    assert names["What you can ask of us"] == before[RIGHTS]
    assert names[HAVE] == before[HAVE]


def test_an_explicit_id_wins_over_a_carried_one() -> None:
    new = BASE.replace(f"## {RIGHTS}", f"## {RIGHTS} {{#asking}}").replace(
        "## Contact", "## Contact {#your-rights}"
    )
    names = {c.heading: c.id for c in compare(parse(BASE), parse(new)).new.clauses}
    assert (names[RIGHTS], names["Contact"]) == ("asking", "your-rights")


def test_a_new_clause_with_a_carried_name_gets_another_one() -> None:
    renamed = BASE.replace(f"## {RIGHTS}", "## What you can ask of us")
    new = renamed + section(RIGHTS, "This is a text about something that nobody spoke of before at all.")
    names = [c.id for c in compare(parse(BASE), parse(new)).new.clauses]
    assert names.count("your-rights") == 1
    assert names[-1] == "your-rights-2"


PRACTICE = Practice(
    "bill", "use", ("user.contact",), "billing", (Recipient("processor", "Example Print"),), "P2Y"
)


def test_practices_are_matched_by_id() -> None:
    from dataclasses import replace

    wider = replace(PRACTICE, categories=("user.contact", "user.name"), retention="P3Y", line=99)
    other = replace(PRACTICE, id="letters")
    found = compare(parse(""), parse(""), (PRACTICE, other), (wider,)).practices
    assert [(p.id, p.fields, p.old is None, p.new is None) for p in found] == [
        ("bill", ("categories", "retention"), False, False), ("letters", (), False, True),
    ]  # fmt: skip


def test_practices_that_only_stand_elsewhere_are_the_same() -> None:
    from dataclasses import replace

    assert compare(parse(""), parse(""), (PRACTICE,), (replace(PRACTICE, line=7),)).practices == ()


REAL = st.builds(
    lambda titles, drop, add: policy(tuple(t for t in titles if t != drop)) + add,
    st.permutations(TITLES),
    st.sampled_from(TITLES),
    st.sampled_from(["", "## More\n\nWe say more about faxes than ever before.\n"]),
)
TEXTS = st.one_of(MESSY, REAL)
EDITED = st.tuples(TEXTS, TEXTS) | st.builds(
    lambda text, a, b, word: (text, text[: a % (len(text) + 1)] + word + text[b % (len(text) + 1) :]),
    TEXTS,
    st.integers(0, 2000),
    st.integers(0, 2000),
    st.sampled_from(["", "not ", "\n\n", "**", "share", "# "]),
)
MIRROR = {
    Kind.ADDED: Kind.REMOVED,
    Kind.REMOVED: Kind.ADDED,
    Kind.SPLIT: Kind.MERGED,
    Kind.MERGED: Kind.SPLIT,
}


@given(TEXTS)
@settings(max_examples=60, deadline=None)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    found = revision(text, text)
    assert all(c.kinds == {Kind.UNCHANGED} and not any(b.runs for b in c.blocks) for c in found.clauses)
    assert not found.front


def test_clauses_merged_from_two_places_are_rebuilt_too() -> None:
    """Blocks that follow each other in a merged clause need not follow each other in the text."""
    order = ("Who receives it", HAVE, RIGHTS, USE, KEEP, "Changes", "Contact")
    old = policy(order)
    new = old[:131] + old[529:]
    found = revision(old, new)
    assert (rebuild_new(old, found), rebuild_old(new, found)) == (new, old)


@given(EDITED | st.tuples(st.text(), st.text()))
@settings(max_examples=150, deadline=None)
def test_each_text_is_rebuilt_from_the_other_and_the_changes(pair: tuple[str, str]) -> None:
    found = revision(*pair)
    assert rebuild_new(pair[0], found) == pair[1]
    assert rebuild_old(pair[1], found) == pair[0]


@given(EDITED)
@settings(max_examples=60, deadline=None)
def test_the_same_texts_give_the_same_answer(pair: tuple[str, str]) -> None:
    assert revision(*pair) == revision(*pair)


def words(text: str) -> list[str]:
    """What a reader sees, without section and list numbers, which are form."""
    document = parse(text)
    return " ".join(folded(b.visible) for c in document.clauses for b in c.blocks).split()


@given(EDITED)
@settings(max_examples=150, deadline=None)
def test_a_difference_that_can_be_seen_is_never_called_form(pair: tuple[str, str]) -> None:
    found = revision(*pair)
    quiet = all(c.kinds <= FORM for c in found.clauses)
    numbers = any("number" in c.format for c in found.clauses)
    assert not quiet or numbers or words(pair[0]) == words(found.new.text)


@given(st.permutations(TITLES), st.sampled_from(TITLES))
@settings(max_examples=40, deadline=None)
def test_kinds_are_mirrored_when_the_sides_are_swapped(order: list[str], gone: str) -> None:
    old, new = BASE, policy(tuple(t for t in order if t != gone))
    there = sorted((sorted(c.kinds - {Kind.MOVED})) for c in revision(old, new).clauses)
    back = sorted(
        sorted(MIRROR.get(k, k) for k in c.kinds - {Kind.MOVED}) for c in revision(new, old).clauses
    )
    assert there == back
    moved = [sum(Kind.MOVED in c.kinds for c in r.clauses) for r in (revision(old, new), revision(new, old))]
    assert moved[0] == moved[1]


@given(REAL, REAL)
@settings(max_examples=40, deadline=None)
def test_a_clause_put_in_front_changes_nothing_about_the_rest(old: str, new: str) -> None:
    front = "# Notice\n\nThis text stands before everything else and says so plainly.\n\n"
    plain = [told(c) for c in revision(old, new).clauses]
    assert [told(c) for c in revision(front + old, front + new).clauses][1:] == plain


def test_comparing_loads_no_heavy_library() -> None:
    import subprocess

    code = (
        "import sys; from policyctl.core.diff.compare import compare\n"
        "from policyctl.core.text.parse import parse\n"
        "compare(parse('# A\\n\\nOne two.\\n\\n# B\\n\\nx'), parse('# A\\n\\nOne three.\\n\\n# C\\n\\ny'));"
        "print([m for m in ('numpy','scipy','deepdiff','markdown_it','git') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
