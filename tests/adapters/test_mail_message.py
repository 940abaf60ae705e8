# SPDX-License-Identifier: Apache-2.0
"""A mail as a message: what a reader gets back, and what is never written."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from policyctl.adapters.mail.interface import Attachment
from policyctl.adapters.mail.message import checked, fit_address, message_bytes
from policyctl.errors import RefusedError
from tests.adapters.mail_samples import INJECTIONS, PLAIN, mail, part, read_back

NAMES = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=60)


def test_a_reader_gets_what_was_written() -> None:
    message = read_back(message_bytes(PLAIN))
    assert message["Subject"] == PLAIN.subject
    assert message["From"].addresses == (Address("Example Fax", addr_spec="privacy@example.com"),)
    assert message["To"].addresses == (Address("Ada Example", addr_spec="ada@example.org"),)
    assert message["Reply-To"].addresses[0].addr_spec == "answers@example.com"
    assert message["Date"].datetime == PLAIN.at
    assert part(message, "plain") == PLAIN.text
    assert part(message, "html") == PLAIN.html


def test_a_message_is_known_again_and_answers_no_robot_and_offers_no_way_to_unsubscribe() -> None:
    message = read_back(message_bytes(PLAIN))
    assert message["Message-ID"] == "<n0123abc@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe"] is None


def test_a_reminder_can_be_stopped_by_one_click_and_names_no_other_way() -> None:
    message = read_back(message_bytes(mail(unsubscribe="https://example.com/stop?t=abc.DEF-1")))
    assert message["List-Unsubscribe"] == "<https://example.com/stop?t=abc.DEF-1>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_an_attached_file_comes_back_byte_for_byte_after_both_parts() -> None:
    data = bytes(range(256)) * 40
    sent = mail(attachments=(Attachment("example-fax-v3.pdf", "application/pdf", data),))
    message = read_back(message_bytes(sent))
    assert message.get_content_type() == "multipart/mixed"
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("example-fax-v3.pdf", "application/pdf")
    assert file.get_content() == data
    assert part(message, "plain") == PLAIN.text
    assert part(message, "html") == PLAIN.html


def test_a_text_of_another_script_does_not_travel_three_times_as_long() -> None:
    text = "個人情報の取り扱い\n" * 500
    data = message_bytes(mail(text=text))
    assert len(data) < 1.6 * len(text.encode())
    assert part(read_back(data), "plain") == text


def test_plain_text_comes_before_html() -> None:
    message = read_back(message_bytes(PLAIN))
    assert message.get_content_type() == "multipart/alternative"
    assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]


def display_name(data: bytes) -> str:
    """The addressee's name by RFC 2047. Python's newer parser puts a blank between two encoded words
    of a name, which that RFC (section 6.2) says to drop; the older one reads them right.
    """
    raw = message_from_bytes(data)["To"].replace("\r\n", "").replace("\n", "")
    return str(make_header(decode_header(parseaddr(raw)[0])))


@settings(max_examples=300, deadline=None)
@example(name="Jürgen von und zu Großmüllershausen-Überlingen der Ältere, GmbH", subject="x")
@given(name=NAMES, subject=NAMES.filter(str.strip))
def test_names_and_subjects_of_any_script_come_back_as_they_were(name: str, subject: str) -> None:
    data = message_bytes(mail(to_name=name, subject=subject))
    message = read_back(data)
    assert " ".join(display_name(data).split()) == " ".join(name.split())
    assert message["To"].addresses[0].addr_spec == "ada@example.org"
    assert " ".join(str(message["Subject"]).split()) == " ".join(subject.split())
    assert set(message.keys()) == {
        "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted",
        "X-Auto-Response-Suppress", "Content-Type", "MIME-Version",
    }  # fmt: skip


@given(text=st.text(st.characters(exclude_categories=["C"], include_characters="\n"), max_size=3000))
def test_a_text_of_any_script_and_line_length_comes_back_as_it_was(text: str) -> None:
    read = part(read_back(message_bytes(mail(text=text))), "plain")
    assert read.rstrip("\n") == text.rstrip("\n")


def test_a_text_that_holds_the_marks_between_parts_or_template_marks_comes_back_as_it_was() -> None:
    text = (
        "\r\n--=_alternative--\r\n--=_mixed\n{{ name }} %name% -name- %(x)s ${y} =3D=\n trailing \t\n.\n..\n"
    )
    files = (Attachment("a.pdf", "application/pdf", b"\r\n--=_mixed--\r\n"),)
    message = read_back(message_bytes(mail(text=text, html=f"<p>{text}</p>", attachments=files)))
    assert part(message, "plain") == text.replace("\r\n", "\n")
    assert part(message, "html") == f"<p>{text}</p>\n".replace("\r\n", "\n")
    (file,) = message.iter_attachments()
    assert file.get_content() == files[0].data


def test_no_line_is_longer_than_smtp_allows() -> None:
    data = message_bytes(mail(text="word " * 5000, html="<p>" + "x" * 5000 + "</p>"))
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.isascii()


def test_an_international_domain_is_written_in_ascii() -> None:
    message = read_back(message_bytes(mail(to_address="ada@bücher.example")))
    assert message["To"].addresses[0].addr_spec == "ada@xn--bcher-kva.example"


@pytest.mark.parametrize("changed", INJECTIONS, ids=lambda c: ascii(c)[:50])
def test_what_could_forge_a_header_or_reach_somebody_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(RefusedError) as refused:
        message_bytes(mail(**changed))
    assert "example.org" not in str(refused.value), "an address must not stand in an error"


LABELS = st.text("abz09-", min_size=1, max_size=8)
LOCALS = st.text("aZ0._+-'", min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(local=LOCALS, labels=st.lists(LABELS, min_size=1, max_size=4))
def test_what_is_told_fast_to_be_an_address_is_one_by_all_the_rules(local: str, labels: list[str]) -> None:
    address = f"{local}@{'.'.join(labels)}"
    found, why = fit_address("n1", address, "Ada", "")
    try:
        assert (found, why) == (checked(mail(to_address=address)).to_address, "")
    except RefusedError:
        assert found == ""
        assert why
