# SPDX-License-Identifier: Apache-2.0
"""Consent records in the shape of ISO/IEC TS 27560:2023, as JSON-LD with terms of the Data Privacy
Vocabulary.

The keys are the field names of the specification. The context that stands in each record says which term of
DPV 2.3 each of them means, as its guide to the specification does, so nothing has to be fetched to read it as
linked data. One record an answer: what a person took back is a record of its own that says so.

What we do not know stays out, and is never made up: jurisdiction, places of processing, rights. An answer to
a practice that is not at hand has no record, as one without a purpose is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyctl.core.notices.notice import Sender
from policyctl.core.practice import Taxonomy

SCHEMA = "policyctl.consents/1"
VERSION = "ISO/IEC TS 27560:2023"

_CONTEXT: Mapping[str, Any] = {
    "dct": "http://purl.org/dc/terms/",
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "schema_version": "dct:conformsTo",
    "record_id": "dct:identifier",
    "pii_principal_id": "dpv:hasDataSubject",
    "pii_processing": "dpv:hasProcess",
    "privacy_notice": {"@id": "dpv:hasNotice"},
    "language": "dct:language",
    "purposes": "dpv:hasPurpose",
    "purpose": "dct:title",
    "purpose_type": {"@id": "skos:broader", "@type": "@id"},
    "lawful_basis": {"@id": "dpv:hasLegalBasis", "@type": "@id"},
    "pii_information": "dpv:hasPersonalData",
    "pii_type": {"@id": "skos:broader", "@type": "@id"},
    "pii_controllers": {"@id": "dpv:hasDataController", "@type": "@id"},
    "recipient_third_parties": "dpv:hasRecipient",
    "retention_period": "dpv:hasStorageCondition",
    "collection_method": "dpv:hasDataSource",
    "processing_method": {"@id": "dpv:hasProcessing", "@type": "@id"},
    "withdrawal_method": "dpv:hasConsentControl",
    "party_identification": "dpv:hasEntity",
    "party_id": "dct:identifier",
    "party_name": "dpv:hasName",
    "party_address": "dpv:hasAddress",
    "party_contact": "dpv:hasContact",
    "party_role": {"@id": "rdf:type", "@type": "@id"},
    "event": "dpv:hasConsentStatus",
    "event_time": {"@id": "dpv:isIndicatedAtTime", "@type": "xsd:dateTime"},
    "event_type": {"@id": "dpv:hasLegalBasis", "@type": "@id"},
    "event_state": {"@id": "rdf:type", "@type": "@id"},
    "validity_duration": "dpv:hasDuration",
    "entity_id": "dpv:isIndicatedBy",
    "consent_receipt": "dct:references",
}
_STATES = {
    "consent": "dpv:ConsentGiven", "refuse": "dpv:ConsentRefused", "withdraw": "dpv:ConsentWithdrawn",
}  # fmt: skip
# Somebody answered a question about this one use. How it was put to them is more than the ledger knows.
_TYPE = "dpv:ExpressedConsent"
_VALID = {"@type": "dpv:UntilEventDuration", "dct:description": "until another answer is given"}
_CONTROLLER = "_:controller"


@dataclass(frozen=True, slots=True)
class ConsentSource:
    """What records are made of: the facts of a bundle, the caller's own id of who answers, and which
    receipt was mailed for which notice (by the number of the version).
    """

    who: str
    facts: Mapping[str, Sequence[Mapping[str, Any]]]
    receipts: Mapping[str, str]


def consent_records(source: ConsentSource, *, sender: Sender, taxonomy: Taxonomy) -> Iterator[dict[str, Any]]:
    """One record an answer, oldest first; none for an answer to what is not at hand. An answer of the
    organisation says that it is one.
    """
    for fact in sorted(source.facts["choices"], key=lambda each: each["sequence"]):
        if (practice := _practice(fact, source.facts)) is not None:
            yield _record(fact, practice, source, sender, taxonomy)


def consents_json(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All records of one person."""
    return {"schema": SCHEMA, "records": list(records)}


