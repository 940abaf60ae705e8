# SPDX-License-Identifier: Apache-2.0
"""Who is reminded, planned by both databases; and that a reminder is never taken for the notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base.common import notice_secret
from policyctl.adapters.ledger.base.engine import nid_of
from policyctl.core.notices.notice import NoticeKind
from policyctl.core.notices.outbox import Audience, DeliveryEvent, DeliveryName, OutboxState, PlannedNotice
from policyctl.core.notices.progress import Group
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import ChoiceMode, Recipient
from policyctl.core.records import REMINDER, Answer, VersionRecord
from policyctl.core.use.matrix import BulkQuestion, Matrix
from policyctl.core.use.question import UseRequest
from tests.adapters.ledger_samples import (
    ADS,
    CONTACT,
    EMAIL,
    KEY,
    MARKETING,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    day,
    notice,
    practice,
    subject,
    tag,
    version,
)

PUBLISHED, REACHED, EFFECTIVE = day("2026-11-10"), day("2026-12-13"), day("2026-12-20")
LAST = day("2026-12-19")
LEADS = (7, 1)
NEWS, OFFERS = "fax@v2#news", "fax@v2#ads"
BOTH = frozenset({NEWS, OFFERS})
ADA, BOLT = "ada@acme.example.com", "ada@bolt.example.com"
V1 = version(1, "2026-01-01", practice("account", SERVICE))
V2 = version(
    2,
    "2026-12-20",
    *V1.practices,
    practice("news", MARKETING, choice=ChoiceMode.OPT_IN),
    practice("ads", ADS, choice=ChoiceMode.OPT_OUT),
    asks={"news": ChoiceMode.OPT_IN, "ads": ChoiceMode.OPT_OUT},
    change_class=ChangeClass.CHOICE,
)
V3_WITHOUT_NEWS = version(
    3, "2027-02-01", *V1.practices, V2.practices[2], change_class=ChangeClass.NOTICE
)  # fmt: skip


def mail(who: str) -> str:
    return f"{who}@users.example.com"


def planned(record: VersionRecord) -> tuple[PlannedNotice, ...]:
    return (
        PlannedNotice(notice(record), Audience("administrators")),
        PlannedNotice(notice(record, NoticeKind.CHOICE), Audience("subjects", (CONTACT,))),
    )


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """Acme has two contacts, Bolt one; of four users three are reached; all notices have left."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.record_version(V1, (), now=PUBLISHED)
        opened.import_customers([customer("acme"), customer("acme", "bob"), customer("bolt")], now=PUBLISHED)
        people = [subject("u1", "acme"), subject("u2", "bolt"), subject("u3"), subject("u4")]
        opened.import_subjects(people, now=PUBLISHED)
        opened.import_tags([tag(name, "2026-02-01") for name in ("u1", "u2", "u3")], now=PUBLISHED)
        opened.record_version(V2, planned(V2), now=PUBLISHED)
        send_all(opened, PUBLISHED)
        yield opened


def send_all(ledger: Ledger, at: datetime) -> None:
    while chunk := ledger.claim(at, mailer="test", owner="me"):
        ledger.move(chunk, OutboxState.ACCEPTED, at, owner="")


def nid(ledger: Ledger, who: str, *, reminder: bool = False) -> str:
    """The id of the notice to an organisation or a person, or of its reminder."""
    name = who if who in {"acme", "bolt"} else ledger.pseudonym(who)
    (found,) = [
        state.nid
        for state in ledger.addressee_states(V2.key)
        if state.addressee == name and (state.kind is NoticeKind.REMINDER) is reminder
    ]
    return found


def report(
    ledger: Ledger, who: str, name: DeliveryName, at: datetime = PUBLISHED, *, reminder: bool = False
) -> None:
    ledger.record_deliveries([DeliveryEvent(nid(ledger, who, reminder=reminder), name, at)], now=at)


