# SPDX-License-Identifier: Apache-2.0
"""What was posted where, and what became of it."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TABLES = {
    "posting": """CREATE TABLE posting (
    posting_no INTEGER NOT NULL,
    recorded_at BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    version_no SMALLINT NOT NULL,
    id TEXT NOT NULL,
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    target TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (posting_no),
    UNIQUE (id),
    FOREIGN KEY(entry) REFERENCES entry (seq),
    FOREIGN KEY(version_no) REFERENCES version (version_no)
)""",
    "posting_event": """CREATE TABLE posting_event (
    posting_no INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    happened_at BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (posting_no, attempt),
    CONSTRAINT posting_event_attempt CHECK (attempt > 0),
    FOREIGN KEY(entry) REFERENCES entry (seq),
    FOREIGN KEY(posting_no) REFERENCES posting (posting_no)
)""",
}


def upgrade() -> None:
    """Make the tables; both only grow."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for table, words in TABLES.items():
        op.execute(_for_sqlite(words) if sqlite else words)
        for statement in _guard(table, sqlite=sqlite):
            op.execute(statement)


def _for_sqlite(words: str) -> str:
    words = words.replace("BIGINT", "INTEGER").replace("SMALLINT", "INTEGER")
    return f"{words} STRICT, WITHOUT ROWID"


def _guard(table: str, *, sqlite: bool) -> list[str]:
    if sqlite:
        stop = f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table}'); END"
        return [
            f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {stop}"
            for act in ("update", "delete")
        ]
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}",
    ]
