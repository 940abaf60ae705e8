# SPDX-License-Identifier: Apache-2.0
"""An explained decision in process against two engines of policies, as ratios in one run.

    python bench/decisions.py [--policies 250] [--cases 400] [--rounds 5] [--install-peer]

- ``cedarpy``: the practices as `export cedar` writes them, a thousand questions in a batch, parsed once and
  by its best round. Every random case (100,000 unless said otherwise) must be answered alike;
- ``casbin.FastEnforcer``: it compares words, so its policies are the permitted uses of whoever stands so,
  found by all words at once. It is no dependency: looked for on the path, or put into a virtual environment
  of its own for this run by ``--install-peer``.

Ours is what the ledger does once the facts are read (adapters/ledger/asking/answers.py): where the subject
stands, its cell, and a decision that knows version, clause, practice and rule. The peers are told where the
subject stands, so that is measured beside it. What the words cost, which are made when they are read, is
told too.
"""

from __future__ import annotations

import argparse
import importlib
import json
import random
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.figures import figure
from policyctl.adapters.ledger.asking.answers import Asked, of_look
from policyctl.adapters.ledger.asking.rows import Book, Head, Look, SubjectRows
from policyctl.adapters.ledger.people.answers import ANSWER_OF
from policyctl.adapters.ledger.versions.known import Known
from policyctl.core.records import VersionRecord, change_name
from policyctl.core.use.cells import DELIVERED, CellKey, Cells, Column, NoticeRow, Numbers, micros
from policyctl.core.use.decision import Decision, UseAnswer, decide
from policyctl.core.use.question import Explanation
from policyctl.core.use.wording import Wording
from policyctl.reports.deciding.cedar import cedar_entities, cedar_policies
from tests.adapters.ledger_samples import TAXONOMY
from tests.reports.cedar_cases import CATEGORIES, IDS, Case, cases, some_versions

