# SPDX-License-Identifier: Apache-2.0
"""The root of each batch's Merkle tree, and the hashes from which a proof is made without the whole batch.

A batch from before has neither: its digest was taken otherwise (adapters/ledger/base/chain.py).
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty."""
    kind = "BLOB" if op.get_bind().dialect.name == "sqlite" else "BYTEA"
    for column in ("root", "tiles"):
        op.execute(f"ALTER TABLE batch ADD COLUMN {column} {kind}")
