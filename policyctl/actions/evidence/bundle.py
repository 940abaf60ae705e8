# SPDX-License-Identifier: Apache-2.0
"""``policyctl export evidence``: what a person, a customer or a publication was promised, told and asked,
in one zip that proves itself (core/proof/bundle.py).

1. The ledger is read in one look, up to its head; decisions are answered from the facts up to that head.
2. Texts, redlines and tag objects come from git by the version refs, never from the work tree.
3. The moment is given: the same ledger, repository and moment give the same bytes.
4. Nothing of others is in it: rows are chosen by number, and the rest of each entry leaves as hashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policyctl.actions.deciding.decide import decide_use
from policyctl.actions.evidence.mails import mail_files
from policyctl.actions.evidence.texts import PublishedText, published_texts
from policyctl.adapters.bundle_zip import write_bundle
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.ledger.evidence import HeldEvidence, Span
from policyctl.adapters.pdf import Printer
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.signatures import SignatureChecker
from policyctl.core.notices.notice import Sender
from policyctl.core.policy import VersionKey
from policyctl.core.practice import Taxonomy, covers
from policyctl.core.proof.bundle import (
    FACTS,
    LEDGER,
    LINKS,
    MANIFEST,
    SIGNATURES,
    check_bundle,
    dumps,
    manifest_json,
)
from policyctl.core.proof.flaws import FlawKind
from policyctl.core.proof.rows import part_json
from policyctl.core.proof.told_facts import Facts, facts_of
from policyctl.core.use.question import UseRequest
from policyctl.errors import IntegrityError
from policyctl.reports.deciding.decision_v1 import decision_json
from policyctl.reports.evidence.consents import ConsentSource, consent_records
from policyctl.reports.evidence.page import EvidenceView, evidence_page

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Subject:
    """A person by the caller's id; ``customer`` where several customers have one of that id."""

    id: str
    customer: str | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """An organisation by the caller's id."""

    id: str


Wanted = Subject | Customer | VersionKey


@dataclass(frozen=True, slots=True)
class Sources:
    """What evidence is taken from. ``printer`` None: without a PDF of the page."""

    ledger: Ledger
    history: History
    checker: SignatureChecker
    sender: Sender
    taxonomy: Taxonomy
    release: str
    printer: Printer | None = None


def export_evidence(wanted: Wanted, begin: datetime | None, at: datetime, *, sources: Sources) -> bytes:
    """The zip. ``begin`` to ``at``: when what it tells of happened; decisions are those of ``at``.

    CannotCompareError where nobody is known by that name; IntegrityError where the ledger or a version ref
    is not what it was: evidence is not made from that.
    """
    held = _held(wanted, Span(begin, at), sources.ledger)
    facts = facts_of(held.part)
    texts = published_texts(held.versions, history=sources.history, checker=sources.checker)
    files: Files = {
        LEDGER: dumps(part_json(held.part)),
        LINKS: b"".join(held.part.links),
        FACTS: dumps(facts),
        SIGNATURES: dumps({"versions": [text.signature for text in texts]}),
    }
    for text in texts:
        files |= text.files
    notices = mail_files(held, facts, at, sender=sources.sender)
    for notice in notices:
        files |= notice.files
    decisions = _decisions(wanted, facts, at, held, sources)
    if isinstance(wanted, Subject):
        files["decisions.json"] = dumps(decisions)
        files |= _consents(wanted, held, facts, sources)
    span = (begin.isoformat() if begin else None, at.isoformat())

    def manifest() -> bytes:
        about, release = _about(wanted), sources.release
        return dumps(manifest_json(files, about=about, span=span, head=held.head, release=release))

    unproven = _unproven({**files, MANIFEST: manifest()})
    page = _page(wanted, at, held, facts, texts, [each.told for each in notices], decisions, files, unproven)
    files["index.html"] = page.encode()
    if sources.printer is not None:
        files["index.pdf"] = sources.printer(page)
    return write_bundle({**files, MANIFEST: manifest()})


def _unproven(files: Mapping[str, bytes]) -> list[str]:
    """What the bundle cannot prove, in words. IntegrityError where it would not hold: then none is handed
    over.
    """
    flaws = check_bundle(files).flaws
    broken = next((flaw for flaw in flaws if flaw.broken), None)
    if broken is not None:
        raise IntegrityError(broken.message, hint="see what is wrong with `policyctl verify`")
    return [flaw.message for flaw in flaws if flaw.kind is FlawKind.NOT_PROVEN]


