# SPDX-License-Identifier: Apache-2.0
"""A published change that asks two questions, mailed with links, and the service that the links open."""

from __future__ import annotations

import email
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from policyctl import wiring
from policyctl.adapters.ledger import Ledger
from policyctl.core.judge.findings import ChangeAsked
from policyctl.core.notices.notice import Notice
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, PlannedNotice
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode, Practice
from policyctl.core.records import CustomerRow, PendingChange, SubjectRow, TagRow, VersionRecord
from policyctl.errors import Place
from policyctl.settings import load_settings
from policyctl.web.answers import Pages
from policyctl.web.app import make_app
from tests.actions.notify_scene import KEY, new_scene, open_scene
from tests.cli.run import policyctl
from tests.core.notice_samples import ASKED, OFFERS, QUOTE, planned

BASE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EFFECTIVE = date(2026, 4, 15)
SLUG = "example-fax"
URL = "https://privacy.example.com/choices"
ENV = {"POLICYCTL_PSEUDONYM_KEY": KEY.hex()}
PLACE = Place("rows.csv", 2)
SURVEY = Practice("survey", "surveys", ("user.contact.email",), "survey", choice=ChoiceMode.OPT_IN)
ASKED_SURVEY = ChangeAsked(
    f"{SLUG}@v3#survey", "survey", ("user.contact.email",), "survey", (), ChoiceMode.OPT_IN
)
MARKETING, SURVEYS = ASKED.name, ASKED_SURVEY.name
SETTINGS = f"""\
[ledger]
url = "sqlite:///ledger.db"
[mail]
folder = "mails"
from = "privacy@example.com"
from_name = "Example Fax"
reply_to = "answers@example.com"
postal_address = "Example Fax, 1 Example Street, Exampletown"
[web]
url = "{URL}"
[taxonomy.purposes]
quote = {{label = "answering your request for a quote"}}
survey = {{label = "inviting you to surveys"}}
[taxonomy.recipients]
partner = {{label = "a business partner"}}
"""


def notices(number: int = 3) -> tuple[PlannedNotice, ...]:
    """The notices of a version that asks both questions."""
    found = planned(asked=(ASKED, ASKED_SURVEY), published=BASE.date())
    return tuple(replace(each, notice=_as_version(each.notice, number)) for each in found)


def _as_version(notice: Notice, number: int) -> Notice:
    choices = tuple(
        replace(
            offer,
            change=offer.change.replace("@v3#", f"@v{number}#"),
            new_use={MARKETING: offer.new_use, SURVEYS: "inviting you to surveys"}[offer.change],
            until=offer.until and EFFECTIVE - timedelta(days=1),
        )
        for offer in notice.choices
    )
    return replace(notice, version=VersionKey(SLUG, number), effective=EFFECTIVE, choices=choices)


def publish(
    ledger: Ledger,
    number: int,
    practices: tuple[Practice, ...],
    asked: tuple[ChangeAsked, ...] = (),
    owed: tuple[PlannedNotice, ...] = (),
) -> None:
    """Record one version, 30 days after the one before it."""
    key = VersionKey(SLUG, number)
    at = BASE + timedelta(days=30 * (number - 3))
    changes = tuple(PendingChange(f"{key}#{a.practice}", key, a.practice, a.mode, 30) for a in asked)
    record = VersionRecord(
        key=key,
        title="Example Fax Privacy Policy",
        change_class=ChangeClass.CHOICE if asked else ChangeClass.EDITORIAL,
        published_at=at,
        effective_at=at + timedelta(days=5),
        commit=f"{number:040x}",
        text_sha256=f"{number:064x}",
        practices=practices,
        changes=changes,
    )
    ledger.record_version(record, owed, now=at)


def publish_anew(ledger: Ledger) -> None:
    """A fourth version that asks about marketing again, and has no survey any more."""
    owed = tuple(
        replace(each, notice=replace(each.notice, choices=each.notice.choices[:1])) for each in notices(4)
    )
    publish(ledger, 4, (QUOTE, OFFERS), (ASKED,), owed)


