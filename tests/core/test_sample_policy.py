# SPDX-License-Identifier: Apache-2.0
"""The sample policy: four versions that are what they say, with the founding policy's sections."""

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policyctl.adapters.catalogue import load_catalogue
from policyctl.adapters.sample import FILES, SLUG, VERSIONS, sample_table, sample_version
from policyctl.core.diff.compare import compare
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.formats.practices_file import read_practices
from policyctl.core.judge.findings import Judgement, Severity
from policyctl.core.judge.regimes import changes_asked
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.policy import ChangeClass, PolicyText
from policyctl.core.practice import ChoiceMode, Practice
from policyctl.core.revision import Kind, Revision

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue()
LEAD = {each: 0 if each is ChangeClass.EDITORIAL else 30 for each in ChangeClass}
PUBLISHED = {2: date(2026, 3, 2), 3: date(2026, 5, 4), 4: date(2026, 8, 3)}


def version(number: int) -> tuple[PolicyText, tuple[Practice, ...]]:
    policy, practices = (sample_version(number)[f"policies/{SLUG}/{name}"] for name in FILES)
    return (
        read_policy(policy, file="policy.md"),
        read_practices(practices, file="practices.yaml", taxonomy=CATALOGUE.taxonomy),
    )


def step(number: int) -> tuple[Revision, Judgement]:
    (old, before), (new, after) = version(number - 1), version(number)
    revision = compare(old.document, new.document, before, after)
    context = JudgeContext(
        old, new, LEAD, PUBLISHED[number], file="policy.md", practices=after, old_practices=before
    )
    return revision, judge(revision, catalogue=CATALOGUE, context=context)


def asked(number: int) -> list[tuple[str, ChoiceMode]]:
    revision, judgement = step(number)
    found = changes_asked(
        revision, judgement, slug=SLUG, number=number, regimes=(), catalogue=CATALOGUE,
        practices=version(number)[1], old_practices=version(number - 1)[1],
    )  # fmt: skip
    return [(change.name, change.mode) for change in found]


@pytest.mark.parametrize("number", VERSIONS)
def test_every_section_of_the_founding_policy_has_its_clause_and_its_practices(number: int) -> None:
    policy, practices = version(number)
    ids = {clause.id for clause in policy.document.clauses}
    declared = {practice.clause for practice in practices}
    telling = {
        "account-registration", "quote-requests", "messages", "profiles", "cookies", "log-files",
        "clear-gifs", "updates", "service-announcements", "customer-service", "junk-faxes",
        "legal-disclosure", "payment", "business-transitions", "surveys", "security",
        "supplementation", "contact",
    }  # fmt: skip
    assert declared >= telling
    assert declared <= ids
    assert {"links", "changes", "certification"} <= ids
    assert all(clause.explicit_id for clause in policy.document.clauses if clause.heading)


def test_marketing_after_a_quote_can_be_refused_and_announcements_cannot() -> None:
    modes = {practice.id: practice.choice for practice in version(1)[1]}
    assert modes["quote-marketing"] is ChoiceMode.OPT_OUT
    assert modes["announcements"] is ChoiceMode.NONE


def test_the_second_version_is_editorial_and_asks_nobody() -> None:
    revision, judgement = step(2)
    kinds = {kind for change in revision.clauses for kind in change.kinds}
    assert {Kind.MOVED, Kind.RENAMED, Kind.REWORDED, Kind.FORMAT_ONLY} <= kinds
    assert not judgement.verdict.material
    assert judgement.verdict.change_class is ChangeClass.EDITORIAL
    assert asked(2) == []


def test_the_third_version_brings_a_purpose_and_a_recipient_that_need_consent() -> None:
    _, judgement = step(3)
    assert {"PC111", "PC121"} <= {finding.rule for finding in judgement.findings}
    assert judgement.verdict.change_class is ChangeClass.CHOICE
    assert asked(3) == [("example-fax@v3#partner-offers", ChoiceMode.OPT_IN)]


def test_the_fourth_version_is_a_change_of_owner_and_asks_no_more() -> None:
    _, judgement = step(4)
    assert judgement.verdict.change_class is ChangeClass.TRANSITION
    assert asked(4) == []


@pytest.mark.parametrize("number", PUBLISHED)
def test_a_later_version_has_all_that_publishing_needs(number: int) -> None:
    policy, _ = version(number)
    _, judgement = step(number)
    assert policy.change is not None
    assert policy.effective is not None
    assert policy.change.change_class.rank >= judgement.verdict.change_class.rank
    assert (policy.effective - PUBLISHED[number]).days >= 30
    assert policy.change.summary
    assert policy.change.impact or number == 2
    assert not [finding for finding in judgement.findings if finding.severity is Severity.ERROR]


def test_the_policy_of_this_repository_is_the_last_version() -> None:
    for name in FILES:
        path = f"policies/{SLUG}/{name}"
        assert (ROOT / path).read_text("utf-8") == sample_version(VERSIONS[-1])[path]


def test_the_people_of_the_sample_are_invented_and_fit_together() -> None:
    tables = {name: list(csv.DictReader(io.StringIO(sample_table(name).decode()))) for name in (
        "customers.csv", "subjects.csv", "tags-spring.csv", "tags-summer.csv", "choices.csv",
    )}  # fmt: skip
    customers = {row["customer"] for row in tables["customers.csv"]}
    subjects = {row["subject"]: row for row in tables["subjects.csv"]}
    assert len(customers) == 3
    assert {row["locale"] for row in tables["customers.csv"]} == {"en", "de"}
    assert len(tables["customers.csv"]) == 4
    assert {row["customer"] for row in subjects.values()} == customers
    for row in (*tables["tags-spring.csv"], *tables["tags-summer.csv"]):
        assert row["category"] in CATALOGUE.taxonomy.categories
        assert datetime.fromisoformat(row["collected_at"]) >= datetime.fromisoformat(
            subjects[row["subject"]]["known_since"]
        )
        assert datetime.fromisoformat(row["collected_at"]).tzinfo == UTC
    mails = [row.get("admin_email") or row["email"] for row in (*tables["customers.csv"], *subjects.values())]
    assert all(mail.endswith((".example.com", ".example.org")) for mail in mails)