def reminders(ledger: Ledger, at: datetime) -> dict[str, frozenset[str]]:
    """What waits to be sent as a reminder at a moment: by address, what is asked in it."""
    found: dict[str, frozenset[str]] = {}
    for chunk in ledger.chunks(OutboxState.PLANNED):
        if chunk.notice.kind is NoticeKind.REMINDER:
            left = ledger.unanswered(chunk, at)
            people = {item.place: item.address for item in ledger.addressees(chunk)}
            found |= {people[place]: changes for place, changes in left.items()}
    return found


def remind(ledger: Ledger, at: datetime = REACHED) -> dict[str, frozenset[str]]:
    ledger.add_reminders(at, LEADS)
    return reminders(ledger, at)


EVERYBODY = dict.fromkeys([ADA, BOLT, mail("u1"), mail("u2"), mail("u3")], BOTH)


def without(*addresses: str, **only: frozenset[str]) -> dict[str, frozenset[str]]:
    found = {who: left for who, left in EVERYBODY.items() if who not in addresses}
    return found | {mail(who): left for who, left in only.items()}


def test_whoever_was_told_and_has_not_answered_is_reminded_of_what_is_open(ledger: Ledger) -> None:
    due = ledger.reminders_due(REACHED, LEADS)
    assert [(one.of.value, one.lead_days, one.count) for one in due] == [("revision", 7, 2), ("choice", 7, 3)]
    assert ledger.add_reminders(REACHED, LEADS) == 5
    assert reminders(ledger, REACHED) == EVERYBODY
    assert ledger.first_bad_entry() is None


def test_planned_again_nothing_is_added_and_the_last_lead_is_one_more(ledger: Ledger) -> None:
    assert (ledger.add_reminders(REACHED, LEADS), ledger.add_reminders(LAST - timedelta(1), LEADS)) == (5, 0)
    assert ledger.reminders_due(REACHED, LEADS) == ()
    send_all(ledger, REACHED)
    assert (ledger.add_reminders(LAST, LEADS), ledger.add_reminders(LAST, LEADS)) == (5, 0)
    nids = [each[0] for each in ledger.nids(V2.key)]
    assert len(nids) == len(set(nids)) == 15


def test_an_id_comes_from_that_of_the_notice_it_repeats(ledger: Ledger) -> None:
    original = nid(ledger, "u3")
    ledger.add_reminders(REACHED, LEADS)
    secret = notice_secret(KEY, "fax@v2/3-reminder")
    assert nid(ledger, "u3", reminder=True) == nid_of(secret, original)


@pytest.mark.parametrize(
    ("at", "count"),
    [
        (REACHED - timedelta(seconds=1), 0),
        (REACHED, 5),
        (EFFECTIVE - timedelta(seconds=1), 5),
        (EFFECTIVE, 0),
        (EFFECTIVE + timedelta(days=1), 0),
    ],
)
def test_there_is_one_from_the_lead_on_and_none_from_the_effective_date(
    ledger: Ledger, at: datetime, count: int
) -> None:
    assert sum(one.count for one in ledger.reminders_due(at, LEADS)) == count
    assert ledger.add_reminders(at, LEADS) == count


def test_without_leads_or_for_another_policy_there_is_none(ledger: Ledger) -> None:
    assert ledger.add_reminders(REACHED, ()) == 0
    assert ledger.add_reminders(REACHED, LEADS, "other") == 0
    assert ledger.add_reminders(REACHED, LEADS, "fax") == 5


def answer(who: str, change: str, said: Answer, scope: str = "subject") -> Callable[[Ledger], object]:
    row = choice(who, change, said, "2026-11-12", scope=scope)
    return lambda ledger: ledger.import_choices([row], now=PUBLISHED)


def all_of(*steps: Callable[[Ledger], object]) -> Callable[[Ledger], object]:
    return lambda ledger: [step(ledger) for step in steps]


