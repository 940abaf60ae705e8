# SPDX-License-Identifier: Apache-2.0
"""A ledger of a test's own, filled by short calls, that is asked as the real one is.

    from policyctl.testing.ledger import sample_ledger

    with sample_ledger(tmp_path) as ledger:
        ledger.add_subject("u-17")
        ledger.tag("u-17", "user.contact.email", "crm-1")
        assert ledger.may_use("u-17", "user.contact.email", "sales").answer is UseAnswer.PERMITTED

It is an ``OpenLedger``, so it goes wherever a program takes one: ``@requires_use(..., ledger=ledger)``.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.api import OpenLedger
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.errors import Place

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.core.notices.outbox import PlannedNotice
    from policyctl.core.practice import Taxonomy
    from policyctl.core.records import PendingChange, VersionRecord

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
SAMPLE = "example-fax"
_HERE = Place("test")


@contextmanager
def sample_ledger(folder: Path, *, sample: bool = True) -> Iterator[SampleLedger]:
    """A new ledger in ``folder``, closed at the end. ``sample``: with the first version of the package's
    sample policy, ``example-fax@v1``, in effect since 2020; else with none.
    """
    from policyctl import wiring
    from policyctl.adapters.ledger import open_ledger

    taxonomy = wiring.catalogue().taxonomy
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{folder.absolute()}/ledger.db"
    with open_ledger(url, key=secrets.token_bytes(32), taxonomy=taxonomy) as ledger:
        ledger.upgrade()
        found = SampleLedger(ledger, taxonomy)
        if sample:
            found.publish((files("policyctl") / "sample/v1/practices.yaml").read_text("utf-8"))
        yield found


class SampleLedger(OpenLedger):
    """An OpenLedger that a test can fill. Moments default to now, people to having been there since 2020."""

    def __init__(self, ledger: Ledger, taxonomy: Taxonomy) -> None:
        super().__init__(ledger)
        self._terms = taxonomy
        self._people = count(1)

    def publish(
        self,
        practices: str,
        *,
        policy: str = SAMPLE,
        effective: datetime = BEGIN,
        asks: Mapping[str, str] | None = None,
        window_days: int = 30,
    ) -> str:
        """Record the next version of a policy; its name, ``example-fax@v2``.

        ``practices``: the text of a ``practices.yaml``, such as your own policy's. ``asks``: the practices
        (ids) that data collected before is asked about, and how: ``opt-in`` or ``opt-out``; subjects that
        are known and tagged by now are owed a notice of them (:meth:`told`). InputErrors for a text that
        will not do.
        """
        from policyctl.core.formats.practices_file import read_practices

        stated = read_practices(practices, file="practices.yaml", taxonomy=self._terms)
        key = VersionKey(policy, len(self._ledger.versions(policy)) + 1)
        from policyctl.core.records import VersionRecord

        changes = tuple(_change(key, name, mode, window_days) for name, mode in (asks or {}).items())
        record = VersionRecord(
            key=key,
            title=policy,
            change_class=ChangeClass.CHOICE if changes else ChangeClass.NOTICE,
            published_at=effective,
            effective_at=effective,
            commit=sha256(str(key).encode()).hexdigest()[:40],
            text_sha256=sha256(practices.encode()).hexdigest(),
            practices=stated,
            changes=changes,
        )
        self._ledger.record_version(record, [_notice(record)] if changes else [], now=_now())
        return str(key)

    def add_customer(self, name: str) -> None:
        """A customer, whose administrator may answer for its subjects."""
        from policyctl.core.records import CustomerRow

        row = CustomerRow(_HERE, name, name, f"c{next(self._people)}@example.com", "Administrator", "en")
        self._ledger.import_customers([row], now=_now())

    def add_subject(
        self, subject: str, *, customer: str | None = None, since: datetime | None = BEGIN
    ) -> None:
        """A person. ``since`` None: a new one, who comes under a policy by :meth:`accept`."""
        from policyctl.core.records import SubjectRow

        address = f"s{next(self._people)}@example.com"
        row = SubjectRow(_HERE, subject, customer, address, "en", since)
        self._ledger.import_subjects([row], now=_now(), within=customer)

    def accept(self, subject: str, version: str, *, at: datetime | None = None) -> None:
        """A subject accepts a version, ``example-fax@v2``."""
        slug, _, number = version.partition("@v")
        now = _now()
        self._ledger.accept(subject, VersionKey(slug, int(number)), at or now, now=now)

    def choose(
        self,
        change: str,
        answer: str,
        *,
        subject: str | None = None,
        customer: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """A subject, or a customer for all of its own, answers ``consent``, ``refuse`` or ``withdraw`` to a
        change: ``example-fax@v1#newsletter``.
        """
        from policyctl.actions.recording import record

        now = _now()
        whose = None if subject is not None else customer
        record.choose(
            change, answer, at=at or now, now=now, ledger=self._ledger, subject=subject, customer=whose,
            within=customer if subject is not None else None,
        )  # fmt: skip

    def told(self, subject: str, version: str, *, at: datetime) -> None:
        """The notice of a version, owed to the subject since :meth:`publish`, was delivered then.
        LookupError where none is owed.
        """
        from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName

        slug, _, number = version.partition("@v")
        name = self._ledger.pseudonym(subject)
        nids = [row[0] for row in self._ledger.nids(VersionKey(slug, int(number))) if row[3] == name]
        if not nids:
            raise LookupError(f"{subject!r} is owed no notice of {version}: it was not tagged before that")
        events = [DeliveryEvent(nid, DeliveryName.DELIVERED, at) for nid in nids]
        self._ledger.record_deliveries(events, now=_now())


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - an entrance, as policyctl.api is


def _change(key: VersionKey, practice: str, mode: str, window_days: int) -> PendingChange:
    from policyctl.core.practice import ChoiceMode
    from policyctl.core.records import PendingChange, change_name

    return PendingChange(change_name(key, practice), key, practice, ChoiceMode(mode), window_days)


def _notice(record: VersionRecord) -> PlannedNotice:
    """What is owed to subjects; only its names matter, as no mail is sent."""
    from policyctl.core.notices.notice import ChoiceOffer, Notice, NoticeKind
    from policyctl.core.notices.outbox import Audience, PlannedNotice

    day = record.effective_at.date()
    offers = tuple(
        ChoiceOffer(change.name, (), (), change.practice, (), "", change.mode, day)
        for change in record.changes
    )
    notice = Notice(
        record.key, NoticeKind.CHOICE, record.title, record.change_class, day, day, "", "", (), offers, None,
        "", record.text_sha256,
    )  # fmt: skip
    return PlannedNotice(notice, Audience("subjects"))
