# SPDX-License-Identifier: Apache-2.0
"""What ``policy.md`` may say about itself, and what is answered to what it may not."""

import time
from datetime import date

import pytest

from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.policy import ChangeClass, Transition, Waiver
from policyctl.errors import InputError, InputErrors

FULL = """\
---
title: Example Fax Privacy Policy
effective: 2027-01-15
change:
  class: transition
  decided_by: legal@example.com
  summary: |
    From 15 January we also use
    your address.
  impact: You will get mail.
  transition: {old_controller: Old Ltd, new_controller: New Ltd, on: 2027-01-15}
  waivers:
    - {rule: PC203, clause: cookies, reason: moved, approved_by: ada@example.com, expires: 2027-03-01}
    - {rule: PC222, reason: text only, approved_by: ada@example.com, expires: 2027-04-01}
---

## Cookies {#cookies}

We use cookies.
"""


def complaints(text: str) -> list[tuple[int | None, str | None, str, str]]:
    """Line, key, message and mend of every complaint."""
    with pytest.raises(InputError) as caught:
        read_policy(text, file="policy.md")
    errors = caught.value.errors if isinstance(caught.value, InputErrors) else (caught.value,)
    assert all(error.exit_code == 3 for error in errors)
    assert all(error.place and error.place.file == "policy.md" for error in errors)
    return [(e.place.line, e.place.key, e.message, e.hint) for e in errors if e.place]


MOVE = "  transition: {old_controller: A, new_controller: B, on: 2027-01-01}"


def front(*lines: str) -> str:
    return "\n".join(["---", "title: T", *lines, "---", "", "## A", "", "Text.", ""])


def test_every_key_arrives_as_a_value() -> None:
    policy = read_policy(FULL, file="policy.md")
    change = policy.change
    assert change is not None
    assert (policy.title, policy.effective) == ("Example Fax Privacy Policy", date(2027, 1, 15))
    assert (change.change_class, change.decided_by, change.line) == (
        ChangeClass.TRANSITION,
        "legal@example.com",
        4,
    )
    assert change.summary == "From 15 January we also use\nyour address."
    assert change.impact == "You will get mail."
    assert change.transition == Transition("Old Ltd", "New Ltd", date(2027, 1, 15))
    assert change.waivers == (
        Waiver("PC203", "cookies", "moved", "ada@example.com", date(2027, 3, 1), 13),
        Waiver("PC222", None, "text only", "ada@example.com", date(2027, 4, 1), 14),
    )
    assert [clause.id for clause in policy.document.clauses] == ["cookies"]
    assert policy.document.text == FULL


def test_a_draft_needs_no_more_than_a_title() -> None:
    policy = read_policy(front(), file="policy.md")
    assert (policy.title, policy.effective, policy.change) == ("T", None, None)


@pytest.mark.parametrize(
    "change", [lambda t: t.replace("\n", "\r\n"), lambda t: "\ufeff" + t, lambda t: t.rstrip("\n")]
)
def test_line_ends_and_a_byte_order_mark_do_not_matter(change) -> None:
    policy = read_policy(change(FULL), file="policy.md")
    assert policy.change is not None
    assert policy.change.summary.split() == "From 15 January we also use your address.".split()  # noqa: SIM905 - reads as the sentence it is
    assert [clause.id for clause in policy.document.clauses] == ["cookies"]


def test_words_that_yaml_would_turn_into_something_else_stay_words() -> None:
    assert read_policy("---\ntitle: no\n---\nText\n", file="policy.md").title == "no"


