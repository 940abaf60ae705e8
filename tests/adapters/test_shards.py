# SPDX-License-Identifier: Apache-2.0
"""One ledger on three PostgreSQL servers: it answers as one ledger does, and outlives one of them.

The other ledger is SQLite, and holds everything by itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from policyctl.actions.deciding.count import count_ledger
from policyctl.actions.deciding.decide import decide_from_facts, decide_use, decide_uses
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.evidence import Span
from policyctl.adapters.ledger.sharding.shard import VARIABLE, OneServer, server_of
from policyctl.adapters.ledger.sharding.shards import Shards, open_one, open_shards
from policyctl.core.policy import VersionKey
from policyctl.core.postings import NewPosting, PlaceKind, PostingOutcome
from policyctl.core.practice import ChoiceMode
from policyctl.core.records import Answer, ClientBatch, ImportReceipt
from policyctl.core.use.decision import Decision, UseRequest
from policyctl.errors import (
    CannotCompareError,
    InputErrors,
    IntegrityError,
    OtherContentError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from tests.adapters.ledger_samples import (
    EMAIL,
    KEY,
    MARKETING,
    PHONE,
    SERVICE,
    TAXONOMY,
    choice,
    customer,
    day,
    owed,
    practice,
    subject,
    tag,
    version,
)
from tests.ledgers import new_ledger
from tests.peers.postgres import Server

NOW = day("2026-11-01")
V1 = version(1, "2026-01-01", practice("service", SERVICE, data=(EMAIL, PHONE)))
V2 = version(
    2, "2026-03-01",
    practice("service", SERVICE, data=(EMAIL, PHONE)), practice("news", MARKETING, choice=ChoiceMode.OPT_IN),
    asks={"news": ChoiceMode.OPT_IN},
)  # fmt: skip
V3 = version(3, "2026-06-01", practice("service", SERVICE, data=(EMAIL,)))
NEWS = "fax@v2#news"
PEOPLE = [f"u{number}" for number in range(90)]

pytestmark = pytest.mark.peer("postgres")


def batch(name: str, content: str = "0") -> ClientBatch:
    return ClientBatch("test", name, content * 64)


def urls_on(servers: Sequence[Server]) -> list[str]:
    return [server.new_ledger() for server in servers]


@contextmanager
def spread_over(urls: Sequence[str]) -> Iterator[Shards]:
    with open_shards(urls, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
        yield ledger


def on(ledger: Ledger, name: str, count: int = 3) -> int:
    return server_of(bytes.fromhex(ledger.pseudonym(name)), count)


def people_of(ledger: Ledger, number: int) -> list[str]:
    return [who for who in PEOPLE if on(ledger, who) == number]


@pytest.fixture
def urls(three_servers: tuple[Server, ...]) -> list[str]:
    return urls_on(three_servers)


@pytest.fixture
def spread(urls: list[str]) -> Iterator[Shards]:
    with spread_over(urls) as ledger:
        yield ledger


def set_up(ledger: Ledger) -> None:
    for record in (V1, V2):
        assert ledger.record_version(record, owed(record) if record is V2 else (), now=NOW)
    ledger.import_customers([customer("acme"), customer("bolt", line=3)], now=NOW)


def fill(ledger: Ledger, seed: int) -> list[object]:
    """Random people, tags, choices and acceptances; what each write was answered."""
    dice = random.Random(seed)  # noqa: S311 - the same people every time
    whose = {who: dice.choice([None, "acme", "bolt"]) for who in PEOPLE}
    since = {who: dice.choice(["2026-01-02", "2026-04-02", None]) for who in PEOPLE}
    rows = [subject(who, whose[who], since[who], line=line) for line, who in enumerate(PEOPLE, 2)]
    tags = [
        tag(
            who, f"2026-0{dice.randint(1, 9)}-15", dice.choice([EMAIL, PHONE]), f"r{dice.randint(0, 3)}",
            provenance="import",
        )
        for who in dice.choices(PEOPLE, k=200)
    ]  # fmt: skip
    said = [
        choice(who, NEWS, dice.choice(list(Answer)), f"2026-0{dice.randint(4, 9)}-01", line=line)
        for line, who in enumerate(dice.sample(PEOPLE, 40), 2)
    ]
    said += [choice("bolt", NEWS, Answer.REFUSE, "2026-09-20", scope="customer", line=99)]
    answers: list[object] = [ledger.import_subjects(rows, now=NOW)]
    accepted = [who for who in PEOPLE if since[who] is None and dice.random() < 0.5]
    answers += [
        ledger.accept(who, VersionKey("fax", dice.randint(1, 2)), day("2026-02-10"), now=NOW)
        for who in accepted
    ]
    answers += [ledger.import_tags(tags, now=NOW, batch=batch("tags"))]
    answers += [ledger.import_choices(said, now=NOW, batch=batch("choices"))]
    answers += [ledger.import_choices(said, now=NOW), ledger.import_subjects(rows, now=NOW)]
    return answers


def questions() -> list[UseRequest]:
    moments = (day("2026-02-20"), day("2026-05-01"), NOW)
    return [
        UseRequest(who, category, purpose, at)
        for who in (*PEOPLE, "nobody")
        for category, purpose in ((EMAIL, SERVICE), (EMAIL, MARKETING), (PHONE, MARKETING))
        for at in moments
    ]


def told(decision: Decision) -> object:
    """All but the number of the entry, which is of the server."""
    texts = [reason.text for reason in decision.reasons]
    return decision.finding, texts, [(each.record, each.collected_at, each.version) for each in decision.tags]


def test_three_servers_answer_as_one_ledger_that_holds_everything(spread: Shards, tmp_path: Path) -> None:
    asked = questions()
    with new_ledger(tmp_path / "one.db") as one:
        for ledger in (one, spread):
            set_up(ledger)
        assert fill(spread, 7) == fill(one, 7)
        assert {on(spread, who) for who in PEOPLE} == {0, 1, 2}
        for ledger in (one, spread):
            assert ledger.record_version(V3, (), now=NOW)
            assert not ledger.record_version(V3, (), now=NOW)
        expected = [told(decision) for decision in decide_uses(asked, ledger=one)]
        assert [told(decision) for decision in decide_uses(asked, ledger=spread)] == expected
        sample = list(zip(asked, expected, strict=True))[::7]
        assert [told(decide_use(each, ledger=spread)) for each, _ in sample] == [what for _, what in sample]
        assert [told(decide_from_facts(each, ledger=spread)) for each, _ in sample] == [
            what for _, what in sample
        ]
        answers = {decision.answer for decision in decide_uses(asked, ledger=spread)}
        assert len(answers) == 3, "the questions do not try all three answers"
        assert spread.versions() == one.versions()
        counted = [count_ledger(at=NOW, ledger=ledger) for ledger in (spread, one)]
        assert counted[0].shares == counted[1].shares
        alike = [(each.stats.tags, each.stats.months, each.stats.subjects) for each in counted]
        assert alike[0] == alike[1]
        for who in PEOPLE[:9]:
            # In the order of numbers that each server gives out itself.
            found = [{each.value for each in ledger.tags_of(who, limit=9)} for ledger in (spread, one)]
            assert found[0] == found[1]


def test_a_subject_stands_on_one_server_and_a_customer_on_all(spread: Shards, urls: list[str]) -> None:
    set_up(spread)
    spread.import_subjects([subject(who, "acme") for who in PEOPLE], now=NOW)
    found = []
    for url in urls:
        with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as server:
            stats = server.counts(NOW).stats
            assert (stats.customers, len(server.versions())) == (2, 2)
            assert server.first_bad_entry() is None
            found.append(stats.subjects)
    assert found == [len(people_of(spread, number)) for number in range(3)]


def test_administrators_are_written_to_by_the_first_server_only(spread: Shards, urls: list[str]) -> None:
    spread.import_customers([customer("acme")], now=NOW)
    spread.record_version(V1, owed(V1), now=NOW)
    sizes = []
    for number in ("1", "2", "3"):
        with open_one(urls, number, key=KEY, taxonomy=TAXONOMY) as server:
            sizes.append(sum(count.count for count in server.outbox_counts()))
    assert sizes == [1, 0, 0]


# What comes together


def test_a_batch_with_one_bad_row_enters_on_no_server(spread: Shards) -> None:
    set_up(spread)
    spread.import_subjects([subject(who) for who in PEOPLE], now=NOW)
    before = spread.counts(NOW).stats
    rows = [tag(who, "2026-02-01", line=line) for line, who in enumerate(PEOPLE, 2)]
    rows += [tag("stranger", "2026-02-01", line=200), tag("odd", "2026-02-01", line=201)]
    with pytest.raises(InputErrors) as caught:
        spread.import_tags(rows, now=NOW, batch=batch("b"))
    assert [error.place.line for error in caught.value.errors if error.place] == [200, 201]
    said = [choice(who, NEWS, Answer.CONSENT, "2026-05-01") for who in PEOPLE[:9]]
    with pytest.raises(InputErrors):
        spread.import_choices(
            [*said, choice("nobody ltd", NEWS, Answer.REFUSE, "2026-05-01", "customer")], now=NOW
        )
    assert spread.counts(NOW).stats == before


def test_a_batch_has_one_receipt_however_many_servers_it_reaches(spread: Shards) -> None:
    set_up(spread)
    spread.import_subjects([subject(who) for who in PEOPLE], now=NOW)
    rows = [tag(who, "2026-02-01") for who in PEOPLE]
    assert spread.receipt(batch("b")) is None
    assert spread.import_tags(rows, now=NOW, batch=batch("b")) == ImportReceipt(90, 0)
    assert spread.import_tags(rows, now=NOW, batch=batch("b")) == ImportReceipt(90, 0, again=True)
    assert spread.receipt(batch("b")) == ImportReceipt(90, 0, again=True)
    with pytest.raises(OtherContentError):
        spread.import_tags(rows, now=NOW, batch=batch("b", "1"))


def test_what_is_of_one_server_is_refused_for_all_and_the_other_way_round(
    spread: Shards, urls: list[str]
) -> None:
    set_up(spread)
    with pytest.raises(UsageError, match="one server at a time"):
        spread.claim(NOW, mailer="folder", owner="me")
    with pytest.raises(UsageError, match="one server at a time"):
        spread.first_bad_entry()
    with (
        open_one(urls, "2", key=KEY, taxonomy=TAXONOMY) as server,
        pytest.raises(UsageError, match="all servers"),
    ):
        server.import_subjects([subject("u1")], now=NOW)
    with (
        open_one(urls, "2", key=KEY, taxonomy=TAXONOMY) as server,
        pytest.raises(UsageError, match="all servers"),
    ):
        server.accept("u1", VersionKey("fax", 1), NOW, now=NOW)
    for wrong in ("0", "4", "x", "²"):
        with pytest.raises(UsageError, match=VARIABLE):
            open_one(urls, wrong, key=KEY, taxonomy=TAXONOMY)


def test_servers_in_another_order_or_number_are_refused(spread: Shards, urls: list[str]) -> None:
    set_up(spread)
    spread.import_subjects([subject("u1")], now=NOW)
    for wrong in ([urls[1], urls[0], urls[2]], urls[:2]):
        with open_shards(wrong, key=KEY, taxonomy=TAXONOMY) as ledger:
            with pytest.raises(IntegrityError, match="another place"):
                ledger.import_subjects([subject(who) for who in PEOPLE], now=NOW)
            with pytest.raises(IntegrityError, match="another place"):
                list(decide_uses([UseRequest(who, EMAIL, SERVICE, NOW) for who in PEOPLE], ledger=ledger))


def test_a_ledger_that_was_one_by_itself_is_not_taken_for_a_share(urls: list[str]) -> None:
    with OneServer.at(urls[1], key=KEY, taxonomy=TAXONOMY) as alone:
        alone.upgrade()
    with open_ledger(urls[1], key=KEY, taxonomy=TAXONOMY) as alone:
        alone.import_subjects([subject("u1")], now=NOW)
    with spread_over(urls) as ledger, pytest.raises(RefusedError, match="server 2"):
        ledger.record_version(V1, (), now=NOW)


# One is killed


def test_one_server_killed_and_restarted_keeps_all_that_was_acknowledged(
    three_servers: tuple[Server, ...],
) -> None:
    urls = urls_on(three_servers)
    with ExitStack() as stack:
        spread = stack.enter_context(spread_over(urls))
        set_up(spread)
        spread.import_subjects([subject(who, "acme") for who in PEOPLE], now=NOW)
        load = _Load(spread)
        load.write(range(60))
        assert len(load.stored) == 60
        three_servers[1].stop()
        try:
            load.write(range(60, 200))
            lost, there = people_of(spread, 1), people_of(spread, 0) + people_of(spread, 2)
            assert load.failed
            assert {on(spread, who) for who, _ in load.failed} == {1}
            for who in there[:6]:
                assert decide_use(UseRequest(who, EMAIL, SERVICE, NOW), ledger=spread).answer
            for who in lost[:3]:
                with pytest.raises(UnreachableError):
                    decide_use(UseRequest(who, EMAIL, SERVICE, NOW), ledger=spread)
            spread.require_ready()
            assert [record.key.number for record in spread.versions()] == [1, 2]
            _refused_whole(spread)
        finally:
            three_servers[1].restart()
        load.again()
        assert spread.record_version(V3, (), now=NOW)
        assert spread.import_customers([customer("new")], now=NOW) == ImportReceipt(1, 0)
        for who, record in load.stored:
            found = decide_use(UseRequest(who, EMAIL, SERVICE, NOW), ledger=spread)
            assert record in {each.record for each in found.tags}
        assert sum(each.count for each in spread.counts(NOW).stats.tags) == len(load.stored) == 200


def _refused_whole(spread: Shards) -> None:
    """What is copied, and what spans the dead server, leaves nothing on the others."""
    up = [spread._servers[number].ledger for number in (0, 2)]
    before = [ledger.counts(NOW).stats for ledger in up]
    with pytest.raises(UnreachableError):
        spread.record_version(V3, (), now=NOW)
    with pytest.raises(UnreachableError):
        spread.import_customers([customer("new")], now=NOW)
    with pytest.raises(UnreachableError):
        spread.import_tags([tag(who, "2026-02-01", PHONE) for who in PEOPLE], now=NOW, batch=batch("span"))
    with pytest.raises(UnreachableError):
        spread.import_choices([choice("acme", NEWS, Answer.REFUSE, "2026-05-01", "customer")], now=NOW)
    with pytest.raises(UnreachableError):
        spread.upgrade()
    assert [ledger.counts(NOW).stats for ledger in up] == before


@dataclass(init=False)
class _Load:
    """Tags one by one, each under an id; which were acknowledged and which failed."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.stored: list[tuple[str, str]] = []
        self.failed: list[tuple[str, str]] = []

    def write(self, numbers: range) -> None:
        for number in numbers:
            self._one(PEOPLE[number % len(PEOPLE)], f"r{number}")

    def _one(self, who: str, record: str) -> None:
        row = tag(who, "2026-02-01", record=record)
        try:
            done = self.ledger.import_tags([row], now=NOW, within="acme", batch=batch(record))
        except UnreachableError:
            self.failed.append((who, record))
        else:
            assert done.added == 1
            self.stored.append((who, record))

    def again(self) -> None:
        failed, self.failed = self.failed, []
        for each in failed:
            self._one(*each)
        assert not self.failed


