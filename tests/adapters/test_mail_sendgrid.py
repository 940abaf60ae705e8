# SPDX-License-Identifier: Apache-2.0
"""Mails over SendGrid against a strict fake: what is asked of it, and what each answer means."""

from __future__ import annotations

import base64
import json
import logging
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from policyctl.adapters.mail.interface import (
    Accepted,
    Attachment,
    NotSent,
    Outcome,
    Rejected,
    Stopped,
    Unknown,
)
from policyctl.adapters.mail.sendgrid import TIMEOUT, SendGridMailer
from policyctl.testing.sendgrid import Answer, Fake, fake_sendgrid
from tests.adapters.mail_samples import AT, INJECTIONS, PLAIN, mail


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_sendgrid() as running:
        yield running


@pytest.fixture
def mailer(fake: Fake) -> Iterator[SendGridMailer]:
    opened = SendGridMailer(KEY, host=fake.url, timeout=httpx.Timeout(0.5))
    yield opened
    opened.close()


KEY = Fake().key


def only_request(fake: Fake) -> dict[str, object]:
    ((_, _, data),) = fake.requests
    body = json.loads(data)
    assert isinstance(body, dict)
    return body


def test_a_mail_is_taken_and_its_receipt_kept(fake: Fake, mailer: SendGridMailer) -> None:
    fake.script = [Answer(202, {"X-Message-Id": "abc.123"})]
    assert mailer.send(PLAIN) == Accepted("abc.123")
    assert only_request(fake) == {
        "personalizations": [
            {"to": [{"email": "ada@example.org", "name": "Ada Example"}], "custom_args": {"nid": "n0123abc"}}
        ],
        "from": {"email": "privacy@example.com", "name": "Example Fax"},
        "reply_to": {"email": "answers@example.com"},
        "subject": PLAIN.subject,
        "content": [{"type": "text/plain", "value": PLAIN.text}, {"type": "text/html", "value": PLAIN.html}],
        "headers": {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        "categories": ["policy-revision"],
        "mail_settings": {"bypass_unsubscribe_management": {"enable": True}, "footer": {"enable": False}},
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }


def test_a_file_goes_along_and_a_reminder_says_how_to_stop_it(fake: Fake, mailer: SendGridMailer) -> None:
    file = Attachment("example-fax-v3.pdf", "application/pdf", b"%PDF-1.7\n" + bytes(range(256)))
    assert isinstance(
        mailer.send(mail(attachments=(file,), unsubscribe="https://example.com/stop?t=1")), Accepted
    )
    body = only_request(fake)
    (sent,) = body["attachments"]  # type: ignore[misc, attr-defined]
    assert base64.b64decode(sent.pop("content")) == file.data
    assert sent == {"type": "application/pdf", "filename": file.name, "disposition": "attachment"}
    assert body["headers"]["List-Unsubscribe"] == "<https://example.com/stop?t=1>"  # type: ignore[index]
    assert body["mail_settings"]["bypass_unsubscribe_management"] == {"enable": False}  # type: ignore[index]


def test_every_addressee_has_a_call_of_his_own_over_one_connection(
    fake: Fake, mailer: SendGridMailer
) -> None:
    for number in range(20):
        one = mail(nid=f"n{number}", to_address=f"user{number}@example.org")
        assert isinstance(mailer.send(one), Accepted)
    seen = [taken["personalizations"][0] for taken in fake.taken]
    assert [person["custom_args"]["nid"] for person in seen] == [f"n{number}" for number in range(20)]
    assert [len(person["to"]) for person in seen] == [1] * 20
    assert fake.connections == 1


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200), Stopped),
        (Answer(301, {"Location": "/elsewhere"}), Stopped),
        (Answer(302, {"Location": "/elsewhere"}), Stopped),
        (Answer(307, {"Location": "/elsewhere"}), Stopped),
        (Answer(400), Rejected),
        (Answer(401), Stopped),
        (Answer(403), Stopped),
        (Answer(404), Stopped),
        (Answer(413), Rejected),
        (Answer(429), NotSent),
        (Answer(500), Unknown),
        (Answer(502), Unknown),
        (Answer(503), Unknown),
        (Answer(504), Unknown),
        (Answer(fault="reset-before"), Unknown),
        (Answer(fault="close-before"), Unknown),
        (Answer(fault="close-after"), Unknown),
        (Answer(fault="hang-after"), Unknown),
        (Answer(fault="rubbish-after"), Unknown),
    ],
    ids=lambda value: value.fault or str(value.status) if isinstance(value, Answer) else value.__name__,
)
def test_every_answer_and_every_break_means_one_thing_and_is_asked_once(
    fake: Fake, mailer: SendGridMailer, answer: Answer, outcome: type[Outcome]
) -> None:
    fake.script = [answer]
    assert type(mailer.send(PLAIN)) is outcome
    assert len(fake.requests) <= 1, "no retry, no redirect"
    assert len(fake.taken) <= 1


def test_a_key_without_the_permission_is_told_so(fake: Fake, mailer: SendGridMailer) -> None:
    fake.script = [Answer(403)]
    outcome = mailer.send(PLAIN)
    assert isinstance(outcome, Stopped)
    assert "Mail Send" in outcome.reason


