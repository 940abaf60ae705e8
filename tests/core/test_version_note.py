# SPDX-License-Identifier: Apache-2.0
"""What a version ref says of itself can be read back, whatever the title and summary hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.formats.version_note import VersionNote, read_note, write_note
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.errors import IntegrityError

KEY = VersionKey("example", 3)
NOTE = VersionNote(
    KEY, "Example", ChangeClass.CHOICE, date(2027, 6, 1), "legal", "a" * 64, "b" * 64, "Short."
)


@given(st.text(min_size=1), st.text(), st.text(), st.sampled_from([None, *ChangeClass]))
def test_every_fact_survives_whatever_words_stand_beside_it(
    title: str, summary: str, who: str, chosen: ChangeClass | None
) -> None:
    note = replace(NOTE, title=title, summary=summary, decided_by=who, change_class=chosen)
    read = read_note(write_note(note), KEY)
    facts = ("key", "change_class", "effective", "text_sha256", "practices_sha256")
    assert [getattr(read, fact) for fact in facts] == [getattr(note, fact) for fact in facts]


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1))
def test_plain_words_survive_whole(words: list[str]) -> None:
    note = replace(NOTE, title=" ".join(words), summary="\n\n".join(words), decided_by=words[0] + "@")
    assert read_note(write_note(note), KEY) == note


def test_a_summary_cannot_forge_a_trailer() -> None:
    forged = replace(NOTE, summary="Fine.\n\nText-SHA256: " + "f" * 64, title="T\nText-SHA256: " + "e" * 64)
    assert read_note(write_note(forged), KEY).text_sha256 == "a" * 64


def test_a_first_version_without_decision_or_practices_is_read_back() -> None:
    note = replace(NOTE, change_class=None, decided_by="", practices_sha256="", summary="")
    assert read_note(write_note(note), KEY) == note


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Version 3\n",
        write_note(replace(NOTE, key=VersionKey("example", 4))),
        write_note(replace(NOTE, key=VersionKey("other", 3))),
        write_note(NOTE).replace("a" * 64, "a" * 63),
        write_note(NOTE).replace("Class: choice", "Class: none of them"),
        write_note(NOTE).replace("Effective: 2027-06-01", "Effective: 2027-06-31"),
        write_note(NOTE).replace("Title: Example\n", ""),
    ],
)
def test_a_message_that_publish_did_not_write_is_refused(message: str) -> None:
    with pytest.raises(IntegrityError, match="example/v3"):
        read_note(message, KEY)
