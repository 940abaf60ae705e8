# SPDX-License-Identifier: Apache-2.0
"""What is collected, how it is used, to whom it is disclosed: three tables made from declared practices.

Beside the practices of the version before, each row and each entry of it says whether it is new or gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from policyctl.core.practice import ChoiceMode, Practice, Recipient, Taxonomy, Term
from policyctl.reports.site.wording import Wording
from policyctl.reports.words import one_line

_CHOICES = {
    ChoiceMode.NONE: "choice.none",
    ChoiceMode.OPT_OUT: "choice.opt-out",
    ChoiceMode.OPT_IN: "choice.opt-in",
}
_DURATION = re.compile(r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a cell. ``state``: ``same``, ``new`` or ``gone``; ``clause``: the id it leads to."""

    text: str
    state: str = "same"
    clause: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``state``: ``same``, ``new``, ``gone`` or ``changed`` (something in it is new or gone)."""

    label: str
    state: str
    sensitive: bool
    cells: tuple[tuple[Item, ...], ...]


@dataclass(frozen=True, slots=True)
class PracticeTable:
    """``id`` is its place on the page, ``columns`` its heads, the first that of the row's own name."""

    id: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def changes(self) -> int:
        """How many rows are not the same as in the version before."""
        return sum(row.state != "same" for row in self.rows)


_Entry = tuple[str, str]  # what is said, and the clause it leads to
_Cells = tuple[list[_Entry], ...]
_Rows = dict[str, _Cells]


def practice_tables(
    practices: Sequence[Practice], before: Sequence[Practice] | None, says: Says
) -> tuple[PracticeTable, ...]:
    """The three tables; ``before`` None: there is no version before that declares practices, nothing is
    marked.
    """
    made = [
        ("collected", ("data", "why", "kept", "where"), _collected),
        ("used", ("purpose", "data", "choice", "where"), _used),
        ("disclosed", ("who", "data", "why", "where"), _disclosed),
    ]
    sensitive = says.sensitive()
    return tuple(
        PracticeTable(
            name,
            says.say.text(f"practices.{name}"),
            tuple(says.say.text(f"column.{column}") for column in columns),
            _rows(partial(work, says=says), practices, before, sensitive),
        )
        for name, columns, work in made
    )


@dataclass(frozen=True, slots=True)
class Says:
    """What practices say, in the words of one language."""

    taxonomy: Taxonomy
    say: Wording

    def data(self, name: str) -> str:
        """What a category of data is called."""
        return self._label(self.taxonomy.categories, name)

    def purpose(self, name: str) -> str:
        """What a purpose is called."""
        return self._label(self.taxonomy.purposes, name)

    def recipient(self, who: Recipient) -> str:
        """Who gets data: by name, and what kind of recipient that is."""
        words = self._label(self.taxonomy.recipients, who.kind)
        return f"{one_line(who.name)} ({words})" if who.name else words

    def choice(self, mode: ChoiceMode) -> str:
        """What a person may say to it."""
        return self.say.text(_CHOICES[mode])

    def kept_for(self, retention: str) -> str:
        """``P1Y6M`` as ``1 year 6 months``; words stay as they are."""
        found = _DURATION.fullmatch(retention)
        if not found or not any(found.groups()):
            return one_line(retention) or self.say.text("kept.unsaid")
        units = zip(found.groups(), ("years", "months", "weeks", "days"), strict=True)
        return " ".join(self.say.counted(f"kept.{unit}", int(number)) for number, unit in units if number)

    def sensitive(self) -> frozenset[str]:
        """What the data is called that the law guards most."""
        terms = self.taxonomy.categories.items()
        return frozenset(self.data(name) for name, term in terms if term.sensitive)

    def _label(self, terms: Mapping[str, Term], name: str) -> str:
        return self.say.term(terms[name].label if name in terms else name)


def _collected(practices: Sequence[Practice], says: Says) -> Iterator[tuple[str, _Cells]]:
    for each in practices:
        for category in each.categories:
            yield (
                says.data(category),
                (
                    [(says.purpose(each.purpose), "")],
                    [(says.kept_for(each.retention), "")],
                    [(each.clause, each.clause)],
                ),
            )


def _used(practices: Sequence[Practice], says: Says) -> Iterator[tuple[str, _Cells]]:
    for each in practices:
        data = [(says.data(category), "") for category in each.categories]
        choice = [(says.choice(each.choice), "")]
        yield says.purpose(each.purpose), (data, choice, [(each.clause, each.clause)])


def _disclosed(practices: Sequence[Practice], says: Says) -> Iterator[tuple[str, _Cells]]:
    for each in practices:
        data = [(says.data(category), "") for category in each.categories]
        for who in each.recipients:
            yield (
                says.recipient(who),
                (data, [(says.purpose(each.purpose), "")], [(each.clause, each.clause)]),
            )


_Gather = Callable[[Sequence[Practice]], Iterator[tuple[str, _Cells]]]


def _gathered(work: _Gather, practices: Sequence[Practice]) -> _Rows:
    """Rows of one name become one; an entry stands in a cell once."""
    rows: _Rows = {}
    for label, cells in work(practices):
        own = rows.setdefault(label, tuple([] for _ in cells))
        for cell, entries in zip(own, cells, strict=True):
            cell += [entry for entry in entries if entry not in cell]
    return rows


def _rows(
    work: _Gather, practices: Sequence[Practice], before: Sequence[Practice] | None, sensitive: frozenset[str]
) -> tuple[Row, ...]:
    new = _gathered(work, practices)
    old = new if before is None else _gathered(work, before)
    return tuple(
        _row(label, new.get(label), old.get(label), sensitive)
        for label in (*new, *(label for label in old if label not in new))
    )


def _row(label: str, new: _Cells | None, old: _Cells | None, sensitive: frozenset[str]) -> Row:
    if new is None or old is None:
        cells = tuple(_items(cell, cell) for cell in new or old or ())
        return Row(label, "gone" if new is None else "new", label in sensitive, cells)
    cells = tuple(_items(*pair) for pair in zip(new, old, strict=True))
    changed = any(item.state != "same" for cell in cells for item in cell)
    return Row(label, "changed" if changed else "same", label in sensitive, cells)


def _items(new: Sequence[_Entry], old: Sequence[_Entry]) -> tuple[Item, ...]:
    there = [Item(text, "same" if (text, clause) in old else "new", clause) for text, clause in new]
    return (*there, *(Item(text, "gone", clause) for text, clause in old if (text, clause) not in new))
