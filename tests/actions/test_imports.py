# SPDX-License-Identifier: Apache-2.0
"""CSV files into a real ledger: all rows or none, every bad cell named, a repeat adds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from policyctl.actions.deciding.decide import decide_use
from policyctl.actions.recording import imports, record, tagging
from policyctl.adapters.ledger import Ledger
from policyctl.core.policy import VersionKey
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import ImportReceipt
from policyctl.core.use.decision import UseAnswer, UseRequest
from policyctl.errors import CannotCompareError, InputError, InputErrors, PolicyctlError, UsageError
from tests.adapters.ledger_samples import (
    ADS,
    EMAIL,
    MARKETING,
    SERVICE,
    day,
    owed,
    practice,
    version,
)
from tests.ledgers import new_ledger

NOW = day("2026-11-01")
CUSTOMERS = "customer,name,admin_email,admin_name,locale\n"
SUBJECTS = "subject,customer,email,locale,known_since\n"
TAGS = "subject,category,record,collected_at\n"
CHOICES = "subject,change,answer,at\n"
DELIVERIES = "nid,event,at\n"

V1 = version(
    1, "2026-01-01", practice("account", SERVICE), practice("news", MARKETING, choice=ChoiceMode.OPT_OUT)
)
V2 = version(2, "2026-06-01", *V1.practices, practice("ads", ADS), asks={"ads": ChoiceMode.OPT_OUT})

IMPORTS: dict[str, Callable[..., ImportReceipt]] = {
    CUSTOMERS: imports.import_customers,
    SUBJECTS: imports.import_subjects,
    TAGS: tagging.import_tags,
    CHOICES: imports.import_choices,
    DELIVERIES: imports.import_deliveries,
}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """One policy in two versions, a customer with two subjects, one tag each."""
    with new_ledger(tmp_path / "ledger.db") as opened:
        opened.record_version(V1, (), now=NOW)
        load(opened, CUSTOMERS, "acme,Acme Ltd,ada@acme.example.com,Ada,en")
        load(opened, SUBJECTS, "u1,acme,u1@example.com,en,2026-01-02", "u2,acme,,de-AT,2026-01-02")
        load(opened, TAGS, f"u1,{EMAIL},account,2026-02-01", f"u2,{EMAIL},account,2026-02-01")
        opened.record_version(V2, owed(V2, EMAIL), now=NOW)
        yield opened


def load(ledger: Ledger, header: str, *lines: str, dry_run: bool = False) -> ImportReceipt:
    content = (header + "\n".join(lines) + "\n").encode()
    return IMPORTS[header](content, file="rows.csv", now=NOW, ledger=ledger, dry_run=dry_run)


def told(error: PolicyctlError) -> list[tuple[int | None, str | None]]:
    errors = error.errors if isinstance(error, InputErrors) else (error,)
    assert all(each.hint for each in errors)
    return [(each.place.line, each.place.key) for each in errors if each.place]


def ask(ledger: Ledger, purpose: str, at: str = "2026-05-01", who: str = "u1") -> UseAnswer:
    return decide_use(UseRequest(who, EMAIL, purpose, day(at)), ledger=ledger).answer


GOOD = {
    "customers": (
        CUSTOMERS,
        ["bolt,Bolt Ltd,ada@bolt.example.com,,", "bolt,Bolt Ltd,bob@bolt.example.com,Bob,fr"],
        2,
    ),
    "subjects": (SUBJECTS, ["u7,acme,U7@EXAMPLE.com,en,2026-03-01T10:00:00+02:00", "u8,,,,"], 2),
    "tags": (TAGS, [f"u1,{EMAIL},form,2026-07-01", f"u2,{EMAIL},form,2026-07-01"], 2),
    "choices": (CHOICES, ["u1,fax@v1#news,refuse,2026-03-01"], 1),
}


@pytest.mark.parametrize(("header", "lines", "count"), GOOD.values(), ids=GOOD)
def test_a_file_enters_once(ledger: Ledger, header: str, lines: list[str], count: int) -> None:
    assert load(ledger, header, *lines, dry_run=True) == ImportReceipt(count, 0)
    assert load(ledger, header, *lines) == ImportReceipt(count, 0)
    assert load(ledger, header, *lines) == ImportReceipt(0, count)


BAD = {
    "customers": (
        CUSTOMERS,
        ["new,New Ltd,ada@new.example.com,Ada,en", ",No Id,a@example.com,,", "b,,not-an-address,,english_",
         "acme,Other Name,ada@acme.example.com,Ada,en"],
        [(3, "customer"), (4, "name"), (4, "admin_email"), (4, "locale"), (5, "name")]),
    "subjects": (
        SUBJECTS,
        ["u9,acme,,,", "u3,acme,u3@,en,2026-02-31", "u4,acme,,en,2027-01-01", "u5,nobody,,en,2026-01-01"],
        [(3, "email"), (3, "known_since"), (4, "known_since"), (5, "customer")]),
    "tags": (
        TAGS,
        [f"u1,{EMAIL},new,2026-07-01", f"u1,{EMAIL},ada@example.com,2026-07-01", f"u1,{EMAIL},x,soon",
         "u1,user.contact.mail,x,2026-07-01", f"nobody,{EMAIL},x,2026-07-01"],
        [(3, "record"), (4, "collected_at"), (5, "category"), (6, "subject")]),
    "choices": (
        CHOICES,
        ["u1,fax@v1#news,refuse,2026-03-01", "u1,fax@v1#news,perhaps,2026-03-01",
         ",fax@v1#news,refuse,2026-03-01",
         "u1,fax@v9#news,refuse,2026-03-01", "u1,news,refuse,2026-03-01"],
        [(3, "answer"), (4, "subject"), (5, "change"), (6, "change")]),
    "deliveries": (
        DELIVERIES,
        ["0123,delivered,2026-07-01", "0123,arrived,2026-07-01"],
        [(2, "nid"), (3, "event")]),
}  # fmt: skip


@pytest.mark.parametrize(("header", "lines", "expected"), BAD.values(), ids=BAD)
def test_every_bad_row_is_named_and_none_enters(
    ledger: Ledger, header: str, lines: list[str], expected: list[tuple[int, str]]
) -> None:
    with pytest.raises(InputError) as raised:
        load(ledger, header, *lines)
    assert told(raised.value) == expected
    assert raised.value.exit_code == 3
    if len(lines) > 2:  # the first row is good, and was kept out by the others
        assert load(ledger, header, lines[0]).added == 1


def test_an_address_is_never_quoted_in_a_complaint(ledger: Ledger) -> None:
    with pytest.raises(InputError) as raised:
        load(ledger, SUBJECTS, "u3,acme,secret.person@@example.com,en,", "u4,acme,sec ret@example.com,en,")
    assert "secret" not in str(raised.value)
    assert "sec ret" not in str(raised.value)


def test_control_characters_and_endless_cells_are_refused(ledger: Ledger) -> None:
    with pytest.raises(InputErrors) as raised:
        load(ledger, SUBJECTS, "u\x1b[31m,acme,,en,", f"{'u' * 201},acme,,en,", '"a\nb",acme,,en,')
    assert told(raised.value) == [(2, "subject"), (3, "subject"), (4, "subject")]


def test_a_customers_answers_come_from_a_column_of_their_own(ledger: Ledger) -> None:
    content = b"subject,customer,change,answer,at\n,acme,fax@v1#news,refuse,2026-03-01\n"
    receipt = imports.import_choices(content, file="choices.csv", now=NOW, ledger=ledger)
    assert receipt.added == 1
    assert ask(ledger, MARKETING) is UseAnswer.REFUSED
    assert ask(ledger, MARKETING, who="u2") is UseAnswer.REFUSED


VERSIONS = {
    "3": False,
    "v1": True,
    "1": True,
    "fax@v1": True,
    "fax@1": True,
    "phone@v1": False,
    "v0": False,
    "first": False,
}


@pytest.mark.parametrize(("written", "fine"), VERSIONS.items())
def test_a_version_may_be_written_in_several_ways(ledger: Ledger, written: str, *, fine: bool) -> None:
    content = f"subject,category,record,collected_at,version\nu1,{EMAIL},form,2026-03-01,{written}\n".encode()

    def run() -> ImportReceipt:
        return tagging.import_tags(content, file="tags.csv", now=NOW, ledger=ledger)

    if fine:
        assert run().added == 1
    else:
        with pytest.raises(InputError, match="version"):
            run()


def test_with_several_policies_one_has_to_be_named(ledger: Ledger) -> None:
    ledger.record_version(version(1, "2026-01-01", slug="phone"), (), now=NOW)
    with pytest.raises(InputError, match="several policies"):
        load(ledger, TAGS, f"u1,{EMAIL},form,2026-03-01")
    content = f"{TAGS}u1,{EMAIL},form,2026-03-01\n".encode()
    receipt = tagging.import_tags(content, file="tags.csv", now=NOW, ledger=ledger, policy="phone")
    assert receipt.added == 1


def test_tags_before_any_version_say_what_comes_first(tmp_path: Path) -> None:
    with new_ledger(tmp_path / "new.db") as ledger:
        with pytest.raises(CannotCompareError, match="no version") as raised:
            load(ledger, TAGS, f"u1,{EMAIL},form,2026-03-01")
        assert "publish" in raised.value.hint


def test_one_tag_is_added_like_a_row(ledger: Ledger) -> None:
    def add(record_: str, category: str = EMAIL) -> bool:
        return tagging.add_tag("u1", category, record_, day("2026-03-01"), now=NOW, ledger=ledger)

    assert add("form")
    assert not add("form")
    with pytest.raises(InputErrors) as raised:
        add("other", "user.contact.mail")
    assert told(raised.value) == [(None, "category")]
    assert EMAIL in raised.value.errors[0].hint
    with pytest.raises(InputError, match="record"):
        add("a@example.com")


# One at a time


def test_an_opt_out_is_heard_from_the_moment_it_was_given(ledger: Ledger) -> None:
    at = day("2026-03-01")
    assert record.choose("fax@v1#news", "refuse", subject="u1", at=at, now=NOW, ledger=ledger)
    assert not record.choose("fax@v1#news", "refuse", subject="u1", at=at, now=NOW, ledger=ledger)
    assert ask(ledger, MARKETING, "2026-02-28") is UseAnswer.PERMITTED
    assert ask(ledger, MARKETING, "2026-03-01") is UseAnswer.REFUSED


def test_a_delivery_and_a_bounce_are_heard(ledger: Ledger) -> None:
    nid = next(row[0] for row in ledger.nids(V2.key) if row[2] == "subject")
    assert ask(ledger, ADS, "2026-10-01") is UseAnswer.REFUSED
    record.deliver(nid, "delivered", at=day("2026-07-01"), now=NOW, ledger=ledger)
    assert ask(ledger, ADS, "2026-10-01") is UseAnswer.PERMITTED
    record.deliver(nid, "bounced", at=day("2026-07-02"), now=NOW, ledger=ledger)
    assert ask(ledger, ADS, "2026-10-01") is UseAnswer.REFUSED


def test_an_acceptance_makes_a_subject_known(ledger: Ledger) -> None:
    key = VersionKey("fax", 2)
    assert record.accept("new", key, at=day("2026-05-01"), now=NOW, ledger=ledger, customer="acme")
    assert not record.accept("new", key, at=day("2026-05-02"), now=NOW, ledger=ledger)
    load(ledger, TAGS, f"new,{EMAIL},form,2026-05-15")
    assert ask(ledger, ADS, "2026-05-20", "new") is UseAnswer.PERMITTED
    assert ask(ledger, ADS, "2026-04-30", "new") is UseAnswer.UNDECIDED


REFUSED = {
    "an answer of nobody": ({}, "subject's or a customer's"),
    "an answer of two": ({"subject": "u1", "customer": "acme"}, "subject's or a customer's"),
    "an unknown word": ({"subject": "u1", "answer": "refused"}, "refused"),
    "a moment that is to come": ({"subject": "u1", "at": day("2026-11-02")}, "future"),
    "a blank name": ({"subject": " "}, "no name"),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED)
def test_a_bad_argument_is_a_usage_error(ledger: Ledger, changes: dict, said: str) -> None:
    arguments = {
        "change": "fax@v1#news",
        "answer": "refuse",
        "at": NOW,
        "now": NOW,
        "ledger": ledger,
        **changes,
    }
    with pytest.raises(UsageError, match=said) as raised:
        record.choose(**arguments)
    assert raised.value.hint


@pytest.mark.parametrize("change", ["news", "fax@v1", "fax@v1#nothing", "fax@v9#news", "../x@v1#news"])
def test_an_unknown_change_is_an_input_error(ledger: Ledger, change: str) -> None:
    with pytest.raises(InputError, match="change") as raised:
        record.choose(change, "refuse", subject="u1", at=NOW, now=NOW, ledger=ledger)
    assert raised.value.exit_code == 3


def test_acknowledging_is_recorded_for_known_customers_and_versions(ledger: Ledger) -> None:
    assert record.acknowledge("acme", VersionKey("fax", 2), at=NOW, now=NOW, ledger=ledger)
    assert ledger.acknowledgements(VersionKey("fax", 2)) == (("acme", NOW),)
    with pytest.raises(CannotCompareError, match="fax@v7"):
        record.acknowledge("acme", VersionKey("fax", 7), at=NOW, now=NOW, ledger=ledger)


# Time travel, on the ledger


def test_the_same_question_is_answered_alike_whenever_it_is_asked(ledger: Ledger) -> None:
    moments = [f"2026-{month:02d}-15" for month in range(1, 11)]
    questions = [
        UseRequest(who, EMAIL, purpose, day(at))
        for who in ("u1", "u2") for purpose in (SERVICE, MARKETING, ADS) for at in moments
    ]  # fmt: skip
    before = [decide_use(question, ledger=ledger) for question in questions]
    assert {decision.answer for decision in before} == set(UseAnswer)
    nid = next(row[0] for row in ledger.nids(V2.key) if row[2] == "subject")
    late = day("2026-10-20")
    record.deliver(nid, "delivered", at=late, now=NOW, ledger=ledger)
    record.choose("fax@v1#news", "refuse", subject="u1", at=late, now=NOW, ledger=ledger)
    record.choose("fax@v2#ads", "consent", subject="u2", at=late, now=NOW, ledger=ledger)
    record.choose("fax@v1#account", "refuse", customer="acme", at=late, now=NOW, ledger=ledger)
    record.accept("u1", V2.key, at=late, now=NOW, ledger=ledger)
    load(ledger, TAGS, f"u1,{EMAIL},late,2026-10-20")
    ledger.record_version(version(3, "2027-01-01", practice("nothing", "essential")), (), now=NOW)
    after = [decide_use(question, ledger=ledger) for question in questions]
    same = [(old.answer, old.reasons, old.tags) for old in before]
    assert [(new.answer, new.reasons, new.tags) for new in after] == same
    assert [
        decide_use(q, ledger=ledger, upto=old.sequence) for q, old in zip(questions, before, strict=True)
    ] == before
    assert ask(ledger, SERVICE, "2026-10-25") is UseAnswer.REFUSED