def failing(name: DeliveryName) -> Callable[[Ledger], object]:
    return lambda ledger: report(ledger, "u3", name)


def stop(ledger: Ledger) -> None:
    ledger.inquiries.stop_reminders(nid(ledger, "u3"), now=PUBLISHED)


HAPPENED = {
    "a yes to one question": (
        answer("u3", NEWS, Answer.CONSENT), without(u3=frozenset({OFFERS}))),
    "a no to one question": (
        answer("u3", OFFERS, Answer.REFUSE), without(u3=frozenset({NEWS}))),
    "an answer to each": (
        all_of(answer("u3", NEWS, Answer.REFUSE), answer("u3", OFFERS, Answer.CONSENT)), without(mail("u3"))),
    "an organisation's no binds its people": (
        answer("acme", OFFERS, Answer.REFUSE, "customer"),
        without(u1=frozenset({NEWS})) | {ADA: frozenset({NEWS})}),
    "an organisation's yes binds nobody": (
        answer("acme", OFFERS, Answer.CONSENT, "customer"), without() | {ADA: frozenset({NEWS})}),
    "reminders were stopped": (stop, without(mail("u3"))),
    "it arrived": (failing(DeliveryName.DELIVERED), EVERYBODY),
    "it bounced": (failing(DeliveryName.BOUNCED), without(mail("u3"))),
    "it was dropped": (failing(DeliveryName.DROPPED), without(mail("u3"))),
    "it was called spam": (failing(DeliveryName.COMPLAINED), without(mail("u3"))),
    "the address was erased": (
        lambda ledger: ledger.erase_addresses("subject", "u3", now=PUBLISHED), without(mail("u3"))),
    "the person was erased": (
        lambda ledger: ledger.erase_subject("u3", now=PUBLISHED), without(mail("u3"))),
    "it was recalled": (lambda ledger: ledger.cancel(V2.key, now=PUBLISHED), {}),
    "one kind was recalled": (
        lambda ledger: ledger.cancel(V2.key, NoticeKind.CHOICE, now=PUBLISHED), {ADA: BOTH, BOLT: BOTH}),
    "a newer version took a question away": (
        lambda ledger: ledger.record_version(V3_WITHOUT_NEWS, (), now=PUBLISHED),
        dict.fromkeys(EVERYBODY, frozenset({OFFERS}))),
}  # fmt: skip


@pytest.mark.parametrize(("step", "expected"), HAPPENED.values(), ids=HAPPENED)
def test_what_happened_before_is_minded_when_it_is_planned(
    ledger: Ledger, step: Callable[[Ledger], object], expected: dict[str, frozenset[str]]
) -> None:
    step(ledger)
    assert sum(one.count for one in ledger.reminders_due(REACHED, LEADS)) == len(expected)
    assert remind(ledger) == expected


@pytest.mark.parametrize(("step", "expected"), HAPPENED.values(), ids=HAPPENED)
def test_what_happens_between_planning_and_sending_is_minded_too(
    ledger: Ledger, step: Callable[[Ledger], object], expected: dict[str, frozenset[str]]
) -> None:
    ledger.add_reminders(REACHED, LEADS)
    step(ledger)
    assert reminders(ledger, REACHED) == expected


def test_a_no_that_an_organisation_took_back_binds_nobody_any_more(ledger: Ledger) -> None:
    answer("acme", OFFERS, Answer.REFUSE, "customer")(ledger)
    later = choice("acme", OFFERS, Answer.CONSENT, "2026-11-20", scope="customer")
    ledger.import_choices([later], now=PUBLISHED)
    assert remind(ledger)[mail("u1")] == BOTH