def test_a_batch_cut_off_between_servers_is_completed_by_the_same_id(
    three_servers: tuple[Server, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = urls_on(three_servers)
    with spread_over(urls) as spread:
        set_up(spread)
        spread.import_subjects([subject(who) for who in PEOPLE], now=NOW)
        rows = [tag(who, "2026-02-01") for who in PEOPLE]
        second = spread._servers[1].ledger
        real = second.import_tags

        def dies_after_the_trial(*args: object, dry_run: bool = False, **more: object) -> ImportReceipt:
            if not dry_run:
                three_servers[1].stop()
            return real(*args, dry_run=dry_run, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(second, "import_tags", dies_after_the_trial)
        try:
            with pytest.raises(UnreachableError):
                spread.import_tags(rows, now=NOW, batch=batch("b"))
        finally:
            monkeypatch.undo()
            three_servers[1].restart()
        entered = sum(each.count for each in spread.counts(NOW).stats.tags)
        assert entered == len(people_of(spread, 0))
        assert spread.import_tags(rows, now=NOW, batch=batch("b")) == ImportReceipt(90, 0)
        assert sum(each.count for each in spread.counts(NOW).stats.tags) == 90


def test_a_version_that_one_server_lacks_is_entered_when_it_is_brought_again(
    spread: Shards, urls: list[str]
) -> None:
    spread.record_version(V1, (), now=NOW)
    with open_ledger(urls[0], key=KEY, taxonomy=TAXONOMY) as first:
        first.record_version(V2, (), now=NOW)  # as a run that was cut off after the first server leaves it
    assert [record.key.number for record in spread.versions()] == [1]
    assert spread.record_version(V2, (), now=NOW)
    assert [record.key.number for record in spread.versions()] == [1, 2]


def test_what_is_posted_is_on_every_server_and_is_noted_by_way_of_all(urls: list[str]) -> None:
    new = NewPosting(V1.key, "partner", PlaceKind.WEBHOOK, "https://hooks.example.com/", "b" * 64, "{}")
    with spread_over(urls) as ledger:
        set_up(ledger)
        assert (ledger.enter_postings([new], now=NOW), ledger.enter_postings([new], now=NOW)) == (1, 0)
        (posting,) = ledger.postings(V1.key)
        ledger.note_posting(posting.id, PostingOutcome.POSTED, now=NOW)
        for url in urls:
            with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as one:
                assert [(each.id, each.posted_at) for each in one.postings()] == [(posting.id, NOW)]
    with open_one(urls, "1", key=KEY, taxonomy=TAXONOMY) as one, pytest.raises(UsageError):
        one.note_posting(posting.id, PostingOutcome.AGAIN, now=NOW)


# --- evidence


def test_evidence_comes_from_the_server_where_it_stands(spread: Shards) -> None:
    set_up(spread)
    fill(spread, seed=5)
    assert spread.record_version(V3, owed(V3), now=NOW)
    ends = spread.heads()
    for number in range(3):
        who = people_of(spread, number)[0]
        found = spread.evidence.of_subject(who, None, Span(end=NOW))
        assert (found.head.entry, found.head.root) == (ends[number].entry, ends[number].root)
        assert found.part.rows
        assert all(row.path is not None for row in found.part.rows)
        assert "subject" in {row.table for row in found.part.rows}
    of_customer = spread.evidence.of_customer("bolt", Span(end=NOW))
    assert "choice" in {row.table for row in of_customer.part.rows}
    counts = dict(spread.evidence.of_publication(V3.key, Span(end=day("2027-01-01"))).counts)
    owed_mails = sum(count.count for count in spread.outbox_counts())
    assert sum(counts.values()) == owed_mails > 0
    assert of_customer.head == ends[0]
    with pytest.raises(CannotCompareError):
        spread.evidence.of_subject("nobody", None, Span(end=NOW))


def test_evidence_of_who_is_on_a_server_that_is_down_is_refused_and_of_others_given(
    spread: Shards, three_servers: tuple[Server, ...]
) -> None:
    set_up(spread)
    fill(spread, seed=6)
    three_servers[2].stop()
    try:
        found = spread.evidence.of_subject(people_of(spread, 0)[0], None, Span(end=NOW))
        assert found.part.rows
        with pytest.raises(UnreachableError):
            spread.evidence.of_subject(people_of(spread, 2)[0], None, Span(end=NOW))
        with pytest.raises(UnreachableError):
            spread.evidence.of_publication(V2.key, Span(end=NOW))
    finally:
        three_servers[2].restart()
