# SPDX-License-Identifier: Apache-2.0
"""Files of tags with whatever may be in one, and the same question put to each record by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from policyctl.adapters.ledger import Ledger
from policyctl.core.policy import VersionKey
from policyctl.core.records import Tag
from policyctl.core.use.decision import UseRequest, decide
from policyctl.core.use.matrix import BulkQuestion
from tests.actions.bulk_scene import DESK, World, days, who
from tests.core.test_decision_properties import CATEGORIES

# Row of the file, answer, code.
RowAnswer = tuple[int, str, str]
TIMES = {"utc": pa.timestamp("us", "UTC"), "plain": pa.timestamp("ms"), "fine": pa.timestamp("ns")}


@dataclass(frozen=True)
class Row:
    who: str
    category: str
    record: str
    version: str | None
    at: datetime | None


@dataclass(frozen=True)
class TagFile:
    """``time``: how its times are written, None where it has none. ``parts``: how many files."""

    rows: tuple[Row, ...]
    time: str | None
    parts: int

    def write(self, path: Path) -> Path:
        columns: dict[str, Any] = {
            name: [getattr(row, field) for row in self.rows]
            for name, field in (("subject", "who"), ("category", "category"), ("record", "record"))
        }
        columns["version"] = pa.array([row.version for row in self.rows], pa.string())
        columns["row"] = list(range(len(self.rows)))
        if self.time:
            moments = [row.at.replace(tzinfo=None) if row.at else None for row in self.rows]
            columns["collected_at"] = pa.array(moments, TIMES[self.time])
        _write(path, pa.table(columns), self.parts)
        return path


def _write(path: Path, table: pa.Table, parts: int) -> None:
    if parts == 1:
        pq.write_table(table, path)
        return
    path.mkdir()
    (path / "_SUCCESS").touch()
    size = -(-len(table) // parts)
    for part in range(parts):
        pq.write_table(table.slice(part * size, size), path / f"part-{part}.parquet")


names = st.sampled_from(["fax@v1", "fax@v2", "fax@v3", "desk@v1"])
rows = st.builds(
    Row,
    who=st.one_of(who, who, who, st.just("nobody")),
    category=st.sampled_from((*CATEGORIES, *CATEGORIES, "user.unheard_of")),
    record=st.sampled_from(("7", "8", "form")),
    version=st.one_of(names, names, names, st.sampled_from([None, "", "fax@v9", "other@v1"])),
    at=st.one_of(days, days, days, st.none()),
)
tag_files = st.builds(
    TagFile,
    st.lists(rows, min_size=10, max_size=40).map(tuple),
    st.sampled_from((*TIMES, None)),
    st.sampled_from((1, 1, 3)),
)


def row_by_row(ledger: Ledger, world: World, question: BulkQuestion, file: TagFile) -> Counter[RowAnswer]:
    """What may-use says of each row, the ledger's own tags put aside."""
    found: Counter[RowAnswer] = Counter()
    tags = [_tag(row, question, timed=file.time is not None) for row in file.rows]
    for number, tag in enumerate(tags):
        if question.asks(tag.slug, tag.category):
            found[number, *_of_row(ledger, world, question, (tag, tags))] += 1
    return found


def _tag(row: Row, question: BulkQuestion, *, timed: bool) -> Tag:
    key = VersionKey(row.version.split("@")[0], int(row.version.split("@v")[1])) if row.version else None
    # Under which policy is not known where the version is not: it is asked about all the same.
    slug = key.slug if key else question.slug or ""
    at = (row.at or datetime.max.replace(tzinfo=question.at.tzinfo)) if timed else question.at
    return Tag(row.who, row.category, row.record, at, key, slug=slug)


def _of_row(
    ledger: Ledger, world: World, question: BulkQuestion, of: tuple[Tag, Sequence[Tag]]
) -> tuple[str, str]:
    tag, tags = of
    category = question.category or tag.category
    asked = UseRequest(
        tag.subject, category, question.purpose, question.at, question.recipient, question.slug
    )
    facts = replace(ledger.facts_for(replace(asked, slug="fax")), versions=(DESK, *world.records))
    if tag.collected_at > question.at:
        decision = own = decide(asked, replace(facts, tags=()))
        assert own.reasons
        return decision.answer.value, "no_tag"
    decision = decide(asked, replace(facts, tags=tuple(_same(tag, tags, question))))
    own = decide(asked, replace(facts, tags=(tag,)))
    return decision.answer.value, own.finding.code if own.answer is decision.answer else "another_tag"


def _same(tag: Tag, tags: Sequence[Tag], question: BulkQuestion) -> Iterator[Tag]:
    for other in tags:
        mine = (other.subject, other.category, other.record) == (tag.subject, tag.category, tag.record)
        if mine and question.asks(other.slug, other.category):
            yield other


def read_rows(*paths: Path) -> Counter[RowAnswer]:
    """The same of outputs."""
    shown = [row for path in paths for row in pq.read_table(path).to_pylist()]
    return Counter((row["row"], row["answer"], row["code"]) for row in shown)