def test_who_was_told_after_the_lead_was_reached_is_not_reminded_at_once(ledger: Ledger) -> None:
    ledger.import_tags([tag("u4", "2026-02-01")], now=REACHED)
    ledger.enqueue(V2.key, now=REACHED)
    assert remind(ledger, REACHED) == EVERYBODY, "his notice waits"
    send_all(ledger, REACHED + timedelta(hours=1))
    assert ledger.add_reminders(REACHED + timedelta(hours=2), LEADS) == 0
    assert set(remind(ledger, LAST)) == {*EVERYBODY, mail("u4")}


def test_the_contact_that_was_written_to_last_is_reminded(ledger: Ledger) -> None:
    report(ledger, "acme", DeliveryName.BOUNCED)
    ledger.add_next_contacts(PUBLISHED)
    send_all(ledger, PUBLISHED)
    found = remind(ledger)
    assert "bob@acme.example.com" in found
    assert ADA not in found


def test_after_the_last_lead_the_one_before_it_is_not_sent_as_well(ledger: Ledger) -> None:
    ledger.add_reminders(REACHED, LEADS)  # the mailer is down for a week
    ledger.add_reminders(LAST, LEADS)
    waiting = [
        (chunk.notice_no, len(ledger.unanswered(chunk, LAST))) for chunk in ledger.chunks(OutboxState.PLANNED)
    ]
    numbers = sorted({number for number, _ in waiting})
    assert [sum(n for no, n in waiting if no == number) for number in numbers] == [0, 0, 2, 3]


def test_from_the_effective_date_on_none_is_needed(ledger: Ledger) -> None:
    ledger.add_reminders(REACHED, LEADS)
    assert reminders(ledger, EFFECTIVE - timedelta(seconds=1)) == EVERYBODY
    assert reminders(ledger, EFFECTIVE) == {}


def test_who_called_a_reminder_spam_gets_no_second_one(ledger: Ledger) -> None:
    ledger.add_reminders(REACHED, LEADS)
    send_all(ledger, REACHED)
    report(ledger, "u3", DeliveryName.COMPLAINED, REACHED, reminder=True)
    assert remind(ledger, LAST) == without(mail("u3"))


# What a reminder is not


def told(ledger: Ledger) -> tuple[object, ...]:
    """What is said of the notices, reminders aside."""
    (found,) = ledger.progress(LAST, "fax")
    kinds = (NoticeKind.REVISION, NoticeKind.CHOICE)
    return [found.groups(kind) for kind in kinds], found.unreached, found.late, found.answered


def test_reminders_change_nothing_of_what_is_counted_and_owed(ledger: Ledger) -> None:
    report(ledger, "acme", DeliveryName.DELIVERED)
    ledger.erase_addresses("customer", "bolt", now=PUBLISHED)
    before = told(ledger)
    ledger.add_reminders(REACHED, LEADS)
    assert told(ledger) == before
    send_all(ledger, REACHED)
    for who in ("acme", "u1", "u3"):
        report(ledger, who, DeliveryName.BOUNCED, REACHED, reminder=True)
    report(ledger, "u2", DeliveryName.DELIVERED, REACHED, reminder=True)
    assert told(ledger) == before
    assert ledger.add_next_contacts(LAST) == 0
    assert ledger.enqueue(V2.key, now=LAST) == 0, "an audience is owed the notice, never its reminder"
    assert len(ledger.notices(V2.key)) == 2
    (found,) = ledger.progress(LAST, "fax")
    shown = {group.value: number for group, number in found.groups(NoticeKind.REMINDER).items() if number}
    assert shown == {"failed": 3, "delivered": 1}


def test_one_that_is_not_needed_any_more_is_counted_nowhere(ledger: Ledger) -> None:
    ledger.add_reminders(REACHED, LEADS)
    for chunk in ledger.chunks(OutboxState.PLANNED):
        ledger.move(chunk, OutboxState.MOOT, REACHED)
    (found,) = ledger.progress(LAST, "fax")
    assert NoticeKind.REMINDER not in found.kinds
    assert {count.kind for count in ledger.outbox_counts()} == {NoticeKind.REVISION, NoticeKind.CHOICE}
    assert sum(found.groups(NoticeKind.CHOICE).values()) == 3
    assert found.groups(NoticeKind.CHOICE)[Group.PENDING] == 0, "they left weeks ago"


