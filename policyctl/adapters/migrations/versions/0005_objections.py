# SPDX-License-Identifier: Apache-2.0
"""What people say on their pages besides choices: objections, no more reminders; and receipts owed to them."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = {
    "objection": """CREATE TABLE objection (
        subject_no BIGINT NOT NULL,
        version_no SMALLINT NOT NULL,
        objected_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        stands SMALLINT NOT NULL,
        PRIMARY KEY (subject_no, version_no, objected_at),
        CONSTRAINT objection_stands CHECK (stands IN (0, 1)),
        FOREIGN KEY(version_no) REFERENCES version (version_no),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    "reminder_stop": """CREATE TABLE reminder_stop (
        subject_no BIGINT NOT NULL,
        contact INTEGER NOT NULL,
        stopped_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        PRIMARY KEY (subject_no, contact),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    "answer_receipt": """CREATE TABLE answer_receipt (
        subject_no BIGINT NOT NULL,
        notice_no INTEGER NOT NULL,
        contact INTEGER NOT NULL,
        answered_at BIGINT NOT NULL,
        owed_since BIGINT,
        not_before BIGINT,
        attempts INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (subject_no, notice_no, contact)
    )""",
}
APPEND_ONLY = ("objection", "reminder_stop")


def upgrade() -> None:
    """Make the tables; what people said never changes."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table in TABLES.values():
        words = table.replace("BIGINT", "INTEGER").replace("SMALLINT", "INTEGER")
        op.execute(f"{words} STRICT, WITHOUT ROWID" if sqlite else table)
    for name in APPEND_ONLY:
        for statement in _sqlite(name) if sqlite else _postgresql(name):
            op.execute(statement)


def _sqlite(name: str) -> list[str]:
    stop = f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {name}'); END"
    return [
        f"CREATE TRIGGER {name}_no_{act} BEFORE {act.upper()} ON {name} {stop}" for act in ("update", "delete")
    ]


def _postgresql(name: str) -> list[str]:
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} FOR EACH ROW {act}",
        f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} FOR EACH STATEMENT {act}",
    ]
