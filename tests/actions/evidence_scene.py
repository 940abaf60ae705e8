"""A repository with two signed versions, and a ledger with two customers who have nothing to do with each
other.

The words of :data:`CANARIES` belong to others than Ada of Acme, and to nobody's bundle but theirs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from policyctl import wiring
from policyctl.actions.evidence.bundle import Sources
from policyctl.actions.mailing.notify import notify
from policyctl.adapters.mail.folder import FolderMailer
from policyctl.core.notices.notice import Sender
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.core.policy import VersionKey
from policyctl.core.postings import NewPosting, PlaceKind, PostingOutcome, PostingPlace
from policyctl.core.records import Answer, ChoiceRow, CustomerRow, SubjectRow, TagRow
from policyctl.errors import Place
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy
from tests.peers.signing import SshKeys

PLACE = Place("rows.csv", 2)
AT = datetime(2027, 7, 1, 12, tzinfo=UTC)
ASKED = f"{SLUG}@v2#newsletter"
SENDER = Sender("privacy@example.com", "Example", "privacy@example.com", "1 Sample Street")
CANARIES = (
    "zebra-works", "Zebra Works", "u-zoe", "zoe@zebra.example.org", "zora@zebra.example.org", "zoe-form",
    "u-bert", "bert@acme.example.org", "bert-form",
)  # fmt: skip
PLACES = (
    PostingPlace("site", PlaceKind.SITE),
    PostingPlace("feed", PlaceKind.FEED),
    PostingPlace("app", PlaceKind.FILE, "app/{slug}.md"),
    PostingPlace("partner", PlaceKind.WEBHOOK, "https://hooks.example.net/policies"),
    PostingPlace("store", PlaceKind.URL, "https://apps.example.com/fax"),
)
OWN_ADDRESSES = ("ada@acme.example.org", "boss@acme.example.org")


def make_scene(root: Path, keys: SshKeys) -> Path:
    """The repository's folder."""
    repo = make_instance(root)
    keys.use(repo, "legal")
    with Opened(root) as opened:
        opened.ledger.upgrade()
        opened.places = PLACES
        opened.publish(DAYS[1])
        _people(opened)
        repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
        opened.publish(DAYS[2])
        notify(DAYS[2], ledger=opened.ledger, mailer=FolderMailer(root / ".policyctl/mails"), sender=SENDER)
        _answers(opened)
        _posted(opened)
    return root


def _posted(opened: Opened) -> None:
    """The webhook is taken at the second try; a person posts in the store."""
    ledger, version, at = opened.ledger, VersionKey(SLUG, 2), DAYS[2] + timedelta(hours=1)
    (owed,) = [each for each in ledger.postings(version) if each.place == "partner"]
    ledger.note_posting(owed.id, PostingOutcome.FAILED, now=at, detail="answered 503")
    ledger.note_posting(owed.id, PostingOutcome.POSTED, now=at + timedelta(hours=1), detail="answered 200")
    store = NewPosting(version, "store", PlaceKind.URL, PLACES[-1].target, "ab" * 32, posted_at=at)
    ledger.enter_postings([store], now=at)


def _people(opened: Opened) -> None:
    ledger, now = opened.ledger, DAYS[1] + timedelta(days=10)
    ledger.import_customers(
        [
            CustomerRow(PLACE, "acme", "Acme", "boss@acme.example.org", "Boss", "en"),
            CustomerRow(PLACE, "zebra-works", "Zebra Works", "zora@zebra.example.org", "Zora", "en"),
        ],
        now=now,
    )
    known = DAYS[1] - timedelta(days=30)
    people = (
        ("u-ada", "acme", "ada@acme"),
        ("u-bert", "acme", "bert@acme"),
        ("u-zoe", "zebra-works", "zoe@zebra"),
    )
    ledger.import_subjects(
        [SubjectRow(PLACE, name, of, f"{mail}.example.org", "en", known) for name, of, mail in people],
        now=now,
    )
    ledger.import_tags(
        [
            TagRow(PLACE, name, "user.contact.email", record, now - timedelta(days=1), SLUG)
            for name, record in (
                ("u-ada", "form-7"),
                ("u-ada", "12"),
                ("u-bert", "bert-form"),
                ("u-zoe", "zoe-form"),
            )
        ],
        now=now,
    )


def _answers(opened: Opened) -> None:
    ledger, now = opened.ledger, DAYS[2] + timedelta(days=10)
    rows = [
        ChoiceRow(PLACE, scope, who, ASKED, answer, now - timedelta(hours=hours))
        for scope, who, answer, hours in (
            ("subject", "u-ada", Answer.CONSENT, 5), ("subject", "u-bert", Answer.REFUSE, 4),
            ("customer", "acme", Answer.CONSENT, 3), ("subject", "u-zoe", Answer.CONSENT, 2),
        )
    ]  # fmt: skip
    ledger.import_choices(rows, now=now)
    version = VersionKey(SLUG, 2)
    ledger.acknowledge("acme", version, now, now=now)
    ledger.acknowledge("zebra-works", version, now, now=now)
    nids = [state.nid for state in ledger.addressee_states(version)]
    events = [DeliveryEvent(nid, DeliveryName.DELIVERED, now) for nid in nids]
    ledger.record_deliveries(events, now=now)
    ledger.import_choices(
        [ChoiceRow(PLACE, "subject", "u-ada", ASKED, Answer.WITHDRAW, now + timedelta(days=1))],
        now=now + timedelta(days=1),
    )


def sources_of(opened: Opened, signers: Path | None = None) -> Sources:
    """What evidence is taken from, without a PDF."""
    return Sources(
        ledger=opened.ledger,
        history=opened.history,
        checker=wiring.open_checker(opened.history, signers),
        sender=SENDER,
        taxonomy=wiring.catalogue(opened.settings).taxonomy,
        release="test",
    )
