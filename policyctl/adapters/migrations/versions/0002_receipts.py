# SPDX-License-Identifier: Apache-2.0
"""Receipts of what callers brought in batches of their own, so that a batch sent twice enters once."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE receipt (
        tenant_no INTEGER NOT NULL,
        source TEXT NOT NULL,
        client_batch_id TEXT NOT NULL,
        content_sha256 TEXT NOT NULL,
        added INTEGER NOT NULL,
        repeated INTEGER NOT NULL,
        entry BIGINT NOT NULL,
        PRIMARY KEY (tenant_no, source, client_batch_id),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )"""
SQLITE_TABLE = TABLE.replace("BIGINT", "INTEGER")


def upgrade() -> None:
    """Make the table; its rows never change."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"{SQLITE_TABLE} STRICT, WITHOUT ROWID")
        stop = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: receipt'); END"
        for act in ("update", "delete"):
            op.execute(f"CREATE TRIGGER receipt_no_{act} BEFORE {act.upper()} ON receipt {stop}")
        return
    op.execute(TABLE)
    act = "EXECUTE FUNCTION ledger_append_only()"
    op.execute(f"CREATE TRIGGER receipt_no_change BEFORE UPDATE OR DELETE ON receipt FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER receipt_no_truncate BEFORE TRUNCATE ON receipt FOR EACH STATEMENT {act}")
