# SPDX-License-Identifier: Apache-2.0
"""The part of the ledger that is told of data that was deleted; of one server, and of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from policyctl.adapters.ledger.ending.rows import end_tags
from policyctl.adapters.ledger.tagging.together import Write
from policyctl.adapters.ledger.versions.known import Known
from policyctl.core.practice import Taxonomy
from policyctl.core.records import ClientBatch, EndRow, ImportReceipt

KIND = "ends"
"""The kind of the entries."""


class Endings:
    """What :class:`~policyctl.adapters.ledger.Ledger` has for data that was deleted."""

    _key: bytes
    _taxonomy: Taxonomy

    def _enter(self, write: Write, *, dry_run: bool) -> ImportReceipt:
        raise NotImplementedError

    def end_tags(
        self,
        rows: Sequence[EndRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
        batch: ClientBatch | None = None,
    ) -> ImportReceipt:
        """End the tags of data that was deleted, all or none; what has ended already adds nothing.

        ``within``: the ids are this customer's own. InputErrors name every row whose data is not tagged.
        """

        def work(writer: Any, tenant_no: int | None, known: Known) -> ImportReceipt:
            return end_tags(
                writer, rows, key=self._key, taxonomy=self._taxonomy, known=known, within_no=tenant_no
            )

        return self._enter(Write(KIND, now, work, within, batch), dry_run=dry_run)


class SpreadEndings(Endings):
    """The same where the ledger is cut over several servers: each row goes to that of its subject."""

    def _parts(self, rows: Sequence[Any], who: Callable[[Any], str], batch: ClientBatch | None) -> Any:
        raise NotImplementedError

    def _enter_parts(self, parts: Any, enter: Any, *, now: datetime, dry_run: bool) -> list[ImportReceipt]:
        raise NotImplementedError

    def end_tags(
        self,
        rows: Sequence[EndRow],
        *,
        now: datetime,
        dry_run: bool = False,
        within: str | None = None,
        batch: ClientBatch | None = None,
    ) -> ImportReceipt:
        """Tried on every server, then entered on one after the other."""
        done = self._enter_parts(
            self._parts(rows, lambda row: row.subject, batch),
            lambda ledger, rows, batch, dry: ledger.end_tags(
                rows, now=now, dry_run=dry, within=within, batch=batch
            ),
            now=now,
            dry_run=dry_run,
        )
        return ImportReceipt(sum(each.added for each in done), sum(each.repeated for each in done))