def make_scene(root: Path) -> Path:
    """A repository with links that work: two customers, users u1 to u3, the mails of version 3 written."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "policyctl.toml").write_text(SETTINGS, "utf-8")
    with new_scene(root) as ledger:
        publish(ledger, 1, (QUOTE,))
        publish(ledger, 2, (QUOTE,))
        fill(ledger)
        publish(ledger, 3, (QUOTE, OFFERS, SURVEY), (ASKED, ASKED_SURVEY), notices())
    for command in (("links", "rotate"), ("notify",)):
        run = policyctl(*command, cwd=root, env=ENV)
        assert run.returncode == 0, run.stderr
    return root


def fill(ledger: Ledger) -> None:
    rows = [
        CustomerRow(PLACE, "acme", "Acme & Sons", "ada@acme.example.org", "Ada Example", "en"),
        CustomerRow(PLACE, "best", "Best GmbH", "bob@best.example.org", "Bob, of Best", "de"),
    ]
    ledger.import_customers(rows, now=BASE)
    known = BASE - timedelta(days=50)
    people = (("u1", "acme", "en"), ("u2", "acme", "fr"), ("u3", None, "de"))
    ledger.import_subjects(
        [SubjectRow(PLACE, who, of, f"{who}@example.org", lang, known) for who, of, lang in people], now=BASE
    )
    collected = BASE - timedelta(days=40)
    tags = [TagRow(PLACE, who, "user.contact.email", "form", collected, SLUG) for who, _, _ in people]
    ledger.import_tags(tags, now=BASE)


def deliver_all(ledger: Ledger) -> None:
    """Every mail of version 3 arrived."""
    at = BASE + timedelta(hours=1)
    nids = ledger.nids(VersionKey(SLUG, 3))
    ledger.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, at) for nid, *_ in nids], now=at)


@dataclass(frozen=True)
class Written:
    """A mail as it was written, and the links in it."""

    message: EmailMessage

    @property
    def html(self) -> str:
        return str(self.message.get_body(("html",)).get_content())  # type: ignore[union-attr]

    @property
    def text(self) -> str:
        return str(self.message.get_body(("plain",)).get_content())  # type: ignore[union-attr]

    def links(self) -> list[str]:
        """Every address of the service in text, HTML and headers."""
        reader = _Links()
        reader.feed(self.html)
        headers = " ".join(f"{value}" for value in self.message.values())
        found = [*reader.found, *re.findall(r"https://[^\s<>\"]+", f"{self.text} {headers}")]
        return list(dict.fromkeys(link for link in found if link.startswith(URL)))

    @property
    def page(self) -> str:
        """The path of the addressee's page, without a query."""
        (path,) = {local(link).partition("?")[0] for link in self.links() if "/answers/" in link}
        return path


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.found += [value or "" for name, value in attrs if name == "href"]


def local(link: str) -> str:
    """A link of a mail as the service sees it: the proxy in front of it takes the folder away."""
    parts = urlsplit(link.removeprefix(URL))
    return parts.path + (f"?{parts.query}" if parts.query else "")


def mails(root: Path, to: str = "") -> list[Written]:
    """The mails in the folder, of one addressee or of all."""
    found = []
    for path in sorted((root / "mails").glob("*.eml")):
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        assert isinstance(message, EmailMessage)
        if to in str(message["To"]):
            found.append(Written(message))
    return found


def mail_to(root: Path, address: str) -> Written:
    (found,) = mails(root, address)
    return found


class Served:
    """The service in this process, on a port of its own: ``url`` is where it answers."""

    def __init__(self, root: Path, ledger: Ledger) -> None:
        settings = load_settings(root)
        links = wiring.open_links(settings)
        assert links
        pages = Pages(links, wiring.sender(settings))
        app = make_app(ledger, wiring.open_keys(settings), pages=pages)
        listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait until it has."""
        self._server.should_exit = True
        self._thread.join(20)


@contextmanager
def served(root: Path, ledger: Ledger | None = None) -> Iterator[Served]:
    """The service on a scene, or on another ledger."""
    with ledger or open_scene(root) as opened:
        running = Served(root, opened)
        try:
            yield running
        finally:
            running.stop()


def copies(base: Path) -> Iterator[Path]:
    """Fresh copies of a scene, one each time; each may send, which no copy does by itself."""
    number = 0
    while True:
        number += 1
        copy = Path(shutil.copytree(base, base.with_name(f"{base.name}-{number}")))
        with open_scene(copy) as ledger:
            ledger.custody.adopt(now=BASE)
        yield copy


def state(root: Path) -> tuple[str, ...]:
    """All that the ledger holds, row by row: what may not change when somebody only looks."""
    import sqlite3

    with sqlite3.connect(root / "ledger.db") as database:
        return tuple(database.iterdump())
