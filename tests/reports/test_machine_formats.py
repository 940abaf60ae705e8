# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.resources import files
from io import StringIO
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from policyctl.core.judge.findings import ChangeAsked
from policyctl.core.judge.rules import RULES
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import DeliveryName, OutboxState
from policyctl.core.notices.progress import Answered, Progress, Standing
from policyctl.core.notices.reach import Reason as Why
from policyctl.core.notices.reach import Timing
from policyctl.core.place_standing import PlaceStanding
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Tag
from policyctl.core.text.parse import parse
from policyctl.core.use.decision import Decision, Explanation, Finding, Reason, UseAnswer, UseRequest
from policyctl.errors import InputError, Place
from policyctl.reports.checking.check_v1 import check_json
from policyctl.reports.checking.checked import Checked, Report
from policyctl.reports.checking.rules_v1 import rules_json
from policyctl.reports.checking.text import check_text
from policyctl.reports.comparing.clauses_v1 import clauses_json, clauses_text
from policyctl.reports.comparing.comparison import side_of
from policyctl.reports.deciding.decision_v1 import decision_json, decision_text
from policyctl.reports.doctor_v1 import doctor_json, doctor_text
from policyctl.reports.notices.plan_v1 import Audience, Plan, plan_json, plan_text
from policyctl.reports.notices.status_v1 import owed, status_csv, status_json, status_text
from policyctl.reports.receipt_v1 import Receipt, receipt_json, receipt_text
from tests.reports import samples

AT = datetime(2027, 3, 4, 5, 6, 7, tzinfo=UTC)
V2 = VersionKey("example-notes", 2)


def valid(name: str, value: dict[str, Any]) -> dict[str, Any]:
    text = (files("policyctl") / "schemas" / f"{name}.schema.json").read_text("utf-8")
    again: dict[str, Any] = json.loads(json.dumps(value))
    Draft202012Validator(json.loads(text)).validate(again)
    return again


@dataclass(frozen=True)
class Version:
    version: VersionKey = V2
    title: str = "Example Notes"
    change_class: ChangeClass | None = ChangeClass.CHOICE
    published_at: datetime = AT
    effective: date | None = date(2027, 4, 5)
    in_force: bool = True
    in_ledger: bool = True
    progress: Progress = field(default_factory=lambda: Progress(V2))
    duties: tuple[str, ...] = ()
    places: tuple[PlaceStanding, ...] = ()

    @property
    def complete(self) -> bool:
        return self.in_ledger and not self.duties


@dataclass(frozen=True)
class State:
    versions: tuple[Version, ...]
    slug: str = "example-notes"
    draft_differs: bool = False
    uncommitted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looked:
    name: str = "git"
    state: str = "warning"
    seen: str = "the clone is \x1b[31mshallow"
    mend: str = "git fetch --unshallow"


REQUEST = UseRequest("customer-17/user-3", "user.contact.email", "marketing", AT, recipient="processor")
DECISION = Decision(
    Finding(UseAnswer.REFUSED, "no_consent", 2, V2, "quotes", "quote-marketing", V2, V2),
    Explanation(
        (
            Reason(
                1,
                2,
                "Version 2 asks for consent and there is none.",
                V2,
                "quotes",
                "quote-marketing",
                "no_consent",
            ),
            Reason(2, 5, "x", code="customer_objected"),
        ),
        (
            Tag("5f2c", "user.contact.email", "crm/17", AT, V2),
            Tag("5f2c", "user.contact", "crm/18", AT, None),
        ),
        ("a consent to example-notes@v2#quote-marketing",),
    ),
    17,
    "a" * 64,
)


