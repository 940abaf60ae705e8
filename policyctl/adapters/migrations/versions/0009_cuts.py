# SPDX-License-Identifier: Apache-2.0
"""Records of what is cut out of the ledger; and the chain over what versions say: practices, what they ask,
categories, notices, reminders.

Until here the rows of six small tables named no entry, so nobody could tell whether they were altered. What
is there is put under a link of its own, in an entry of the kind ``upgrade``.
"""

import json
from hashlib import sha256

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CUT = """CREATE TABLE cut (
    what TEXT NOT NULL,
    first_no BIGINT NOT NULL,
    entry BIGINT NOT NULL,
    last_no BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    rule TEXT NOT NULL,
    left_digest BYTEA NOT NULL,
    PRIMARY KEY (what, first_no, entry),
    CONSTRAINT cut_what CHECK (what IN ('entry', 'batch', 'subject')),
    FOREIGN KEY(entry) REFERENCES entry (seq)
)"""
# What a line of the chain tells of a row, in the order that it was made in at this step.
TOLD = {
    "policy": ("policy_no", "slug"),
    "practice": (
        "practice_no", "position", "line", "version_no", "keep_existing", "id", "clause", "categories", "purpose",
        "recipients", "retention", "choice",
    ),
    "change": ("practice_no", "position", "window_days", "name", "mode"),
    "category": ("category_no", "policy_no", "id"),
    "notice": (
        "notice_no", "position", "version_no", "kind", "audience_kind", "audience_categories", "changes", "body",
    ),
    "reminder": ("notice_no", "of_notice", "lead_days"),
}  # fmt: skip


def upgrade() -> None:
    """Make the table; let the rows of the others name an entry."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    words = CUT.replace("BIGINT", "INTEGER").replace("BYTEA", "BLOB")
    op.execute(f"{words} STRICT, WITHOUT ROWID" if sqlite else CUT)
    for statement in _guard("cut", sqlite=sqlite):
        op.execute(statement)
    kind = "INTEGER" if sqlite else "BIGINT"
    for table in TOLD:
        op.execute(f"ALTER TABLE {table} ADD COLUMN entry {kind} REFERENCES entry (seq)")
    lines = _lines()
    if lines:
        _chain(lines, sqlite=sqlite)


def _lines() -> list[bytes]:
    rows = op.get_bind().exec_driver_sql
    return [
        json.dumps([table, *row]).encode() + b"\n"
        for table, columns in TOLD.items()
        for row in rows(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - our own names
    ]


def _chain(lines: list[bytes], *, sqlite: bool) -> None:
    """Put the rows under a link. Its time is that of the last entry: a migration looks at no clock."""
    rows = op.get_bind().exec_driver_sql
    last, at = rows("SELECT coalesce(max(seq), 0), coalesce(max(recorded_at), 0) FROM entry").one()
    found = rows(f"SELECT root FROM chain WHERE entry = {last}").scalar()  # noqa: S608 - a number
    seq, before = last + 1, bytes(32) if found is None else bytes(found)
    head = json.dumps(["entry", seq, "upgrade", at]).encode() + b"\n"
    digest = sha256(b"".join([head, *sorted(lines)])).digest()
    root = sha256(before + digest).digest()
    rows(f"INSERT INTO entry (seq, kind, recorded_at) VALUES ({seq}, 'upgrade', {at})")  # noqa: S608 - numbers
    mark = "?" if sqlite else "%s"
    insert = f"INSERT INTO chain (entry, digest, root) VALUES ({mark}, {mark}, {mark})"  # noqa: S608
    rows(insert, (seq, digest, root))
    for table in TOLD:
        with_guard = _unguarded(table, sqlite=sqlite)
        op.execute(with_guard[0])
        op.execute(f"UPDATE {table} SET entry = {seq}")  # noqa: S608 - our own names and number
        op.execute(with_guard[1])


def _unguarded(table: str, *, sqlite: bool) -> tuple[str, str]:
    """How to let go of the trigger that refuses an update, and how to have it back."""
    if sqlite:
        return f"DROP TRIGGER {table}_no_update", _guard(table, sqlite=True)[0]
    return (
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"ALTER TABLE {table} ENABLE TRIGGER USER",
    )


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