def _held(wanted: Wanted, span: Span, ledger: Ledger) -> HeldEvidence:
    if isinstance(wanted, Subject):
        return ledger.evidence.of_subject(wanted.id, wanted.customer, span)
    if isinstance(wanted, Customer):
        return ledger.evidence.of_customer(wanted.id, span)
    return ledger.evidence.of_publication(wanted, span)


def _about(wanted: Wanted) -> dict[str, Any]:
    if isinstance(wanted, Subject):
        return {"kind": "subject", "name": wanted.id, "customer": wanted.customer}
    if isinstance(wanted, Customer):
        return {"kind": "customer", "name": wanted.id, "customer": None}
    return {"kind": "publication", "name": str(wanted), "customer": None}


# Decisions


def _decisions(
    wanted: Wanted, facts: Facts, at: datetime, held: HeldEvidence, sources: Sources
) -> list[dict[str, Any]]:
    """What each of the person's data may be used for, by every purpose that a version stated for such
    data.
    """
    if not isinstance(wanted, Subject):
        return []
    found = []
    for slug, category, purpose, recipient in sorted(_questions(facts), key=str):
        request = UseRequest(wanted.id, category, purpose, at, recipient, slug, wanted.customer)
        said = decision_json(request, decide_use(request, ledger=sources.ledger, upto=held.head.entry))
        for tag in said["tags"]:
            tag["subject"] = (
                wanted.id
            )  # as the asker wrote it: the name that the ledger has is nobody's business
        found.append(said)
    return found


def _questions(facts: Facts) -> set[tuple[str, str, str, str | None]]:
    kinds = {(tag["policy"], tag["category"]) for tag in facts["tags"] if tag["category"]}
    found: set[tuple[str, str, str, str | None]] = set()
    for practice in facts["practices"]:
        slug = str(practice["version"]).partition("@")[0]
        parties = [f"{kind}:{name}" if name else kind for kind, name in practice["recipients"]]
        for policy, category in kinds:
            if policy == slug and any(
                covers(each, category) or covers(category, each) for each in practice["categories"]
            ):
                found |= {(slug, category, practice["purpose"], party) for party in (None, *parties)}
    return found


# Consent records


def _consents(
    wanted: Subject, held: HeldEvidence, facts: Facts, sources: Sources
) -> Iterator[tuple[str, bytes]]:
    for number, record in enumerate(_records(wanted, held, facts, sources), start=1):
        yield f"consents/{number:04}.jsonld", dumps(record)


def _records(wanted: Subject, held: HeldEvidence, facts: Facts, sources: Sources) -> Iterator[dict[str, Any]]:
    versions = {fact["notice"]: fact["version"] for fact in facts["notices"]}
    receipts = {
        versions[owed.notice_no]: owed.receipt
        for owed in held.owed
        if owed.receipt and not owed.receipt_owed and owed.notice_no in versions
    }
    source = ConsentSource(wanted.id, facts, receipts)
    return consent_records(source, sender=sources.sender, taxonomy=sources.taxonomy)


def export_consents(
    wanted: Subject, begin: datetime | None, at: datetime, *, sources: Sources
) -> list[dict[str, Any]]:
    """The consent records of one person, one an answer."""
    held = _held(wanted, Span(begin, at), sources.ledger)
    return list(_records(wanted, held, facts_of(held.part), sources))


# The page


def _page(
    wanted: Wanted,
    at: datetime,
    held: HeldEvidence,
    facts: Facts,
    texts: Sequence[PublishedText],
    notices: Sequence[dict[str, Any]],
    decisions: Sequence[dict[str, Any]],
    files: Mapping[str, bytes],
    unproven: Sequence[str],
) -> str:
    said = _about(wanted)
    return evidence_page(
        EvidenceView(
            about=f"Evidence on {said['kind']} {said['name']}",
            moment=f"{at:%Y-%m-%d %H:%M} UTC",
            head=str(held.head),
            facts=facts,
            signatures=[text.signature for text in texts],
            notices=notices,
            decisions=decisions,
            files=sorted([*files, MANIFEST]),
            unproven=unproven,
            counts=held.counts,
            links={str(text.key): text.links for text in texts},
            of_people=not isinstance(wanted, VersionKey),
        )
    )