def test_a_decision_names_answer_reasons_tags_and_what_is_missing() -> None:
    said = valid("decision", decision_json(REQUEST, DECISION))
    assert said["answer"] == "refused"
    assert [reason["number"] for reason in said["reasons"]] == [1, 2]
    assert (said["code"], said["in_force"]) == ("no_consent", "example-notes@v2")
    assert [reason["code"] for reason in said["reasons"]] == ["no_consent", "customer_objected"]
    assert said["ledger"] == {"entry": 17, "root": "a" * 64}
    assert said["reasons"][0]["version"] == "example-notes@v2"
    assert [tag["version"] for tag in said["tags"]] == ["example-notes@v2", None]
    assert said["missing"] == ["a consent to example-notes@v2#quote-marketing"]


def test_who_sees_one_customers_part_is_not_told_how_far_the_ledger_has_come() -> None:
    said = valid("decision", decision_json(REQUEST, DECISION, whole=False))
    assert said["ledger"] is None


def test_a_decision_never_repeats_the_callers_name_for_the_subject() -> None:
    assert REQUEST.subject not in json.dumps(decision_json(REQUEST, DECISION))


def test_a_decision_for_a_person_begins_with_the_answer() -> None:
    lines = decision_text(DECISION).split("\n")
    assert lines[0] == "refused"
    assert "clause quotes" in lines[1]
    assert any("missing: a consent" in line for line in lines)


def test_clauses_are_listed_with_lines_of_the_file_and_ids() -> None:
    side = side_of("policy.md", None, samples.NEW.encode())
    said = valid("clauses", clauses_json(side, parse(samples.NEW)))
    assert [clause["id"] for clause in said["clauses"]] == ["collection", "cookies", "sharing-with-others"]
    text = clauses_text(side, parse(samples.NEW))
    assert "3 clauses" in text
    assert "Cookies  #cookies" in text


def test_a_check_tells_findings_and_complaints_with_their_places() -> None:
    full = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
    error = InputError(
        "31 February is no day", hint="write a day", place=Place("policy.md", 3, 4, "effective")
    )
    policies = (
        Checked("example-notes", "example-notes@v1", full, full.judgement.findings, file="policy.md"),
        Checked("other", None, None, (), (error,)),
        Checked("new", None, None, ()),
    )
    report = Report(policies, "warning", 3)
    said = valid("check", check_json(report))
    assert said["result"] == "could-not-compare"
    assert [policy["state"] for policy in said["policies"]] == ["changed", "could-not-compare", "new"]
    assert said["policies"][0]["findings"][0]["rule"] == "PC101"
    assert said["policies"][1]["errors"][0] == {
        "message": "31 February is no day",
        "hint": "write a day",
        "file": "policy.md",
        "line": 3,
        "column": 4,
        "key": "effective",
    }
    text = check_text(report, width=80, colour=False)
    assert "policy.md:3:4 (effective): 31 February is no day" in text
    assert "new: new, no version to compare it with" in text
    assert "this is not a pass" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("blocking", [0, 1])
def test_a_plan_names_audiences_by_number_and_says_what_stands_in_the_way(blocking: int) -> None:
    asked = ChangeAsked(
        "example-notes@v2#ads",
        "ads",
        ("user.contact.email",),
        "marketing",
        ("advertiser",),
        ChoiceMode.OPT_IN,
    )
    plan = Plan(
        V2,
        "Example Notes",
        ChangeClass.CHOICE,
        date(2027, 3, 4),
        None,
        "0" * 40,
        (samples.FINDING,) * blocking,
        blocking,
        (asked,),
        (Audience("revision", "administrators", 3, (), {Why.ADMINISTRATOR: 2, Why.NO_ADMINISTRATOR: 1}),),
        ("diffs/example-notes/v1..v2.md",),
        Timing(date(2027, 3, 4), date(2027, 3, 25), 30),
    )
    said = valid("plan", plan_json(plan))
    (told,) = said["audiences"]
    assert (told["notice"], told["audience"], told["addressees"]) == ("revision", "administrators", 3)
    assert [(group["reason"], group["count"], group["held"]) for group in told["groups"]] == [
        ("administrator", 2, False),
        ("no-administrator", 1, True),
    ]
    assert (said["timing"]["lead_days"], said["timing"]["late_days"]) == (30, 9)
    text = plan_text(plan, width=80, colour=False)
    assert "3 administrators" in text
    assert "2 customers: every customer's administrator gets a copy of a revised policy" in text
    assert "1 customer: held: no administrator's address is on record" in text
    assert "notices: LATE by 9 days: to leave by 23 February 2027, 30 days before" in text
    assert ("blocked by 1 finding" in text) is bool(blocking)


