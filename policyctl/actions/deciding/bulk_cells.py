# SPDX-License-Identifier: Apache-2.0
"""What a question in bulk joins its tags with: the cells of core/use/matrix.py, and what is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from policyctl.core.policy import VersionKey
from policyctl.core.use.matrix import Matrix, Standing
from policyctl.core.use.question import UseAnswer

if TYPE_CHECKING:
    from policyctl.adapters.bulk.engine import Workbench
    from policyctl.adapters.bulk.query import Query
    from policyctl.adapters.ledger.asking.export import Export

_RANK = {UseAnswer.REFUSED: 0, UseAnswer.UNDECIDED: 1, UseAnswer.PERMITTED: 2}
_CELL_COLUMNS = ("int32", "int8", "string", "string", "string")
_SHOWN = (
    ("standing", "subject_name", "subject"),
    ("standing", "customer", "customer"),
    ("tag", "record", "record"),
    ("cell", "category_name", "category"),
    ("cell", "version_name", "version"),
    ("tag", "collected_at", "collected_at"),
)
_STANDING = (
    ("subject", "int64"), ("standing", "int32"), ("subject_name", "string"), ("customer", "string"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of tag as its source writes it, and what that stands for. ``ended``: its data was deleted."""

    category: int | str
    version: int | str
    slug: str
    name: str
    key: VersionKey | None
    ended: bool = False


def ledgers_query(bench: Workbench, export: Export, matrix: Matrix, *, one_tag: bool) -> Query:
    """The question about the relation ``tag``, in the ledger's numbers; the two others are made."""
    from policyctl.adapters.bulk.query import Query, kinds_of_tags

    bench.put("standing", _STANDING, export.subjects())
    kinds = [
        Kind(
            category,
            version,
            *export.categories[category],
            export.version_keys.get(version),
            ended=export.is_ended(version),
        )
        for category, version in bench.rows(kinds_of_tags("tag"))
    ]
    permit = put_cells(bench, "int32", kinds, matrix, export.standings)
    category = ("cell", "category_name")
    at = matrix.question.at
    return Query(_SHOWN, at, timed=True, one_tag=one_tag, versions=permit, category=category)


def put_cells(
    bench: Workbench,
    number: str,
    kinds: Sequence[Kind],
    matrix: Matrix,
    standings: Mapping[Standing, int],
) -> tuple[int | str, ...]:
    """Make the relation ``cell``; the versions under which anything at all is permitted."""
    permit: set[int | str] = set()
    names = ("category", "version", "standing", "rank", "code", "category_name", "version_name")
    columns = tuple(zip(names, (number, number, *_CELL_COLUMNS), strict=True))

    def rows() -> Iterator[tuple[object, ...]]:
        for kind in kinds:
            key = None if kind.key is None else str(kind.key)
            for standing, place in standings.items():
                cell = matrix.cell(kind.slug, kind.name, kind.key, standing, ended=kind.ended)
                if cell.answer is UseAnswer.PERMITTED:
                    permit.add(kind.version)
                yield kind.category, kind.version, place, _RANK[cell.answer], cell.code, kind.name, key

    bench.put("cell", columns, rows())
    return tuple(sorted(permit, key=str))