def test_a_wrong_key_stops(fake: Fake) -> None:
    outcome = SendGridMailer("SG-other", host=fake.url).send(PLAIN)
    assert isinstance(outcome, Stopped)
    assert "SENDGRID_API_KEY" in outcome.reason
    assert fake.taken == []


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"X-RateLimit-Reset": "1798889430", "Date": "Sat, 02 Jan 2027 11:30:00 GMT"}, 30.0),
        ({"X-RateLimit-Reset": "1798885800", "Date": ""}, 0.0),  # no clock: the mail says 10:30
        ({"X-RateLimit-Reset": "1798885900", "Date": "yesterday"}, 100.0),
        ({"X-RateLimit-Reset": "1", "Date": "Sat, 02 Jan 2027 11:30:00 GMT"}, 0.0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({}, None),
    ],
)
def test_the_wait_is_measured_by_the_servers_own_clock(
    fake: Fake, mailer: SendGridMailer, headers: dict[str, str], seconds: float | None
) -> None:
    assert AT.timestamp() == 1798885800
    fake.script = [Answer(429, headers)]
    assert mailer.send(PLAIN) == NotSent("SendGrid asks to wait (429)", seconds)


def test_nobody_there_is_not_sent() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(SendGridMailer(KEY, host=f"http://127.0.0.1:{port}").send(PLAIN), NotSent)


def test_a_connection_that_does_not_open_in_time_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1) as full:
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):  # fill the queue of a server that never accepts
            one = socket.socket()
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        time.sleep(0.1)
        mailer = SendGridMailer(KEY, host=f"http://127.0.0.1:{port}", timeout=httpx.Timeout(0.3))
        assert isinstance(mailer.send(PLAIN), NotSent)
        for one in waiting:
            one.close()


def test_no_step_waits_without_limit() -> None:
    assert (TIMEOUT.connect, TIMEOUT.write, TIMEOUT.read, TIMEOUT.pool) == (5, 30, 60, 5)


@pytest.mark.parametrize("changed", INJECTIONS, ids=lambda c: ascii(c)[:50])
def test_what_could_forge_a_header_never_reaches_sendgrid(
    fake: Fake, mailer: SendGridMailer, changed: dict[str, str]
) -> None:
    assert isinstance(mailer.send(mail(**changed)), Rejected)
    assert fake.requests == []


def test_a_name_with_commas_does_not_become_two_people(fake: Fake, mailer: SendGridMailer) -> None:
    assert isinstance(mailer.send(mail(to_name="Example, Ada; the first")), Accepted)
    assert fake.taken[0]["personalizations"][0]["to"][0]["name"] == "Example Ada the first"


def test_template_residue_in_a_text_stays_as_it_is(fake: Fake, mailer: SendGridMailer) -> None:
    residue = "{{ name }} {% raw %} %name% -name- <%asm_group_unsubscribe_url%> [unsubscribe] ${x}"
    assert isinstance(mailer.send(mail(text=residue)), Accepted)
    assert fake.taken[0]["content"][0]["value"] == residue


def test_a_text_that_opens_with_a_key_is_not_sent(fake: Fake, mailer: SendGridMailer) -> None:
    outcome = mailer.send(mail(text="SG.abcdefghij.klmnopqrst"))
    assert isinstance(outcome, Rejected)
    assert "klmnopqrst" not in outcome.reason
    assert fake.requests == []


def test_a_complaint_names_the_field_and_repeats_no_address(fake: Fake, mailer: SendGridMailer) -> None:
    errors = [{"message": "ada@example.org is malformed", "field": "personalizations.0.to.0.email"}]
    fake.script = [Answer(400, body={"errors": errors})]
    outcome = mailer.send(PLAIN)
    assert outcome == Rejected("SendGrid answered 400, complaining of personalizations.0.to.0.email")


@pytest.mark.parametrize("body", [{"errors": "ada@example.org"}, {"errors": [None]}, {"x": 1}])
def test_a_complaint_of_an_unknown_shape_is_still_a_rejection(
    fake: Fake, mailer: SendGridMailer, body: dict[str, object]
) -> None:
    fake.script = [Answer(400, body=body)]
    assert mailer.send(PLAIN) == Rejected("SendGrid answered 400")


@pytest.mark.parametrize("key", ["", "SG.key\n", "SG.key with space", "SG.kéy"])
def test_an_unfit_key_is_not_sent_and_not_shown(fake: Fake, key: str) -> None:
    mailer = SendGridMailer(key, host=fake.url)
    outcome = mailer.send(PLAIN)
    assert isinstance(outcome, Stopped)
    assert "SENDGRID_API_KEY" in outcome.reason
    assert not key or key not in outcome.reason
    assert fake.requests == []


@pytest.mark.parametrize(
    "host", ["http://mail.example.com", "ftp://127.0.0.1.example.com", "http://[", "nowhere"]
)
def test_the_key_goes_to_https_only(host: str) -> None:
    assert isinstance(SendGridMailer(KEY, host=host).send(PLAIN), Stopped)


def test_the_key_and_the_address_stand_in_no_log_and_no_repr(
    fake: Fake, mailer: SendGridMailer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.script = [Answer(), Answer(401), Answer(500), Answer(fault="close-after")]
    outcomes = [mailer.send(mail(nid=f"n{number}")) for number in range(4)]
    shown = caplog.text + repr(outcomes) + repr(mailer) + repr(vars(mailer))
    assert KEY not in shown
    assert "ada@example.org" not in shown
