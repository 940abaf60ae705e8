# SPDX-License-Identifier: Apache-2.0
"""Receipts: a batch that a caller sends again, because it did not hear our answer, enters once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from policyctl.adapters.ledger.base.common import Writer
from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.tables import RECEIPT
from policyctl.core.records import ClientBatch, ImportReceipt
from policyctl.errors import OtherContentError

_GIVEN = (
    "SELECT client_batch_id, content_sha256, added, repeated FROM receipt "
    "WHERE client_batch_id IN ?* AND tenant_no = ? AND source = ?"
)


def receipt_of(connection: Connection, tenant_no: int, batch: ClientBatch) -> ImportReceipt | None:
    """The receipt given for a batch before; None for a new one. OtherContentError for other content."""
    return same_content(batch, receipts_of(connection, tenant_no, [batch]).get(batch.name))


BatchName = tuple[str, str]
# Of a batch that came before: its content and its receipt.
Given = tuple[str, ImportReceipt]


def receipts_of(
    connection: Connection, tenant_no: int, batches: Sequence[ClientBatch]
) -> dict[BatchName, Given]:
    """What was given for those of a customer's ``batches`` that came before, by their names."""
    found: dict[BatchName, Given] = {}
    for source in {batch.source for batch in batches}:
        ids = [batch.id for batch in batches if batch.source == source]
        rows = driver_of(connection).rows_in(_GIVEN, ids, tenant_no, source)
        for name, content_sha256, added, repeated in rows:
            found[source, name] = (content_sha256, ImportReceipt(added, repeated, again=True))
    return found


def same_content(batch: ClientBatch, given: Given | None) -> ImportReceipt | None:
    """The old receipt of a batch; None for a new one. OtherContentError for other content."""
    if given is None:
        return None
    content_sha256, receipt = given
    if content_sha256 != batch.content_sha256:
        raise OtherContentError(
            f"a batch {batch.id!r} of {batch.source!r} was brought before, with other content",
            hint="give other content another id",
        )
    return receipt


def once(
    writer: Writer, tenant_no: int, batch: ClientBatch | None, work: Callable[[], ImportReceipt]
) -> ImportReceipt:
    """Do ``work`` and give its receipt; a batch that came before is answered with the receipt it got."""
    if batch is None:
        return work()
    if old := receipt_of(writer.connection, tenant_no, batch):
        return old
    done = work()
    give_receipt(writer, tenant_no, batch, done)
    return done


def give_receipt(writer: Writer, tenant_no: int, batch: ClientBatch, done: ImportReceipt) -> None:
    """Write down what a batch did, in the transaction that did it."""
    give_receipts(writer, tenant_no, [(batch, done)])


def give_receipts(writer: Writer, tenant_no: int, given: Sequence[tuple[ClientBatch, ImportReceipt]]) -> None:
    """The same for several of one customer."""
    rows = [
        {
            "tenant_no": tenant_no,
            "source": batch.source,
            "client_batch_id": batch.id,
            "content_sha256": batch.content_sha256,
            "added": done.added,
            "repeated": done.repeated,
        }
        for batch, done in given
    ]
    writer.add(RECEIPT, rows)
