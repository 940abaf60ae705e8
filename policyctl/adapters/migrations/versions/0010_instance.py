# SPDX-License-Identifier: Apache-2.0
"""Which ledger this is, where it may send from, and which list of erasures it has seen (ledger/instance.py)."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE instance (
    instance_no INTEGER NOT NULL,
    lost_up_to BIGINT NOT NULL,
    id TEXT NOT NULL,
    place TEXT NOT NULL,
    erasures TEXT NOT NULL,
    PRIMARY KEY (instance_no),
    CONSTRAINT instance_one CHECK (instance_no = 1)
)"""


def upgrade() -> None:
    """Make the table; its row is written by who knows where the ledger is."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"{TABLE.replace('BIGINT', 'INTEGER')} STRICT, WITHOUT ROWID")
    else:
        op.execute(TABLE)
