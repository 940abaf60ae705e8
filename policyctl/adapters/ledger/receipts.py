# SPDX-License-Identifier: Apache-2.0
"""Receipts: a batch that a caller sends again, because it did not hear our answer, enters once."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select

from policyctl.adapters.ledger.common import Writer
from policyctl.adapters.tables import RECEIPT
from policyctl.core.records import ClientBatch, ImportReceipt
from policyctl.errors import OtherContentError


def receipt_of(connection: Connection, tenant_no: int, batch: ClientBatch) -> ImportReceipt | None:
    """The receipt given for a batch before; None for a new one. OtherContentError for other content."""
    query = select(RECEIPT).where(
        RECEIPT.c.tenant_no == tenant_no,
        RECEIPT.c.source == batch.source,
        RECEIPT.c.client_batch_id == batch.id,
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    if row.content_sha256 != batch.content_sha256:
        raise OtherContentError(
            f"a batch {batch.id!r} of {batch.source!r} was brought before, with other content",
            hint="give other content another id",
        )
    return ImportReceipt(row.added, row.repeated, again=True)


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
    row = {
        "tenant_no": tenant_no,
        "source": batch.source,
        "client_batch_id": batch.id,
        "content_sha256": batch.content_sha256,
        "added": done.added,
        "repeated": done.repeated,
    }
    writer.add(RECEIPT, [row])
