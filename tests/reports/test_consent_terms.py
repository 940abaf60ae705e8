"""The terms of consent records are names that the Data Privacy Vocabulary has."""

from __future__ import annotations

import json
import re
from typing import Any

from policyctl.adapters.catalogue import load_catalogue
from policyctl.core.notices.notice import Sender
from policyctl.reports.evidence.consents import ConsentSource, consent_records

# Each was looked up in the published lists of DPV 2.3 (dpv.csv, pd.csv). One that is not here has to be, too.
KNOWN = """
dpv:Advertising dpv:Authority dpv:CommunicationForCustomerCare dpv:Consent dpv:ConsentGiven
dpv:ConsentRecord dpv:ConsentRefused dpv:ConsentWithdrawn dpv:CustomerCare
dpv:CustomerRelationshipManagement dpv:DataController dpv:DataProcessor dpv:DirectMarketing
dpv:EnforceSecurity dpv:ExpressedConsent dpv:FraudPreventionAndDetection dpv:IdentityAuthentication
dpv:ImproveExistingProductsAndServices dpv:InternalResourceOptimisation dpv:LegalBasis
dpv:LegalCompliance dpv:Marketing dpv:PaymentManagement dpv:PersonalData dpv:Personalisation
dpv:PersonalisedAdvertising dpv:PersonnelHiring dpv:PersonnelManagement dpv:PrivacyNotice
dpv:Process dpv:Purpose dpv:RecordManagement dpv:SensitivePersonalData dpv:ServicePersonalisation
dpv:ServiceProvision dpv:ServiceUsageAnalytics dpv:StorageDuration dpv:TargetedAdvertising
dpv:TechnicalServiceProvision dpv:ThirdParty dpv:UntilEventDuration dpv:Use dpv:WithdrawConsent
dpv:hasAddress dpv:hasConsentControl dpv:hasConsentStatus dpv:hasContact dpv:hasDataController
dpv:hasDataSource dpv:hasDataSubject dpv:hasDuration dpv:hasEntity dpv:hasLegalBasis dpv:hasName
dpv:hasNotice dpv:hasPersonalData dpv:hasProcess dpv:hasProcessing dpv:hasPurpose dpv:hasRecipient
dpv:hasStorageCondition dpv:isIndicatedAtTime dpv:isIndicatedBy pd:AgeRange pd:Authenticating
pd:BankAccount pd:Behavioural pd:Biometric pd:BirthDate pd:BrowsingBehaviour pd:City
pd:Communication pd:Contact pd:Country pd:CreditCardNumber pd:Criminal pd:Demographic pd:DeviceBased
pd:EmailAddress pd:Financial pd:Fingerprint pd:GPSCoordinate pd:Gender pd:Genetic pd:HealthRecord
pd:IPAddress pd:Identifier pd:IndividualProfile pd:Job pd:Language pd:Location pd:MaritalStatus
pd:MedicalHealth pd:Name pd:OfficialID pd:Passport pd:Password pd:PhysicalAddress pd:PhysicalHealth
pd:Picture pd:PoliticalOpinion pd:PostalCode pd:Preference pd:PrivacyPreference pd:Professional
pd:Purchase pd:Race pd:Region pd:ReligiousBelief pd:Retina pd:ServiceConsumptionBehaviour
pd:SexualPreference pd:Social pd:Street pd:TelephoneNumber pd:Transactional pd:UID pd:Username
pd:VehicalLicenseRegistration
"""
PRACTICE = {
    "version": "fax@v2", "id": "news", "clause": "collect", "categories": ["user.contact.email"],
    "purpose": "marketing.communications.email", "recipients": [["third_party", "Mailer Ltd"]],
    "retention": "two years", "choice": "opt-in",
}  # fmt: skip
FACTS: dict[str, list[dict[str, Any]]] = {
    "choices": [
        {"scope": "subject", "change": "fax@v2#news", "answer": answer, "at": "2027-03-11T09:00:00+00:00",
         "sequence": number}
        for number, answer in enumerate(("consent", "withdraw", "refuse"), start=1)
    ],
    "practices": [PRACTICE],
    "versions": [],
    "notices": [],
}  # fmt: skip
SENDER = Sender("privacy@example.com", "Example", "privacy@example.com", "1 Sample Street")


def records(**changed: Any) -> list[dict[str, Any]]:
    source = ConsentSource("u-17", FACTS | changed, {})
    return list(consent_records(source, sender=SENDER, taxonomy=load_catalogue().taxonomy))


def terms(text: str) -> set[str]:
    return set(re.findall(r"\b(?:dpv|pd):[A-Za-z]+", text))


def test_every_term_is_one_of_the_vocabulary() -> None:
    taxonomy = load_catalogue().taxonomy
    of_terms = {term.dpv for group in (taxonomy.categories, taxonomy.purposes) for term in group.values()}
    used = terms(json.dumps(records())) | terms(" ".join(filter(None, of_terms)))
    assert len(used) > 60
    assert used <= terms(KNOWN)


def test_every_key_of_a_record_stands_for_a_term() -> None:
    def keys(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(keys, value))
        if not isinstance(value, dict):
            return set()
        return {key for key in value if key[0] != "@" and ":" not in key} | keys(list(value.values()))

    for record in records():
        context = record.pop("@context")
        assert keys(record) <= set(context)
        (party,) = record["party_identification"]
        assert record["pii_processing"]["purposes"][0]["pii_controllers"] == [party["@id"]]


def test_each_answer_says_its_state_and_how_long_it_counts() -> None:
    events = [record["event"][0] for record in records()]
    assert [event["event_state"] for event in events] == [
        "dpv:ConsentGiven", "dpv:ConsentWithdrawn", "dpv:ConsentRefused"
    ]  # fmt: skip
    assert {event["event_type"] for event in events} == {"dpv:ExpressedConsent"}
    assert all(event["validity_duration"]["dct:description"] for event in events)


def test_an_answer_to_what_is_not_at_hand_has_no_record() -> None:
    assert records(practices=[]) == []
