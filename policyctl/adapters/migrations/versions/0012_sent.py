# SPDX-License-Identifier: Apache-2.0
"""What mails were made by, before they were handed over (adapters/tables/outbox.py)."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE sent (
    sent_no INTEGER NOT NULL,
    entry BIGINT NOT NULL,
    notice_no INTEGER NOT NULL,
    lo INTEGER NOT NULL,
    hi INTEGER NOT NULL,
    form_sha256 TEXT NOT NULL,
    form TEXT NOT NULL,
    PRIMARY KEY (sent_no),
    FOREIGN KEY(entry) REFERENCES entry (seq),
    FOREIGN KEY(notice_no) REFERENCES notice (notice_no),
    CONSTRAINT sent_range CHECK (lo >= 1 AND hi >= lo)
)"""


def upgrade() -> None:
    """Make the table; of what was sent before there is no row."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(f"{TABLE.replace('BIGINT', 'INTEGER')} STRICT, WITHOUT ROWID" if sqlite else TABLE)
    op.execute("CREATE INDEX sent_notice ON sent (notice_no, lo)")
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    stop = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: sent'); END"
    return [
        f"CREATE TRIGGER sent_no_{act} BEFORE {act.upper()} ON sent {stop}" for act in ("update", "delete")
    ]


def _postgresql() -> list[str]:
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER sent_no_change BEFORE UPDATE OR DELETE ON sent FOR EACH ROW {act}",
        f"CREATE TRIGGER sent_no_truncate BEFORE TRUNCATE ON sent FOR EACH STATEMENT {act}",
    ]
