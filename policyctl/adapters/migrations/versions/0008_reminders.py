# SPDX-License-Identifier: Apache-2.0
"""Which notice a reminder repeats, and how long before the effective date (adapters/ledger/sending/reminders.py)."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE reminder (
    notice_no INTEGER NOT NULL,
    of_notice INTEGER NOT NULL,
    lead_days INTEGER NOT NULL,
    PRIMARY KEY (notice_no),
    FOREIGN KEY(notice_no) REFERENCES notice (notice_no),
    FOREIGN KEY(of_notice) REFERENCES notice (notice_no),
    UNIQUE (of_notice, lead_days)
)"""


def upgrade() -> None:
    """Make the table; what was planned never changes."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(f"{TABLE} STRICT, WITHOUT ROWID" if sqlite else TABLE)
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    stop = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: reminder'); END"
    return [
        f"CREATE TRIGGER reminder_no_{act} BEFORE {act.upper()} ON reminder {stop}"
        for act in ("update", "delete")
    ]


def _postgresql() -> list[str]:
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER reminder_no_change BEFORE UPDATE OR DELETE ON reminder FOR EACH ROW {act}",
        f"CREATE TRIGGER reminder_no_truncate BEFORE TRUNCATE ON reminder FOR EACH STATEMENT {act}",
    ]
