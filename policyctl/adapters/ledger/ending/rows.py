# SPDX-License-Identifier: Apache-2.0
"""Ends of tags in the ledger: how they are written, and found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from policyctl.adapters.ledger.base.common import Complaints, Writer, pseudonym, ref_of
from policyctl.adapters.ledger.base.driver import Driver
from policyctl.adapters.ledger.base.epochs import read_epochs, table_name
from policyctl.adapters.ledger.base.packed import NewTag
from policyctl.adapters.ledger.people.people import namesakes
from policyctl.adapters.ledger.versions.known import Known
from policyctl.adapters.tables import TAG_END, microseconds, seconds
from policyctl.core.practice import Taxonomy
from policyctl.core.records import EndRow, ImportReceipt
from policyctl.core.suggest import did_you_mean

# subject, category, ref: as the key of a tag
Key = tuple[int, int, int]
_ANY_BATCH = 0  # tags_there leaves out one batch; none has this number
_ONE = "SELECT 1 FROM tag_end LIMIT 1"


def any_ended(driver: Driver) -> bool:
    """Whether any tag has ended: most ledgers are spared the look at each."""
    return bool(driver.rows(_ONE))


def ended_of(driver: Driver, numbers: Iterable[int]) -> dict[Key, int]:
    """When data of these subjects was deleted, microseconds, by the key of its tags."""
    query = "SELECT subject_no, category, ref, ended_at FROM tag_end WHERE subject_no IN ?*"
    return {row[:3]: row[3] for row in driver.rows_in(query, sorted(set(numbers)))}


def end_tags(
    writer: Writer,
    rows: Sequence[EndRow],
    *,
    key: bytes,
    taxonomy: Taxonomy,
    known: Known,
    within_no: int | None,
) -> ImportReceipt:
    """Enter the ends of tags; one that has ended already adds nothing, whenever it is said to have been."""
    work = _Ends(writer, key, taxonomy, known, within_no)
    fresh = work.new(rows)
    work.complaints.raise_if_any()
    writer.add(TAG_END, fresh)
    return ImportReceipt(work.added, len(rows) - work.added)


class _Ends:
    """One write: what is wrong with it, and how many pieces of data it ends."""

    def __init__(
        self, writer: Writer, key: bytes, taxonomy: Taxonomy, known: Known, within_no: int | None
    ) -> None:
        self._writer = writer
        self._driver = writer.driver
        self._key, self._within_no = key, within_no
        self._known, self._taxonomy = known, taxonomy
        self.complaints = Complaints([])
        self.added = 0

    def new(self, rows: Sequence[EndRow]) -> list[dict[str, Any]]:
        """The rows of the table, without those that are there."""
        found = [(row, self._keys(row, number)) for row, number in self._subjects(rows)]
        there = self._tags(key for _, keys in found for key in keys)
        ended = ended_of(self._driver, (key[0] for key in there))
        fresh: dict[Key, int] = {}
        for row, keys in found:
            tagged = [key for key in keys if key in there]
            if self._sound(row, tagged, there):
                open_ = [key for key in tagged if key not in ended and key not in fresh]
                fresh |= dict.fromkeys(open_, microseconds(row.at))
                self.added += bool(open_)
        names = ("subject_no", "category", "ref")
        return [{**dict(zip(names, key, strict=True)), "ended_at": at} for key, at in sorted(fresh.items())]

    def _subjects(self, rows: Sequence[EndRow]) -> Iterable[tuple[EndRow, int]]:
        names = [pseudonym(self._key, row.subject) for row in rows]
        found = namesakes(self._driver, names, tenant_no=self._within_no)
        for name, row in zip(names, rows, strict=True):
            numbers = list(found.get(name, {}).values())
            if len(numbers) == 1:
                yield row, numbers[0]
            elif numbers:
                hint = "end each customer's tags by themselves"
                self._say(row, "subject", "several customers have a subject with this id", hint)
            else:
                self._say(
                    row, "subject", "this subject is not known", "use the id that the data is tagged with"
                )

    def _keys(self, row: EndRow, number: int) -> list[Key]:
        ref = ref_of(self._key, number, row.record)
        return [(number, no, ref) for no, name in self._known.category_of.items() if name[1] == row.category]

    def _tags(self, keys: Iterable[Key]) -> dict[Key, int]:
        """When the first of the tags that are there was collected, seconds, by their key."""
        wanted: list[NewTag] = [(*key, 0, 0) for key in sorted(set(keys))]
        numbers = read_epochs(self._writer.connection).numbers
        found: dict[Key, int] = {}
        for table in map(table_name, numbers) if wanted else ():
            for row in self._driver.tags_there(table, _ANY_BATCH, wanted):
                found[row[:3]] = min(row[3], found.get(row[:3], row[3]))
        return found

    def _sound(self, row: EndRow, tagged: Collection[Key], there: dict[Key, int]) -> bool:
        if not tagged:
            # Which categories others have tagged is nobody's business: the taxonomy alone is looked at.
            terms = self._taxonomy.categories
            if row.category in terms:
                hint = "use the subject, category and record that it was tagged with"
                self._say(row, "record", f"no tag of the record {row.record!r} is on record", hint)
            else:
                hint = did_you_mean(row.category, terms, "use the category that the data is tagged with")
                self._say(row, "category", f"category {row.category!r} is not known", hint)
            return False
        if seconds(row.at) < min(there[key] for key in tagged):
            self._say(row, "ended_at", "it lies before the data was collected", "say when it was deleted")
            return False
        return True

    def _say(self, row: EndRow, column: str, message: str, hint: str) -> None:
        self.complaints.say(row.place, column, message, hint)
