# SPDX-License-Identifier: Apache-2.0
"""The relation ``tag`` of exported epochs: their tags, with all that the ledger knows beside them.

``file`` holds the exports. Of the ledger come ``term_category`` (policy, name, number), ``term_version``
(name, number), ``record_name`` (subject, ref, name), ``corrected`` (subject, category, ref) and ``rest``:
the corrections, and the tags of every other epoch, of which those of a record in the files count too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp, select

COLUMNS = ("subject", "category", "version", "collected_at", "record")
_CORRECTED = ("subject", "category", "ref")


@dataclass(frozen=True, slots=True)
class Beside:
    """Which relations of the ledger have any row: a join with none costs as much as with one."""

    names: bool
    corrected: bool
    rest: bool


def tags_of_exports(beside: Beside) -> exp.Select:
    """The relation ``exported``: every tag of the files as the ledger would stream it out."""
    record: exp.Expr = exp.cast(exp.column("record", "file"), exp.DataType.Type.TEXT)
    if beside.names:
        record = exp.func("coalesce", exp.column("name", "record_name"), record)
    columns = (
        exp.column("subject", "file"),
        exp.column("number", "term_category").as_("category"),
        exp.column("number", "term_version").as_("version"),
        exp.cast(exp.column("collected_at", "file"), exp.DataType.Type.TIMESTAMPTZ).as_("collected_at"),
        record.as_("record"),
        exp.column("record", "file").as_("ref"),
        exp.column("category", "file").as_("category_name"),
    )
    policy, name = (
        _equal("term_category.policy", "file.policy"),
        _equal("term_category.name", "file.category"),
    )
    found = select(*columns).from_("file").join("term_category", on=exp.and_(policy, name))
    found = found.join("term_version", on=_equal("term_version.name", "file.version"))
    if not beside.names:
        return found
    subject, ref = _equal("record_name.subject", "file.subject"), _equal("record_name.ref", "file.record")
    return found.join("record_name", on=exp.and_(subject, ref), join_type="left")


def tags_beside() -> exp.Select:
    """The relation ``beside``: what ``rest`` has of the records in the files, under whichever policy."""
    same = exp.and_(
        _equal("exported.subject", "rest.subject"),
        _equal("exported.category_name", "term_category.name"),
        _equal("exported.record", "rest.record"),
    )
    there = exp.Exists(this=select(exp.Literal.number(1)).from_("exported").where(same))
    found = select(*(exp.column(name, "rest") for name in COLUMNS)).from_("rest")
    found = found.join("term_category", on=_equal("term_category.number", "rest.category"))
    return found.where(there)


def tags_that_hold(categories: Sequence[int], beside: Beside) -> exp.Query:
    """The relation ``tag``: the tags of the files in ``categories`` that were not corrected, and those
    beside.
    """
    asked = exp.column("category", "exported")
    found = select(*(exp.column(name, "exported") for name in COLUMNS)).from_("exported")
    found = found.where(asked.isin(*categories) if categories else exp.false())
    if beside.corrected:
        same = exp.and_(*(_equal(f"corrected.{name}", f"exported.{name}") for name in _CORRECTED))
        found = found.join("corrected", on=same, join_type="left")
        found = found.where(exp.column("subject", "corrected").is_(exp.null()))
    if not beside.rest:
        return found
    return exp.union(found, select(*COLUMNS).from_("beside"), distinct=False)


def how_many_beside() -> exp.Select:
    """How many tags of the ledger belong to records in the files, corrections of these included."""
    return select(exp.Count(this=exp.Star())).from_("beside")


def _equal(one: str, other: str) -> exp.Expr:
    (left, left_name), (right, right_name) = one.split("."), other.split(".")
    return exp.column(left_name, left).eq(exp.column(right_name, right))