@pytest.mark.parametrize(
    ("text", "line", "key", "says", "mend"),
    [
        ("", 1, None, "empty file", "---"),
        ("  \n", 1, None, "empty file", "---"),
        ("## Cookies\n\nText.\n", 1, None, "no front matter", "---"),
        ("---\ntitle: T\n\n## Cookies\n", 1, None, "never closed", "---"),
        ("---\n---\nText\n", 2, None, "empty front matter", "title:"),
        ("---\n- a: list\n---\nText\n", 2, None, "not a set of keys", "title:"),
        ("---\neffective: 2027-01-15\n---\n", 2, "title", "missing", "title:"),
        ("---\ntitle:\n---\n", 2, "title", "empty", "title:"),
        ("---\ntitle: [a, b]\n---\n", 2, "title", "not plain text", "title:"),
        (front("efective: 2027-01-15"), 3, "efective", "unknown key", "'effective'"),
        (front("colour: red"), 3, "colour", "unknown key", "title, language, effective, change"),
        (front("title: U"), 3, "title", "twice", "keep one"),
        (front("effective: 2027-02-31"), 3, "effective", "not a day of the calendar", "YYYY-MM-DD"),
        (front("effective: 31.12.2027"), 3, "effective", "not a date", "YYYY-MM-DD"),
        (front("language: german!"), 3, "language", "no language tag", "de"),
        (front("effective: 2027-1-5"), 3, "effective", "not a date", "YYYY-MM-DD"),
        (front("change: choice"), 3, "change", "not a set of keys", "class:"),
        (front("change: {class: choise, decided_by: x}"), 3, "change.class", "not a class", "'choice'"),
        (front("change: {class: choice}"), 3, "change.decided_by", "missing", "decided"),
        (
            front("change: {clas: choice, class: choice, decided_by: x}"),
            3,
            "change.clas",
            "unknown key",
            "'class'",
        ),
        (
            front("change:", "  class: transition", "  decided_by: x"),
            4,
            "change.transition",
            "from whom",
            "new_controller",
        ),
        (
            front("change:", "  class: transition", "  decided_by: x", MOVE.replace("B,", "a,")),
            6,
            "change.transition.new_controller",
            "the old one",
            "takes over",
        ),
        (
            front("effective: 2027-01-02", "change:", "  class: transition", "  decided_by: x", MOVE),
            3,
            "effective",
            "control passes on 2027-01-01",
            "effective: 2027-01-01",
        ),
        (
            front("change:", "  class: notice", "  decided_by: x", MOVE),
            6,
            "change.transition",
            "of class notice",
            "class: transition",
        ),
        (
            front("change:", "  class: notice", "  decided_by: x", "  waivers: PC203"),
            6,
            "change.waivers",
            "not a list",
            "list",
        ),
        (
            front("change:", "  class: notice", "  decided_by: x", "  waivers: [PC203]"),
            6,
            "change.waivers[1]",
            "set of keys",
            "PC203",
        ),
    ],
)
def test_a_mistake_is_named_with_its_line_its_key_and_its_mend(
    text: str, line: int, key: str | None, says: str, mend: str
) -> None:
    [(found_line, found_key, message, hint)] = complaints(text)
    assert (found_line, found_key) == (line, key)
    assert says in message
    assert mend in hint


def test_a_waiver_needs_a_reason_an_approver_and_an_end() -> None:
    text = front(
        "change:", "  class: notice", "  decided_by: x", "  waivers:", "    - {rule: all, clause: cookies}"
    )
    assert [(line, key) for line, key, _, _ in complaints(text)] == [
        (7, "change.waivers[1].rule"),
        (7, "change.waivers[1].reason"),
        (7, "change.waivers[1].approved_by"),
        (7, "change.waivers[1].expires"),
    ]


def test_all_mistakes_are_told_at_once() -> None:
    text = "---\ntitel: T\neffective: 2027-13-01\nchange: {class: big, decided_by: x}\n---\n"
    assert [key for _, key, _, _ in complaints(text)] == ["titel", "title", "effective", "change.class"]


@pytest.mark.parametrize("filler", ["x" * 1_000_000, "[" * 3000, "&a [*a, *a]", "a: 1\n" * 50_000])
def test_a_hostile_front_matter_is_refused_soon(filler: str) -> None:
    started = time.process_time()
    [(line, _, _, hint)] = complaints(f"---\ntitle: {filler}\n---\n")
    assert line is not None
    assert hint
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("bad", [r"\r\nBcc: eve@example.org", r"\n", r"\0", r"\x1b[31m", r"\u2028", r"\x85"])
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("title", "Example Fax Privacy Policy"),
        ("change.decided_by", "legal@example.com"),
        ("change.transition.old_controller", "Old Ltd"),
        ("change.transition.new_controller", "New Ltd"),
    ],
)
def test_what_stands_in_the_head_of_a_mail_is_one_line_of_plain_text(key: str, value: str, bad: str) -> None:
    spoilt = FULL.replace(value, f'"{value}{bad}x"', 1)
    ((_, where, message, mend),) = complaints(spoilt)
    assert where == key
    assert "control character" in message
    assert "one line" in mend


def test_a_policy_says_in_which_language_it_is_written() -> None:
    assert read_policy(front("language: fr-CH"), file="policy.md").language == "fr-CH"
    assert read_policy(FULL, file="policy.md").language == ""
