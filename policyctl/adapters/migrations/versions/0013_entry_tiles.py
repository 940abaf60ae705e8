# SPDX-License-Identifier: Apache-2.0
"""How the rows of one entry are found: by an index, and of very large ones by tiles (core/proof/tiles.py)."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE entry_tile (
    entry BIGINT NOT NULL,
    tiles BYTEA NOT NULL,
    PRIMARY KEY (entry),
    FOREIGN KEY(entry) REFERENCES entry (seq)
)"""
OF_PEOPLE = ("subject", "admission", "choice", "acknowledgement", "objection", "reminder_stop")
OTHERS = ("customer", "cut", "receipt", "delivery_event")


def upgrade() -> None:
    """Make them; entries from before have no tiles."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for_sqlite = TABLE.replace("BIGINT", "INTEGER").replace("BYTEA", "BLOB")
    op.execute(f"{for_sqlite} STRICT, WITHOUT ROWID" if sqlite else TABLE)
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)
    for table in OF_PEOPLE:
        op.execute(f"CREATE INDEX {table}_entry ON {table} (entry, subject_no)")
    for table in OTHERS:
        op.execute(f"CREATE INDEX {table}_entry ON {table} (entry)")


def _sqlite() -> list[str]:
    stop = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: entry_tile'); END"
    return [
        f"CREATE TRIGGER entry_tile_no_{act} BEFORE {act.upper()} ON entry_tile {stop}"
        for act in ("update", "delete")
    ]


def _postgresql() -> list[str]:
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER entry_tile_no_change BEFORE UPDATE OR DELETE ON entry_tile FOR EACH ROW {act}",
        f"CREATE TRIGGER entry_tile_no_truncate BEFORE TRUNCATE ON entry_tile FOR EACH STATEMENT {act}",
    ]
