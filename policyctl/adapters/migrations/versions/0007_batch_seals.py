# SPDX-License-Identifier: Apache-2.0
"""The roots of large batches, which are made later than the batches themselves (adapters/ledger/upkeep/seals.py)."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE batch_seal (
    batch_no INTEGER NOT NULL,
    entry BIGINT NOT NULL,
    root BYTEA NOT NULL,
    tiles BYTEA NOT NULL,
    PRIMARY KEY (batch_no),
    FOREIGN KEY(entry) REFERENCES entry (seq)
)"""


def upgrade() -> None:
    """Make the table; a root never changes."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    words = TABLE.replace("BIGINT", "INTEGER").replace("BYTEA", "BLOB")
    op.execute(f"{words} STRICT, WITHOUT ROWID" if sqlite else TABLE)
    op.execute("CREATE INDEX batch_seal_entry ON batch_seal (entry, batch_no)")
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    stop = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: batch_seal'); END"
    return [
        f"CREATE TRIGGER batch_seal_no_{act} BEFORE {act.upper()} ON batch_seal {stop}"
        for act in ("update", "delete")
    ]


def _postgresql() -> list[str]:
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER batch_seal_no_change BEFORE UPDATE OR DELETE ON batch_seal FOR EACH ROW {act}",
        f"CREATE TRIGGER batch_seal_no_truncate BEFORE TRUNCATE ON batch_seal FOR EACH STATEMENT {act}",
    ]
