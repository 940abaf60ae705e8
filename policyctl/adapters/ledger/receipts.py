# SPDX-License-Identifier: Apache-2.0
"""Receipts: a batch that a caller sends again, because it did not hear our answer, enters once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, select

from policyctl.adapters.ledger.common import Writer
from policyctl.adapters.tables import RECEIPT
from policyctl.core.records import ClientBatch, ImportReceipt
from policyctl.errors import OtherContentError


def receipt_of(connection: Connection, tenant_no: int, batch: ClientBatch) -> ImportReceipt | None:
    """The receipt given for a batch before; None for a new one. OtherContentError for other content."""
    return same_content(batch, receipts_of(connection, tenant_no, [batch]).get(batch.name))


# Of a batch that came before: its content and its receipt.
Given = tuple[str, ImportReceipt]


def receipts_of(
    connection: Connection, tenant_no: int, batches: Sequence[ClientBatch]
) -> dict[tuple[str, str], Given]:
    """What was given for those of a customer's ``batches`` that came before, by their names."""
    found: dict[tuple[str, str], Given] = {}
    for source in {batch.source for batch in batches}:
        ids = [batch.id for batch in batches if batch.source == source]
        query = select(RECEIPT).where(
            RECEIPT.c.tenant_no == tenant_no,
            RECEIPT.c.source == source,
            RECEIPT.c.client_batch_id.in_(ids),
        )
        for row in connection.execute(query):
            receipt = ImportReceipt(row.added, row.repeated, again=True)
            found[source, row.client_batch_id] = (row.content_sha256, receipt)
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
