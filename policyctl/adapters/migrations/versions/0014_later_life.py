# SPDX-License-Identifier: Apache-2.0
"""Data that was deleted, leaves of tags that were cut out, and runs (adapters/tables/later.py)."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TAG_END = """CREATE TABLE tag_end (
    subject_no BIGINT NOT NULL,
    category SMALLINT NOT NULL,
    ref BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    PRIMARY KEY (subject_no, category, ref),
    FOREIGN KEY(entry) REFERENCES entry (seq)
)"""
LEAF = """CREATE TABLE leaf (
    batch_no INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (batch_no, place)
)"""
RUN = """CREATE TABLE run (
    run_no INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    command TEXT NOT NULL,
    outcome TEXT NOT NULL,
    counts TEXT NOT NULL,
    PRIMARY KEY (run_no),
    CONSTRAINT run_outcome CHECK (outcome IN ('', 'done', 'failed', 'refused'))
)"""
KINDS = {"BIGINT": "INTEGER", "SMALLINT": "INTEGER", "BYTEA": "BLOB"}


def upgrade() -> None:
    """Make the tables; nothing was noted before."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    for words in (TAG_END, LEAF, RUN):
        op.execute(f"{_plain(words)} STRICT, WITHOUT ROWID" if sqlite else words)
    op.execute("CREATE INDEX tag_end_entry ON tag_end (entry, subject_no)")
    op.execute("CREATE INDEX run_command ON run (command, run_no)")
    for table in ("tag_end", "leaf"):
        for statement in _guard(table, sqlite=sqlite):
            op.execute(statement)


def _plain(words: str) -> str:
    for kind, plain in KINDS.items():
        words = words.replace(kind, plain)
    return words


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