def test_status_shows_every_addressee_in_one_group_and_what_is_owed() -> None:
    def stand(state: OutboxState, event: DeliveryName | None, count: int) -> Standing:
        return Standing(V2, NoticeKind.REVISION, state, event, overdue=False, late=False, count=count)

    progress = Progress(
        V2,
        (
            stand(OutboxState.RELEASED, DeliveryName.DELIVERED, 7),
            stand(OutboxState.RELEASED, DeliveryName.BOUNCED, 2),
            stand(OutboxState.PLANNED, None, 1),
        ),
        {NoticeKind.REVISION: Answered(acknowledged=3)},
    )
    states = [
        State((Version(progress=progress, duties=("2 notices came back",)),)),
        State((), "empty", uncommitted=("policies/empty/policy.md",)),
    ]
    (row,) = valid("status", status_json(states))["policies"][0]["versions"][0]["addressees"]
    groups = {"delivered": 7, "pending": 1, "unconfirmed": 0, "failed": 2, "held": 0}
    did = {"acknowledged": 3, "objected": 0, "chosen": 0}
    assert row == {"notice": "revision", "total": 10, **groups, **did}
    text = status_text(states)
    assert "[##############..!!!!]" in text
    assert "owed: 2 notices came back" in text
    assert "empty: not published yet" in text
    assert owed(states)
    (line,) = csv.DictReader(StringIO(status_csv(states)))
    assert {name: line[name] for name in groups} == {name: str(number) for name, number in groups.items()}
    assert (line["version"], line["complete"]) == ("2", "no")


@pytest.mark.parametrize(
    ("version", "open_duty"),
    [(Version(), False), (Version(in_ledger=False), True), (Version(duties=("a mail bounced",)), True)],
)
def test_a_version_is_settled_only_when_the_ledger_has_it_and_no_duty_is_open(
    version: Version, *, open_duty: bool
) -> None:
    assert owed([State((version,))]) is open_duty


def test_a_receipt_of_a_dry_run_says_that_nothing_was_done() -> None:
    receipt = Receipt(
        "new",
        dry_run=True,
        counts=(("clauses", 23),),
        written=("policies/a/policy.md",),
        remarks=("look here",),
        next="policyctl check",
    )
    assert valid("receipt", receipt_json(receipt))["dry_run"] is True
    assert "nothing was done" in receipt_text(receipt)
    assert "next" not in receipt_text(receipt)


def test_a_decision_that_rests_on_old_data_says_where_that_is_known_from() -> None:
    tag = Tag("0" * 32, "user.name", "crm-1", AT, V2, "paper forms of 2019")
    reason = Reason(1, 2, "stated", V2)
    text = decision_text(
        Decision(Finding(UseAnswer.PERMITTED, "stated", 2, V2), Explanation((reason,), (tag,), ()))
    )
    assert "record crm-1, known from: paper forms of 2019" in text


def test_the_doctor_writes_control_characters_out() -> None:
    valid("doctor", doctor_json([Looked()]))
    assert "\x1b" not in doctor_text([Looked()])
    assert "mend: git fetch --unshallow" in doctor_text([Looked()])


def test_the_rules_keep_to_their_schema() -> None:
    said = valid("rules", rules_json(RULES))
    assert [rule["id"] for rule in said["rules"]] == [rule.id for rule in RULES]
