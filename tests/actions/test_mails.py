# SPDX-License-Identifier: Apache-2.0
"""A notice becomes a mail, or a clear reason why it must not be sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from policyctl.actions.mailing.mails import PDF_LIMIT, MailWriter
from policyctl.adapters.mail.interface import Mail
from policyctl.adapters.mail.message import message_bytes
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.notices.reminder import reminder_of
from policyctl.core.policy import ChangeClass
from policyctl.errors import RefusedError
from policyctl.reports.mails.mail import COPY_LIMIT
from tests.adapters.mail_samples import part, read_back
from tests.core.notice_samples import SENDER, notice_of, offer
from tests.reports.test_mail import ADA, POSTED, SENT

STOPPABLE = replace(ADA, stop_reminders="https://example.com/privacy/stop?t=abc")


class Press:
    """Stands in for a PDF printer at the edge: counts the pages it was given."""

    def __init__(self, size: int = 1000) -> None:
        self.pages: list[str] = []
        self.size = size

    def __call__(self, html: str) -> bytes:
        self.pages.append(html)
        return b"%PDF-" + b"x" * self.size


def written(notice: Notice, addressee: Addressee = ADA, sender: Sender = SENDER, **given: Any) -> Mail:
    writer = MailWriter(sender, **given)
    writer.require_fit(notice)
    return writer.write(notice, addressee, Occasion(SENT))


def test_an_administrator_gets_the_policy_as_a_pdf_and_a_user_does_not() -> None:
    mail = written(notice_of(NoticeKind.REVISION), printer=Press())
    (file,) = read_back(message_bytes(mail)).iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("example-fax-v3.pdf", "application/pdf")
    assert "attached as a PDF: example-fax-v3.pdf" in mail.text
    assert written(notice_of(NoticeKind.CHOICE), printer=Press()).attachments == ()


def test_the_pdf_of_a_version_is_made_once_for_all_who_get_it() -> None:
    press = Press()
    writer = MailWriter(SENDER, press)
    for number in range(5):
        writer.write(notice_of(NoticeKind.REVISION), replace(ADA, nid=f"n{number}"), Occasion(SENT))
    assert len(press.pages) == 1


def test_each_of_many_addressees_gets_his_own_name_links_and_language() -> None:
    writer = MailWriter(SENDER)
    for number, language in enumerate(["en", "de", "en", "fr", "de"]):
        name, account = f"Person {number}", f"account-{number}"
        who = Addressee(f"n{number}", f"a{number}@example.org", name, language, account)
        mail = writer.write(notice_of(NoticeKind.REVISION), who, Occasion(SENT))
        assert (mail.nid, mail.to_address, mail.to_name) == (who.nid, who.address, who.name)
        for said in (mail.text, mail.html):
            assert set(re.findall(r"Person \d", said)) == {name}
            assert set(re.findall(r"account-\d", said)) == {account}
        assert f'<html lang="{language}">' in mail.html


def test_a_pdf_too_large_for_mail_is_left_out_and_not_promised() -> None:
    mail = written(notice_of(NoticeKind.REVISION), printer=Press(PDF_LIMIT))
    assert mail.attachments == ()
    assert "attached" not in mail.text


def test_a_policy_too_long_to_be_printed_is_not() -> None:
    press = Press()
    assert written(notice_of(NoticeKind.REVISION, full_text="w" * 1_000_001), sender=POSTED, printer=press)
    assert press.pages == []


@pytest.mark.parametrize(
    ("sender", "printer"), [(SENDER, Press()), (POSTED, None)], ids=["as a PDF", "as a posted page"]
)
def test_a_policy_too_long_for_the_text_reaches_the_administrator_another_way(
    sender: Sender, printer: Callable[[str], bytes] | None
) -> None:
    long = notice_of(NoticeKind.REVISION, full_text="w" * (COPY_LIMIT + 1))
    assert written(long, sender=sender, printer=printer).text


def test_a_policy_that_would_reach_nobody_in_full_is_not_announced() -> None:
    long = notice_of(NoticeKind.REVISION, full_text="w" * (COPY_LIMIT + 1))
    with pytest.raises(RefusedError, match="no copy of it would be sent") as refused:
        written(long)
    assert "base_url" in refused.value.hint
    assert "policyctl[pdf]" in refused.value.hint


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"from_address": "privacy"}, r"the sender's address \(\[mail\] from\) is not a mail address"),
        ({"from_address": "privacy@"}, "not a mail address"),
        ({"reply_to": "answers at example.com"}, r"replies \(\[mail\] reply_to\) is not a mail address"),
        ({"reply_to": "a@example.com, b@example.com"}, "not a mail address"),
        ({"reply_to": "ärger@example.com"}, "letters before the @ that not every mail server takes"),
        ({"reply_to": "answers@example.com\r\nBcc: eve@example.org"}, "line break or control character"),
        ({"from_name": "Example\r\nFax"}, "line break or control character"),
        ({"from_name": "Example\0Fax"}, "line break or control character"),
        ({"from_name": "x" * 300}, r"the sender's name \(\[mail\] from_name\) is longer than 200"),
        ({"postal_address": " \n\u200b "}, r"a postal address \(\[mail\] postal_address\)"),
    ],
)
def test_a_sender_that_cannot_send_stops_the_notice_before_the_first_mail(
    changed: dict[str, str], complaint: str
) -> None:
    with pytest.raises(RefusedError, match=complaint) as refused:
        written(notice_of(NoticeKind.REVISION), sender=replace(SENDER, **changed))
    assert refused.value.hint


@pytest.mark.parametrize("blank", ["", "  ", "\u200b", "\u2060\u00ad", "---", "…"])
@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("change", "the name to answer to"),
        ("new_use", "what it would newly be used for"),
        ("consequence", "what follows for the reader"),
        ("data", "what data"),
        ("collected_for", "what it was collected for"),
        ("recipients", "who would get it"),
    ],
)
def test_a_choice_notice_without_one_of_its_fields_is_not_sent(field: str, named: str, blank: str) -> None:
    said = blank if field in {"change", "new_use", "consequence"} else (blank,)
    for kind in (NoticeKind.CHOICE, NoticeKind.REMINDER):
        with pytest.raises(RefusedError, match=named):
            written(notice_of(kind, choices=(offer(**{field: said}),)), STOPPABLE)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"title": "\u200b"}, "the title of the policy"),
        ({"title": "Policy\r\nBcc: eve@example.org"}, "line break or control character"),
        ({"title": "Policy\0"}, "line break or control character"),
        ({"summary": ""}, "a summary of the change"),
        ({"impact": "-"}, "what follows for the reader"),
        ({"full_text": "\n"}, "the revised policy"),
        ({"text_sha256": ""}, "the fingerprint of the revised policy"),
        ({"transition": None}, "old and new controller and the date"),
    ],
)
def test_a_transition_without_one_of_its_fields_is_not_sent(changed: dict[str, Any], named: str) -> None:
    for kind in (NoticeKind.REVISION, NoticeKind.TRANSITION):
        with pytest.raises(RefusedError, match=named):
            written(replace(notice_of(kind, ChangeClass.TRANSITION), **changed))


@pytest.mark.parametrize(
    "residue", ["{{ x }}", "%name%", "{account}", "%pc1.name.t%", "-name-", "${x}", "{% raw %}"]
)
def test_template_residue_stays_as_it_is_in_every_part_and_every_language(residue: str) -> None:
    for language in ("en", "de", "fr"):
        notice = notice_of(
            NoticeKind.REVISION,
            title=f"Policy {residue}",
            summary=f"Sum {residue}",
            impact=f"Imp {residue}",
            full_text=f"Text {residue}",
            choices=(offer(consequence=f"Con {residue}"),),
        )
        mail = written(notice, replace(ADA, locale=language, name=f"Ada {residue}"))
        message = read_back(message_bytes(mail))
        assert residue in message["Subject"]
        for said in ("Sum", "Imp", "Con", "Ada", "Text"):
            assert f"{said} {residue}" in part(message, "plain")
        assert f"Sum {residue}" in part(message, "html")


def test_an_address_in_another_alphabet_is_sent_to_in_the_form_that_servers_take() -> None:
    mail = written(notice_of(NoticeKind.REVISION), replace(ADA, address="ada@bücher.example"))
    assert read_back(message_bytes(mail))["To"].addresses[0].addr_spec == "ada@xn--bcher-kva.example"


# --- reminders


def test_a_reminder_asks_only_what_is_still_open_and_says_that_it_is_one() -> None:
    two = (offer(), offer(change="example-fax@v3#other", new_use="telling you of events"))
    asked = notice_of(NoticeKind.CHOICE, choices=two)
    reminder = reminder_of(asked, {"example-fax@v3#other", "example-fax@v2#older"})
    assert reminder is not None
    mail = written(reminder, STOPPABLE)
    assert mail.subject.startswith("Example Fax Privacy Policy: reminder, your answer is still open until")
    for said in (mail.text, mail.html):
        assert "telling you of events" in said
        assert "sending you offers" not in said
        assert "This is a reminder." in said
        assert "https://example.com/privacy/stop?t=abc" in said
        assert "This stops reminders only." in " ".join(said.split())
    assert (mail.category, mail.unsubscribe) == ("choice-reminder", STOPPABLE.stop_reminders)


def test_there_is_no_reminder_of_what_was_answered_or_never_asked() -> None:
    assert reminder_of(notice_of(NoticeKind.CHOICE), set()) is None
    assert reminder_of(notice_of(NoticeKind.TRANSITION, ChangeClass.TRANSITION), {"example-fax@v3#x"}) is None


def test_an_administrators_reminder_asks_for_the_organisation() -> None:
    revision = notice_of(NoticeKind.REVISION)
    reminder = reminder_of(revision, {one.change for one in revision.choices})
    assert reminder is not None
    mail = written(reminder, STOPPABLE)
    assert "you are the administrator of the account acme" in " ".join(mail.text.split())
    assert "A refusal by you holds for all of them" in " ".join(mail.text.split())


def test_a_reminder_that_nobody_could_stop_is_not_sent() -> None:
    with pytest.raises(RefusedError, match="without a link that stops reminders"):
        written(notice_of(NoticeKind.REMINDER), ADA)


@pytest.mark.parametrize("kind", [NoticeKind.REVISION, NoticeKind.CHOICE, NoticeKind.TRANSITION])
def test_no_other_mail_can_be_unsubscribed_from(kind: NoticeKind) -> None:
    change_class = ChangeClass.TRANSITION if kind is NoticeKind.TRANSITION else ChangeClass.CHOICE
    mail = written(notice_of(kind, change_class), STOPPABLE)
    message = read_back(message_bytes(mail))
    assert message["List-Unsubscribe"] is None
    assert "stop?t=" not in mail.text + mail.html


# --- answers on a page


def test_where_there_is_a_page_both_answers_lead_there_and_one_button_stands_above_the_choices() -> None:
    mail = written(notice_of(NoticeKind.CHOICE), replace(ADA, page="https://example.com/me?t=abc"))
    links = [
        "https://example.com/me?t=abc&amp;change=example-fax%40v3%23quote-marketing&amp;answer=consent",
        "https://example.com/me?t=abc&amp;change=example-fax%40v3%23quote-marketing&amp;answer=refuse",
    ]
    places = [mail.html.index(link) for link in ('href="https://example.com/me?t=abc"', *links)]
    assert places == sorted(places)
    assert "mailto:" not in mail.html
    for link in links:
        assert link.replace("&amp;", "&") in mail.text
    assert "until then nothing is recorded" in " ".join(mail.text.split())