def asking(change_class: ChangeClass) -> VersionRecord:
    """A second version under which marketing by an acquirer begins unless somebody objects."""
    buyer = Recipient("acquirer", "Example Group")
    return version(
        2,
        "2026-12-20",
        *V1.practices,
        practice("offers", MARKETING, choice=ChoiceMode.OPT_OUT, to=(buyer,)),
        asks={"offers": ChoiceMode.OPT_OUT},
        change_class=change_class,
    )


@pytest.fixture
def mailed(ledger_url: str, change_class: ChangeClass) -> Iterator[Ledger]:
    """A change that u3 has been mailed of; no report says that the mail arrived."""
    with open_ledger(ledger_url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.record_version(V1, (), now=PUBLISHED)
        opened.import_subjects([subject("u3")], now=PUBLISHED)
        opened.import_tags([tag("u3", "2026-02-01")], now=PUBLISHED)
        record = asking(change_class)
        told = PlannedNotice(notice(record, NoticeKind.TRANSITION), Audience("subjects"))
        sold = change_class is ChangeClass.TRANSITION
        opened.record_version(record, (*planned(record), *([told] if sold else [])), now=PUBLISHED)
        send_all(opened, PUBLISHED)
        yield opened


def three_ways(ledger: Ledger, request: UseRequest) -> set[tuple[str, str]]:
    """The answer by the rules, by the compiled cells and in bulk."""
    from policyctl.actions.deciding.decide import decide_from_facts

    slow, quick = decide_from_facts(request, ledger=ledger), ledger.online.decide(request)
    assert quick is not None
    question = BulkQuestion(request.purpose, request.at, recipient=request.recipient)
    with ledger.exporting(question) as export:
        (subject_of,) = list(export.subjects())
        matrix = Matrix(question, export.versions, export.taxonomy)
        standing = next(one for one, number in export.standings.items() if number == subject_of[1])
        cell = matrix.cell("fax", EMAIL, V1.key, standing)
    return {(d.answer.value, d.finding.code) for d in (slow, quick)} | {(cell.answer.value, cell.code)}


@pytest.mark.parametrize(
    ("change_class", "untold", "told_by"),
    [
        (ChangeClass.CHOICE, "not_told", NoticeKind.CHOICE),
        (ChangeClass.TRANSITION, "transfer_not_told", NoticeKind.TRANSITION),
    ],
)
def test_a_reminder_that_arrived_is_not_the_notice_that_did_not(
    mailed: Ledger, untold: str, told_by: NoticeKind
) -> None:
    """Neither of the change under which silence would bind nor of the new owner."""
    buyer = "acquirer" if told_by is NoticeKind.TRANSITION else None
    request = UseRequest("u3", EMAIL, MARKETING, EFFECTIVE + timedelta(days=60), recipient=buyer)
    assert three_ways(mailed, request) == {("refused", untold)}
    assert mailed.add_reminders(REACHED, LEADS) == 1
    send_all(mailed, REACHED)
    nids = {state.kind: state.nid for state in mailed.addressee_states(V2.key)}

    def reported(kind: NoticeKind, name: DeliveryName) -> set[tuple[str, str]]:
        mailed.record_deliveries([DeliveryEvent(nids[kind], name, REACHED)], now=REACHED)
        return three_ways(mailed, request)

    assert reported(NoticeKind.REMINDER, DeliveryName.DELIVERED) == {("refused", untold)}
    then = reported(told_by, DeliveryName.DELIVERED)
    assert ("refused", untold) not in then
    assert reported(NoticeKind.REMINDER, DeliveryName.BOUNCED) == then


def test_the_word_for_it_is_one() -> None:
    assert NoticeKind.REMINDER.value == REMINDER
