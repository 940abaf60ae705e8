"""The mails in a bundle are those that went out, to the byte: by SMTP, and as SendGrid puts them together."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy_of_mail
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from policyctl.actions.evidence.bundle import Customer, Subject, Wanted, export_evidence
from policyctl.actions.mailing.notify import notify
from policyctl.adapters.links import Links
from policyctl.adapters.mail.interface import Mailer
from policyctl.adapters.mail.sendgrid import SendGridMailer
from policyctl.adapters.mail.smtp import SmtpMailer
from policyctl.core.links import LinkKey
from policyctl.core.policy import VersionKey
from policyctl.core.records import CustomerRow, SubjectRow, TagRow
from policyctl.errors import Place
from policyctl.reports.mails.form import FIELDS
from policyctl.testing.sendgrid import fake_sendgrid
from tests.actions.evidence_scene import SENDER, sources_of
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy
from tests.adapters.test_mail_smtp import Mailbox, serving
from tests.cli.run import GIT

PLACE = Place("rows.csv", 2)
LINKS = Links("https://privacy.example.com", lambda: (LinkKey("one", bytes(range(32)), DAYS[1]),), days=730)
LATER = datetime(2027, 5, 20, 9, tzinfo=DAYS[1].tzinfo)  # twelve days before it takes effect
AT = LATER + timedelta(days=1)
# What a mail has to carry unharmed: quotes, other scripts, a line that begins with a dot, spaces at an end.
SUMMARY = """From 1 June 2027 we would also like to send you our “newsletter” & — <b>not</b> %name% or [name].

    .hidden = "no"   \x20
    日本語のお知らせ 🎉 Zażółć gęślą jaźń."""
PEOPLE: dict[str, tuple[Wanted, str]] = {
    "boss@acme.example.org": (Customer("acme"), 'Zoë O\'Neil & "Söhne" %x%'),
    "chef@best.example.org": (Customer("best"), "Bob [nid]"),
    "u1@example.org": (Subject("u1"), ""),
    "u2@example.org": (Subject("u2"), ""),
}
Sent = tuple[str, str, str]  # subject, plain text, HTML as its reader gets them


@pytest.fixture(autouse=True)
def _nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    root = tmp_path / "repo"
    repo = make_instance(root)
    with Opened(root) as made:
        made.ledger.upgrade()
        made.publish(DAYS[1])
        _people(made)
        text = TEXT_2.replace("From 1 June 2027 we would also like to send you our newsletter.", SUMMARY)
        assert SUMMARY in text
        repo.commit("Second text", policy(text, PRACTICES_2))
        made.publish(DAYS[2])
        yield made


def _people(opened: Opened) -> None:
    now, known = DAYS[1] + timedelta(days=10), DAYS[1] - timedelta(days=30)
    (boss, (_, boss_name)), (chef, (_, chef_name)), *_ = PEOPLE.items()
    opened.ledger.import_customers(
        [
            CustomerRow(PLACE, "acme", "Acme & Sons' <Ltd>", boss, boss_name, "en"),
            CustomerRow(PLACE, "best", "Best", chef, chef_name, "de"),
        ],
        now=now,
    )
    users = [(wanted.id, mail) for mail, (wanted, _) in PEOPLE.items() if isinstance(wanted, Subject)]
    languages = iter(("en", "de"))
    rows = [SubjectRow(PLACE, name, "acme", mail, next(languages), known) for name, mail in users]
    opened.ledger.import_subjects(rows, now=now)
    collected = now - timedelta(days=1)
    tags = [TagRow(PLACE, name, "user.contact.email", "form", collected, SLUG) for name, _ in users]
    opened.ledger.import_tags(tags, now=now)


def _send(opened: Opened, mailer: Mailer, now: datetime, remind: Sequence[int] = ()) -> int:
    done = notify(now, ledger=opened.ledger, mailer=mailer, sender=SENDER, links=LINKS, remind_days=remind)
    return done.accepted


# --- what the readers got


def _read(data: bytes) -> tuple[str, Sent]:
    message = message_from_bytes(data, policy=policy_of_mail)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    parts = []
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body is not None
        parts.append(body.get_payload(decode=True).decode().replace("\r\n", "\n"))  # type: ignore[union-attr]
    subject = str(message["subject"]).lstrip()  # a long one is folded, and the fold is white space
    return message["to"].addresses[0].addr_spec, (subject, parts[0], parts[1])


def _by_sendgrid(taken: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Sent]]:
    """SendGrid puts in the values of each addressee wherever their tags stand."""
    for body in taken:
        parts = [body["subject"], *(content["value"] for content in body["content"])]
        for one in body["personalizations"]:
            values = one.get("substitutions", {})
            tags = re.compile("|".join(map(re.escape, values)) or "(?!)")
            whole = [_put_in(values, tags, part) for part in parts]
            yield one["to"][0]["email"], (whole[0], whole[1], whole[2])


def _put_in(values: dict[str, str], tags: re.Pattern[str], part: str) -> str:
    return tags.sub(lambda found: values[found[0]], part)


# --- what the bundle holds


def _bundle(opened: Opened, wanted: Wanted) -> dict[str, bytes]:
    bundle = export_evidence(wanted, None, AT, sources=sources_of(opened))
    with zipfile.ZipFile(io.BytesIO(bundle)) as files:
        return {name: files.read(name) for name in files.namelist()}


def _filled(pieces: list[str], sent: str) -> dict[str, str] | None:
    """What stands in the places of the values; None where the rest is not what was sent, to the byte."""
    seen: set[str] = set()
    pattern = ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            pattern += re.escape(piece)
        else:
            name = FIELDS[int(piece)]
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
            seen.add(name)
    found = re.fullmatch(pattern, sent, re.DOTALL)
    return found.groupdict() if found else None


def _holds(files: dict[str, bytes], sent: Sent, name: str) -> bool:
    """Whether one of the mails in the bundle is this one, but for the name and the links."""
    for path in (path for path in files if path.endswith("/form.json")):
        subject, text, html = json.loads(files[path])
        plain, escaped = _filled(text, sent[1]), _filled(html, sent[2])
        if subject != sent[0] or plain is None or escaped is None:
            continue
        for shown, pieces in (("mail.txt", text), ("mail.html", html)):
            marked = [f"[{FIELDS[int(each)]}]" if n % 2 else each for n, each in enumerate(pieces)]
            head = f"Subject: {subject}\n\n" if shown == "mail.txt" else ""
            assert files[path.replace("form.json", shown)].decode() == head + "".join(marked)
        assert plain.get("name", name) == name
        common = set(plain) & set(escaped)
        assert {name: plain[name] for name in common} == {name: unescape(escaped[name]) for name in common}
        return True
    return False


def _require_all(opened: Opened, sent: Sequence[tuple[str, Sent]], mails: int) -> None:
    assert len(sent) == mails
    assert {address for address, _ in sent} == set(PEOPLE)
    for address, (wanted, name) in PEOPLE.items():
        files = _bundle(opened, wanted)
        own = [mail for to, mail in sent if to == address]
        assert all(_holds(files, mail, name) for mail in own), address
        assert len(own) == sum(path.endswith("/form.json") for path in files)
        assert all(name in mail[1] for mail in own)
        assert b"Its hash is that of what was sent" in files["index.html"]
        assert address.encode() not in b"".join(files.values())
    whole = _bundle(opened, VersionKey(SLUG, 2))
    assert all(_holds(whole, mail, PEOPLE[to][1]) for to, mail in sent)
    assert len({mail[0] for _, mail in sent}) <= sum(path.endswith("/form.json") for path in whole)
    assert b"Its hash is that of what was sent" in whole["index.html"]
    assert not any(to.encode() in data for to in PEOPLE for data in whole.values())


def test_by_smtp_first_and_reminding(opened: Opened) -> None:
    mailbox = Mailbox()
    with serving(mailbox) as server:
        mailer = SmtpMailer(server)
        assert _send(opened, mailer, DAYS[2]) == 4
        assert _send(opened, mailer, LATER, remind=[14]) > 0
        mailer.close()
    sent = [_read(bytes(envelope.original_content or b"")) for _, envelope in mailbox.taken]
    assert all("日本語のお知らせ 🎉" in mail[1] for _, mail in sent)
    _require_all(opened, sent, len(mailbox.taken))
    assert len(sent) > 4


def test_by_sendgrid_as_it_puts_the_values_in(opened: Opened) -> None:
    with fake_sendgrid() as fake:
        fake.clock = lambda: DAYS[2]
        mailer = SendGridMailer(fake.key, host=fake.url, timeout=httpx.Timeout(5))
        assert _send(opened, mailer, DAYS[2]) == 4
        mailer.close()
        sent = list(_by_sendgrid(fake.leaving()))
    assert any("personalizations" in body and "substitutions" in str(body) for body in fake.taken)
    _require_all(opened, sent, 4)
