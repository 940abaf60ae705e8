# SPDX-License-Identifier: Apache-2.0
"""Reports of deliveries with the status code they gave, and whether their notice was found by address."""

from alembic import op
from sqlalchemy import inspect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = {"by_address": "INTEGER NOT NULL DEFAULT 0", "status": "TEXT NOT NULL DEFAULT ''"}


def upgrade() -> None:
    """Reports so far gave none, and each named its notice."""
    there = {column["name"] for column in inspect(op.get_bind()).get_columns("delivery_event")}
    for name, kind in COLUMNS.items():
        if name not in there:
            op.execute(f"ALTER TABLE delivery_event ADD COLUMN {name} {kind}")
