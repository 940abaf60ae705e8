# SPDX-License-Identifier: Apache-2.0
"""Alembic's entrance: runs the steps on the connection it is handed, inside that transaction.

``Ledger.upgrade`` opens the transaction (BEGIN IMMEDIATE, or the advisory lock), so that either all
steps are done or none, and of two processes that upgrade at once the second finds nothing to do.
"""

from alembic import context

from policyctl.adapters.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