def _practice(
    fact: Mapping[str, Any], facts: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Mapping[str, Any] | None:
    """What an answer is about."""
    names = ((f"{each['version']}#{each['id']}", each) for each in facts["practices"])
    return next((practice for name, practice in names if name == fact["change"]), None)


def _record(
    fact: Mapping[str, Any],
    practice: Mapping[str, Any],
    source: ConsentSource,
    sender: Sender,
    taxonomy: Taxonomy,
) -> dict[str, Any]:
    change, version, facts = str(fact["change"]), str(practice["version"]), source.facts
    published = next((each for each in facts["versions"] if each["version"] == version), None)
    receipt = source.receipts.get(version, "")
    return {
        "@context": dict(_CONTEXT),
        "@id": f"urn:policyctl:choice:{fact['sequence']}",
        "@type": "dpv:ConsentRecord",
        "schema_version": VERSION,
        "record_id": f"{change}/{fact['sequence']}",
        "pii_principal_id": source.who,
        "pii_processing": {
            "@type": "dpv:Process",
            "privacy_notice": _notice(version, published, sender),
            "language": _language(version, facts),
            "purposes": [_purpose(practice, taxonomy)],
        },
        "party_identification": [_controller(sender)],
        "event": [
            {
                "event_time": fact["at"],
                "event_type": _TYPE,
                "event_state": _STATES[fact["answer"]],
                "validity_duration": dict(_VALID),
                "entity_id": source.who if fact["scope"] == "subject" else "the organisation of the person",
            }
        ],
        **({"consent_receipt": receipt} if receipt else {}),
    }


def _language(version: str, facts: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """That of the policy, as the notice about it says; ``und`` where none does."""
    said = (each["language"] for each in facts["notices"] if each["version"] == version)
    return next(filter(None, said), "und")


def _notice(version: str, published: Mapping[str, Any] | None, sender: Sender) -> dict[str, Any]:
    slug, _, number = version.partition("@v")
    found: dict[str, Any] = {"@type": "dpv:PrivacyNotice", "dct:identifier": version}
    if published is not None:
        found |= {"dct:title": published["title"], "dct:issued": published["published_at"]}
        found["dct:provenance"] = f"sha256:{published['text_sha256']}"
    if sender.base_url:
        found["@id"] = f"{sender.base_url}/{slug}/v{number}/"
    return found


def _purpose(practice: Mapping[str, Any], taxonomy: Taxonomy) -> dict[str, Any]:
    purpose = taxonomy.purposes.get(practice["purpose"])
    found: dict[str, Any] = {
        "@type": "dpv:Purpose",
        "purpose": purpose.label if purpose else practice["purpose"],
        "purpose_type": purpose.dpv if purpose and purpose.dpv else "dpv:Purpose",
        # Under opt-out nobody is asked to consent, and the ledger does not know which basis there is then.
        "lawful_basis": "dpv:Consent" if practice["choice"] == "opt-in" else "dpv:LegalBasis",
        "pii_information": [_data(category, taxonomy) for category in practice["categories"]],
        "pii_controllers": [_CONTROLLER],
        "collection_method": "as the clause of the notice says",
        "processing_method": "dpv:Use",
        "recipient_third_parties": [name or kind for kind, name in practice["recipients"]],
        "withdrawal_method": {
            "@type": "dpv:WithdrawConsent",
            "dct:description": "by the link in the notice, or by writing to the controller",
        },
        "dct:source": f"{practice['version']}#{practice['clause']}",
    }
    if practice["retention"]:
        found["retention_period"] = {
            "@type": "dpv:StorageDuration",
            "dct:description": practice["retention"],
        }
    return found


def _data(category: str, taxonomy: Taxonomy) -> dict[str, Any]:
    term = taxonomy.categories.get(category)
    kind = "dpv:SensitivePersonalData" if term and term.sensitive else "dpv:PersonalData"
    return {
        "@type": kind,
        "pii_type": term.dpv if term and term.dpv else "dpv:PersonalData",
        "dct:title": term.label if term else category,
        "dct:identifier": category,
    }


def _controller(sender: Sender) -> dict[str, Any]:
    return {
        "@id": _CONTROLLER,
        "party_id": _CONTROLLER,
        "party_name": sender.from_name,
        "party_address": sender.postal_address,
        "party_contact": sender.reply_to,
        "party_role": "dpv:DataController",
    }