PEER = "casbin==1.43.0"
CEDAR_BAR, CASBIN_BAR = 20, 60
CODES = {answer: code for code, answer in ANSWER_OF.items()}
MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act
"""
HEAD = Head(1)


@dataclass
class World:
    """One random policy, questions about it, and the facts as they come from the tables."""

    versions: tuple[VersionRecord, ...]
    asked: list[Case]
    questions: list[Asked]
    look: Look
    book: Book

    def ours(self) -> list[Decision | None]:
        """Every question answered."""
        look, book = self.look, self.book
        return [of_look(one, look, book, HEAD) for one in self.questions]

    def reduced(self) -> list[tuple[Column, CellKey]]:
        """Where each stands, as the peers are told it: what was refused, consented to, told, is over."""
        cells, found = self.book.cells, []
        for one in self.questions:
            rows = self.look.subjects[one.place]
            reports = rows.reports if one.column.told else ()
            standing = cells.standing("fax", one.at, rows.admissions, rows.choices, reports)
            (tag,) = rows.tags
            found.append((one.column, (cells.era(one.at), tag[0], tag[4], standing)))
        return found


def from_standings(reduced: Sequence[tuple[Column, CellKey]]) -> list[Decision]:
    """The decisions once it is known where each stands; their words wait in the cell."""
    found = []
    for column, key in reduced:
        cell = column.found[key]
        found.append(Decision(cell.finding, partial(in_words, cell), HEAD[0], HEAD[1]))
    return found


def in_words(cell: Wording) -> Explanation:
    """What is said of whoever stands so."""
    return Explanation(tuple(cell.said(str)), (), ())


def world(seed: int, count: int) -> World:
    """The rows that a ledger with these facts has."""
    dice = random.Random(seed)  # noqa: S311 - made-up cases
    versions = some_versions(dice)
    asked = list(cases(versions, count, dice))
    known = numbered(versions)
    told = {c.name: number for number, c in enumerate((c for r in versions for c in r.changes), 1)}
    notices = {told[c.name]: NoticeRow(c.version, "choice", (c.name,)) for r in versions for c in r.changes}
    cells = Cells(versions, TAXONOMY, Numbers(known.key_of, known.category_of, known.practice_of, notices))
    columns: dict[tuple[str, str], Column] = {}
    questions, look = [], Look()
    for number, case in enumerate(asked):
        request = case.request
        column = columns.get((request.category, request.purpose)) or cells.column(request)
        assert column is not None
        columns[request.category, request.purpose] = column
        name = number.to_bytes(16, "big")
        look.names[name] = [number]
        look.subjects[number] = rows_of(number, case, known, told)
        questions.append(Asked(number, request, micros(request.at), column, name))
    return World(versions, asked, questions, look, Book(known, cells, TAXONOMY, {1: ""}))


def numbered(versions: Sequence[VersionRecord]) -> Known:
    """The numbers of versions, categories and practices, as a ledger gives them out."""
    key_of = {record.key.number: record.key for record in versions}
    names = [change_name(key, name) for key in key_of.values() for name in IDS]
    categories = {number: ("fax", name) for number, name in enumerate(CATEGORIES, 1)}
    return Known(
        records=tuple(versions),
        entries=dict.fromkeys(key_of, 1),
        number_of={key: number for number, key in key_of.items()},
        key_of=key_of,
        policies={"fax": 1},
        category_no={name: number for number, name in categories.items()},
        category_of=categories,
        practice_no={name: number for number, name in enumerate(names, 1)},
        practice_of=dict(enumerate(names, 1)),
        by_slug={"fax": tuple(versions)},
    )


def rows_of(number: int, case: Case, known: Known, told: dict[str, int]) -> SubjectRows:
    (tag,), (entry,) = case.facts.tags, case.facts.admissions
    assert tag.version is not None
    assert entry.version is not None
    collected = int(tag.collected_at.timestamp())
    return SubjectRows(
        number,
        [(known.category_no["fax", tag.category], 7, collected, 1, tag.version.number, None)],
        [(entry.version.number, micros(entry.at))],
        [
            (c.scope == "customer", known.practice_no[c.change], CODES[c.answer], micros(c.at), c.sequence)
            for c in case.facts.choices
        ],
        [(told[d.changes[0]], 1, DELIVERED, micros(d.at)) for d in case.facts.deliveries],
    )


def seconds(work: Callable[[], object]) -> float:
    """Of a processor, so that what else the machine does counts for neither; of the wall where a peer used
    several at once.
    """
    begun, wall = time.process_time(), time.perf_counter()
    work()
    return min(time.process_time() - begun, time.perf_counter() - wall)


def against_cedar(worlds: Sequence[World], rounds: int) -> bool:
    """Every case answered alike, and how long both take for them."""
    try:
        cedar: Any = importlib.import_module("cedarpy")
    except ImportError:
        print("cedarpy is not installed: nothing measured against it")
        return True
    entities = cedar.Entities.from_json_str(cedar_entities(TAXONOMY))
    texts = [cedar.PolicySet.from_str(cedar_policies(each.versions)) for each in worlds]
    asked = [[case.cedar for case in each.asked] for each in worlds]
    for each, text, requests in zip(worlds, texts, asked, strict=True):
        said = cedar.is_authorized_batch(requests, text, entities)
        for case, answer, decision in zip(each.asked, said, each.ours(), strict=True):
            assert decision is not None
            assert answer.allowed == (decision.answer is UseAnswer.PERMITTED), (case, decision)
            slow = decide(case.request, case.facts)
            assert (decision.finding, decision.reasons, decision.missing) == (
                slow.finding,
                slow.reasons,
                slow.missing,
            )
    count = sum(len(each.asked) for each in worlds)
    print(f"  {count:,} random cases answered alike by both, and in the words of the rules", flush=True)
    few = list(zip(worlds, texts, asked, strict=True))[:20]
    pairs, reduced = [], []
    for _ in range(rounds):
        for each, text, requests in few:
            ready = each.reduced()
            theirs = seconds(lambda r=requests, t=text: cedar.is_authorized_batch(r, t, entities))
            pairs.append((seconds(each.ours), theirs))
            reduced.append((seconds(lambda ready=ready: from_standings(ready)), theirs))
    fine = ratio("cedarpy, best batch", pairs, len(few), len(asked[0]), CEDAR_BAR)
    name = "cedarpy, both told where each stands"
    return fine & ratio(name, reduced, len(few), len(asked[0]), CEDAR_BAR)


def ratio(name: str, pairs: Sequence[tuple[float, float]], worlds: int, each: int, bar: float) -> bool:
    """Each world by its best round; printed as the peer's time over ours, which must not be less."""
    turns = [pairs[start::worlds] for start in range(worlds)]
    ours, theirs = (sum(min(pair[side] for pair in turn) for turn in turns) for side in (0, 1))
    count = worlds * each
    note = f"ours {ours / count * 1e6:.2f} us, theirs {theirs / count * 1e6:.1f} us; {theirs / ours:.1f} x"
    if not bar:
        print(f"  {name}: {note}")
        return True
    return figure(f"time of ours over {name}", ours / theirs, 1 / bar, note=f"{note}, bar {bar} x")


