# SPDX-License-Identifier: Apache-2.0
"""The question about many records as one SQLGlot tree, rendered for the engine that runs it.

Three relations are joined: ``tag`` (subject, category, record, version, collected_at, ...), ``standing``
(subject, standing, ...) and ``cell`` (category, version, standing, rank, code, ...), which core/use/matrix.py
computes. ``rank`` is 0 refused, 1 undecided, 2 permitted, so that the least of several is their answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp, select

PERMITTED = 2
ANSWERS = ("refused", "undecided", "permitted")
_KEY = ("subject", "category", "record")


@dataclass(frozen=True, slots=True)
class Query:
    """``shown``: columns of the answer, (relation, name, alias). ``timed``: tags have a collected_at
    (a timestamp with time zone), and those later than ``at`` do not count. ``one_tag``: no record has
    two tags. ``versions``: the only ones that can permit (the others are left out of the scan), None to
    look at all. ``category``: the relation and column that name the category of a record, whichever
    policy it was collected under.
    """

    shown: tuple[tuple[str, str, str], ...]
    at: datetime
    timed: bool
    one_tag: bool
    versions: tuple[int | str, ...] | None = None
    category: tuple[str, str] = ("tag", "category")


def permitted(query: Query) -> exp.Select:
    """The records that may be used."""
    if not query.one_tag:
        return _outer(query, exp.column("rank").eq(PERMITTED))
    found = select(*_shown(query), _text(PERMITTED), exp.column("code", "cell")).from_("tag")
    found = found.join("standing", on=_same("standing", "subject"))
    found = found.join("cell", on=exp.and_(_cell(exp.column("standing", "standing")), _rank_is(PERMITTED)))
    if query.timed:
        found = found.where(_collected(query))
    return _where_in(found, exp.column("version", "tag"), query.versions)


def _where_in(found: exp.Select, column: exp.Expr, values: Sequence[int | str] | None) -> exp.Select:
    """Only rows with one of ``values``; none at all where there is no value, all where that is not asked."""
    if values is None:
        return found
    return found.where(column.isin(*values) if values else exp.false())


def not_permitted(query: Query) -> exp.Select:
    """The records that may not, each with why."""
    return _outer(query, exp.column("rank").neq(PERMITTED))


def decided(query: Query) -> exp.Select:
    """How many records have which answer for which reason."""
    inner = _ranked(query)
    found = select("answer", "code", exp.Count(this=exp.Star()).as_("records"))
    return found.from_(_outer(query, None, inner).subquery("decided")).group_by("answer", "code")


def _outer(query: Query, where: exp.Expr | None, inner: exp.Select | None = None) -> exp.Select:
    names = [exp.column(alias, quoted=True) for _, _, alias in query.shown]
    answer = exp.Case()
    for rank, word in enumerate(ANSWERS):
        answer = answer.when(exp.column("rank").eq(rank), exp.Literal.string(word))
    found = select(*names, answer.as_("answer"), "code").from_((inner or _ranked(query)).subquery("ranked"))
    return found if where is None else found.where(where)


def _ranked(query: Query) -> exp.Select:
    """Every record with its rank: what is not known is undecided, and of several tags of one record the
    worst counts for each.
    """
    rank = exp.func("coalesce", exp.column("rank", "cell"), exp.Literal.number(1))
    code = exp.func("coalesce", exp.column("code", "cell"), exp.Literal.string("no_version"))
    if query.timed:
        late = exp.not_(_collected(query))
        rank = exp.Case().when(late, exp.null()).else_(rank)
        code = exp.Case().when(late, exp.Literal.string("no_tag")).else_(code)
    standing = exp.func("coalesce", exp.column("standing", "standing"), exp.Literal.number(0))
    found = (
        select(*_shown(query), *_key(query), rank.as_("own"), code.as_("own_code"))
        .from_("tag")
        .join("standing", on=_same("standing", "subject"), join_type="left")
        .join("cell", on=_cell(standing), join_type="left")
    )
    worst: exp.Expr = exp.column("own")
    if not query.one_tag:
        least = exp.Min(this=exp.column("own"))
        worst = exp.Window(this=least, partition_by=[exp.column(f"key_{name}") for name in _KEY])
    held = select("*", worst.as_("worst")).from_(found.subquery("joined"))
    own, worst_of_all = exp.column("own"), exp.column("worst")
    # A tag from later than the moment is no tag yet: it is undecided, and says nothing of the others.
    final = exp.Case().when(own.is_(exp.null()), exp.Literal.number(1)).else_(worst_of_all)
    same = exp.or_(own.is_(exp.null()), own.eq(worst_of_all))
    why = exp.Case().when(same, exp.column("own_code")).else_(exp.Literal.string("another_tag"))
    return select("*", final.as_("rank"), why.as_("code")).from_(held.subquery("held"))


def _shown(query: Query) -> list[exp.Expr]:
    return [
        exp.column(name, relation, quoted=True).as_(alias, quoted=True)
        for relation, name, alias in query.shown
    ]


def _key(query: Query) -> list[exp.Expr]:
    if query.one_tag:
        return []
    relation, name = query.category
    columns = (exp.column("subject", "tag"), exp.column(name, relation), exp.column("record", "tag"))
    return [column.as_(f"key_{name}") for name, column in zip(_KEY, columns, strict=True)]


def _text(rank: int) -> exp.Expr:
    return exp.Literal.string(ANSWERS[rank]).as_("answer")


def _same(relation: str, name: str) -> exp.Expr:
    return exp.column(name, relation).eq(exp.column(name, "tag"))


def _rank_is(rank: int) -> exp.Expr:
    return exp.column("rank", "cell").eq(rank)


def _cell(standing: exp.Expr) -> exp.Expr:
    return exp.and_(
        _same("cell", "category"),
        _same("cell", "version"),
        exp.column("standing", "cell").eq(standing),
    )


def _collected(query: Query) -> exp.Expr:
    """Doubt is no yes: a tag without a time is not taken for one from before."""
    moment = exp.Literal.string(f"{query.at:%Y-%m-%d %H:%M:%S.%f}+00:00")
    at = exp.cast(moment, exp.DataType.Type.TIMESTAMPTZ)
    before = exp.LTE(this=exp.column("collected_at", "tag"), expression=at)
    return exp.func("coalesce", before, exp.false())


def tags_of_file(columns: Sequence[str], query: FileQuery) -> exp.Select:
    """The relation ``tag`` of a file of tags: its own columns, of the rows that are asked about."""
    found = select(*[_of_file(name, query) for name in columns]).from_("file")
    found = _where_in(found, exp.column("category"), query.categories)
    return _where_in(found, _version(query), query.versions)


@dataclass(frozen=True, slots=True)
class FileQuery:
    """Which rows of a file are asked about: those of ``categories`` and ``versions``, None for all.
    ``gaps``: some have no version. ``timed``: there is a collected_at.
    """

    categories: tuple[str, ...] | None
    versions: tuple[str, ...] | None
    gaps: bool
    timed: bool


def _of_file(name: str, query: FileQuery) -> exp.Expr:
    column = exp.column(name, quoted=True)
    if name == "version" and query.gaps:
        return _version(query).as_(name)
    if name == "collected_at" and query.timed:
        return exp.cast(column, exp.DataType.Type.TIMESTAMPTZ).as_(name)
    return column


def _version(query: FileQuery) -> exp.Expr:
    column = exp.column("version", quoted=True)
    return exp.func("coalesce", column, exp.Literal.string("")) if query.gaps else column


def kinds_of_tags(relation: str) -> exp.Select:
    """Which categories and versions occur together."""
    return select("category", "version").distinct().from_(relation)


def subjects_of_file() -> exp.Select:
    """Whom a file is about."""
    return select("subject").distinct().from_("file")


def how_many() -> exp.Select:
    """How many records are asked about."""
    return select(exp.Count(this=exp.Star())).from_("tag")


def standing_of_file() -> exp.Select:
    """The relation ``standing`` of a file, by the ids that it uses."""
    standing = exp.func("coalesce", exp.column("standing", "stands"), exp.Literal.number(0))
    same = exp.column("subject_no", "stands").eq(exp.column("subject_no", "named"))
    found = select(exp.column("subject", "named"), standing.as_("standing")).from_("named")
    return found.join("stands", on=same, join_type="left")
