# SPDX-License-Identifier: Apache-2.0
"""``practices.yaml``: what may be declared, and what is answered to the rest."""

import pytest

from policyctl.core.formats.practices_file import read_practices
from policyctl.core.practice import ChoiceMode, Practice, Recipient, Taxonomy, Term
from policyctl.errors import InputError, InputErrors

TAXONOMY = Taxonomy(
    categories={
        key: Term(key, key) for key in ("user.contact", "user.contact.email", "user.device.ip_address")
    },
    purposes={key: Term(key, key) for key in ("essential.service", "marketing.communications.email")},
    recipients={key: Term(key, key) for key in ("processor", "partner")},
)
FULL = """\
practices:
  - id: quote-marketing
    clause: quote-requests
    data: [user.contact.email]
    purpose: marketing.communications.email
    recipients: [processor, {class: partner, name: Example Ads}]
    retention: P2Y
    choice: opt-out
    existing: keep
  - id: logs
    clause: log-files
    data: [user.device.ip_address, user.contact.email, user.contact.email]
    purpose: essential.service
"""
GOOD = {"id": "a", "clause": "c", "data": "[user.contact]", "purpose": "essential.service"}


def complaints(text: str) -> list[tuple[int | None, str | None, str, str]]:
    with pytest.raises(InputError) as caught:
        read_practices(text, file="practices.yaml", taxonomy=TAXONOMY)
    errors = caught.value.errors if isinstance(caught.value, InputErrors) else (caught.value,)
    return [(e.place.line, e.place.key, e.message, e.hint) for e in errors if e.place]


def entry(**changes: str | None) -> str:
    """One practice, each key on a line of its own from line 2 on; None leaves a key out."""
    keys = {key: value for key, value in (GOOD | changes).items() if value is not None}
    first, *rest = (f"{key}: {value}" for key, value in keys.items())
    return "\n".join(["practices:", f"  - {first}", *(f"    {line}" for line in rest), ""])


def test_every_key_arrives_as_a_value() -> None:
    assert read_practices(FULL, file="practices.yaml", taxonomy=TAXONOMY) == (
        Practice(
            id="quote-marketing",
            clause="quote-requests",
            categories=("user.contact.email",),
            purpose="marketing.communications.email",
            recipients=(Recipient("processor"), Recipient("partner", "Example Ads")),
            retention="P2Y",
            choice=ChoiceMode.OPT_OUT,
            keep_existing=True,
            line=2,
        ),
        Practice(
            id="logs",
            clause="log-files",
            categories=("user.device.ip_address", "user.contact.email"),
            purpose="essential.service",
            line=10,
        ),
    )


def test_an_empty_list_declares_that_nothing_is_declared() -> None:
    assert read_practices("practices: []\n", file="practices.yaml", taxonomy=TAXONOMY) == ()


@pytest.mark.parametrize(
    "words", ["P90D", "P1Y6M", "P4W", "PT12H", "P1DT12H", "until the account is closed", "Probably long"]
)
def test_retention_is_a_duration_or_plain_words(words: str) -> None:
    [practice] = read_practices(entry(retention=words), file="practices.yaml", taxonomy=TAXONOMY)
    assert practice.retention == words


@pytest.mark.parametrize(
    ("text", "line", "key", "says", "mend"),
    [
        ("", 1, None, "empty file", "practices: []"),
        ("- id: a\n", 1, None, "not a set of keys", "practices:"),
        ("{}\n", 1, "practices", "missing", "practices:"),
        ("practices:\n", 1, "practices", "not a list", "practices: []"),
        ("practices: [a]\n", 1, "practices[1]", "set of keys", "clause:"),
        (entry(purpos="x"), 6, "practices[1].purpos", "unknown key", "'purpose'"),
        (entry(id="Quote Marketing"), 2, "practices[1].id", "cannot be an id", "hyphens"),
        (entry(id="-x"), 2, "practices[1].id", "cannot be an id", "hyphens"),
        (entry(id="a" * 64), 2, "practices[1].id", "cannot be an id", "63"),
        (entry(clause="[a, b]"), 3, "practices[1].clause", "not plain text", "one clause"),
        (entry(clause=None), 2, "practices[1].clause", "missing", "one clause"),
        (entry(data="user.contact"), 4, "practices[1].data", "not a list", "data: ["),
        (entry(data="[]"), 4, "practices[1].data", "names no data", "data: ["),
        (entry(data=None), 2, "practices[1].data", "missing", "data: ["),
        (
            entry(data="[user.contact.mail]"),
            4,
            "practices[1].data",
            "unknown category",
            "'user.contact.email'",
        ),
        (entry(data="[email]"), 4, "practices[1].data", "unknown category", "'user.contact.email'"),
        (entry(data="[{a: b}]"), 4, "practices[1].data", "one word", "user.contact.email"),
        (
            entry(purpose="marketing.email"),
            5,
            "practices[1].purpose",
            "unknown purpose",
            "'marketing.communications.email'",
        ),
        (entry(purpose="zzz"), 5, "practices[1].purpose", "unknown purpose", "[taxonomy]"),
        (entry(recipients="[parter]"), 6, "practices[1].recipients", "unknown class", "'partner'"),
        (
            entry(recipients="[{class: parter, name: X}]"),
            6,
            "practices[1].recipients.class",
            "unknown class",
            "'partner'",
        ),
        (entry(recipients="[{name: X}]"), 6, "practices[1].recipients.class", "missing", "class:"),
        (entry(recipients="partner"), 6, "practices[1].recipients", "not a list", "recipients: ["),
        (entry(retention="P2"), 6, "practices[1].retention", "not a duration", "P2Y"),
        (entry(choice="optout"), 6, "practices[1].choice", "not a choice", "'opt-out'"),
        (entry(choice="yes"), 6, "practices[1].choice", "not a choice", "none, opt-out, opt-in"),
        (entry(existing="drop"), 6, "practices[1].existing", "not known", "keep"),
        (
            entry() + entry().removeprefix("practices:\n"),
            6,
            "id",
            "stands twice, first on line 2",
            "of its own",
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


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter() -> None:
    text = "\ufeff" + FULL.replace("\n", "\r\n")
    assert read_practices(text, file="f", taxonomy=TAXONOMY) == read_practices(
        FULL, file="f", taxonomy=TAXONOMY
    )