def against_casbin(worlds: Sequence[World], rounds: int, *, install: bool) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        casbin = peer(folder, install=install)
        if casbin is None:
            print("casbin is not installed (--install-peer): nothing measured against it")
            return True
        model = Path(folder, "model.conf")
        model.write_text(MODEL, "utf-8")
        pairs: list[tuple[float, float]] = []
        raw: list[tuple[float, float]] = []
        for each in worlds[:20]:
            engine, asked = enforcer(casbin, str(model), each)
            said = [engine.enforce(*one) for one in asked]
            assert said == [d is not None and d.answer is UseAnswer.PERMITTED for d in each.ours()]
            ready = each.reduced()
            for _ in range(rounds):
                theirs = seconds(lambda a=asked, e=engine: [e.enforce(*one) for one in a])
                raw.append((seconds(each.ours), theirs))
                pairs.append((seconds(lambda ready=ready: from_standings(ready)), theirs))
    few, count = len(pairs) // rounds, len(worlds[0].asked)
    pairs, raw = by_round(pairs, rounds), by_round(raw, rounds)
    ratio("casbin.FastEnforcer, where each stands still to be found", raw, few, count, 0)
    return ratio("casbin.FastEnforcer, both told where each stands", pairs, few, count, CASBIN_BAR)


def by_round(pairs: Sequence[tuple[float, float]], rounds: int) -> list[tuple[float, float]]:
    """Put in order of rounds what came in order of worlds."""
    return [pair for turn in range(rounds) for pair in pairs[turn::rounds]]


def enforcer(casbin: Any, model: str, each: World) -> tuple[Any, list[tuple[str, str, str]]]:
    """An engine that has every use that is permitted to whoever stands so, found by all three words at
    once, and the questions in its words.
    """
    engine = casbin.FastEnforcer(model, cache_key_order=[0, 1, 2])
    asked = [
        (json.dumps(case.cedar["context"]), case.request.category, case.request.purpose)
        for case in each.asked
    ]
    yes = {
        one
        for one, case in zip(asked, each.asked, strict=True)
        if decide(case.request, case.facts).answer is UseAnswer.PERMITTED
    }
    for one in sorted(yes):
        engine.add_policy(*one)
    return engine, asked


def peer(folder: str, *, install: bool) -> Any:
    try:
        return importlib.import_module("casbin")
    except ImportError:
        if not install:
            return None
    venv.create(folder, with_pip=True)
    program = Path(folder, "bin", "python")
    subprocess.run([str(program), "-m", "pip", "install", "-q", PEER], check=True)
    asked = [str(program), "-c", "import json, sysconfig; print(json.dumps(sysconfig.get_path('purelib')))"]
    sys.path.append(json.loads(subprocess.run(asked, check=True, capture_output=True).stdout))
    return importlib.import_module("casbin")


def words(worlds: Sequence[World], rounds: int) -> None:
    """What reading the words costs more."""
    few = worlds[:20]
    pairs = [
        (seconds(each.ours), seconds(lambda each=each: [d.told for d in each.ours() if d]))
        for _ in range(rounds)
        for each in few
    ]
    turns = [pairs[start :: len(few)] for start in range(len(few))]
    bare, told = (sum(min(pair[side] for pair in turn) for turn in turns) for side in (0, 1))
    count = sum(len(each.questions) for each in few)
    print(f"  a decision {bare / count * 1e6:.2f} us, with its words read {told / count * 1e6:.2f} us")


def main() -> int:
    """Print each figure; exit code 1 when one is short of its bar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--policies", type=int, default=250)
    parser.add_argument("--cases", type=int, default=400, help="about each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--install-peer", action="store_true", help=f"install {PEER} for this run")
    given = parser.parse_args()
    worlds = [world(seed, given.cases) for seed in range(given.policies)]
    fine = against_cedar(worlds, given.rounds)
    fine &= against_casbin(worlds, given.rounds, install=given.install_peer)
    words(worlds, given.rounds)
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
