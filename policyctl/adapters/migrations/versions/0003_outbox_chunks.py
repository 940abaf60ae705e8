# SPDX-License-Identifier: Apache-2.0
"""State moves from every row of the outbox to chunks of them; a report may name the attempt it is of.

What the rows stood at is kept: the addressees of a notice are put in an order in which those of one
language and one state lie side by side, and up to a thousand such become one chunk. The receipt of a
mail in a folder was its path, which ends in its own name: the folder is what is kept.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OUTBOX = """CREATE TABLE outbox_new (
        subject_no BIGINT NOT NULL,
        {more}
        nid TEXT NOT NULL,
        locale TEXT NOT NULL,
        CONSTRAINT outbox_pkey PRIMARY KEY (subject_no, notice_no, contact),
        FOREIGN KEY(entry) REFERENCES entry (seq),
        FOREIGN KEY(notice_no) REFERENCES notice (notice_no)
    )"""
# SQLite 3.40 checks a table without rowid wrongly unless the columns of its key come first.
OUTBOX_ORDER = {
    "sqlite": ("notice_no INTEGER", "contact INTEGER", "entry BIGINT", "place INTEGER"),
    "postgresql": ("entry BIGINT", "notice_no INTEGER", "contact INTEGER", "place INTEGER"),
}
CHUNK = """CREATE TABLE chunk (
        {first}
        send_at BIGINT,
        not_before BIGINT,
        changed_at BIGINT NOT NULL,
        {later}
        notice_no INTEGER NOT NULL,
        lo INTEGER NOT NULL,
        hi INTEGER NOT NULL,
        cursor INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        recalled SMALLINT NOT NULL,
        state TEXT NOT NULL,
        locale TEXT NOT NULL,
        mailer TEXT NOT NULL,
        owner TEXT NOT NULL,
        batch_id TEXT NOT NULL,
        body_sha256 TEXT NOT NULL,
        receipt TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (chunk_no),
        CONSTRAINT chunk_range CHECK (lo >= 1 AND hi >= lo AND cursor >= lo AND cursor <= hi),
        FOREIGN KEY(notice_no) REFERENCES notice (notice_no)
    )"""
EVENT = """CREATE TABLE event_new (
        nid TEXT NOT NULL,
        event TEXT NOT NULL,
        happened_at BIGINT NOT NULL,
        attempt INTEGER NOT NULL,
        entry BIGINT NOT NULL,
        CONSTRAINT delivery_event_pkey PRIMARY KEY (nid, event, happened_at, attempt),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )"""

_STANDING = """
    SELECT o.subject_no, o.notice_no, o.contact, o.entry, o.nid, coalesce(a.locale, '') AS locale,
           s.state, s.attempts, s.changed_at, s.not_before, s.reason,
           replace(s.receipt, o.nid || '.eml', '') AS receipt
    FROM outbox o
    JOIN outbox_state s ON s.subject_no = o.subject_no AND s.notice_no = o.notice_no AND s.contact = o.contact
    LEFT JOIN address a ON a.subject_no = o.subject_no AND a.position = o.contact"""
_SAME = "notice_no, locale, state, attempts, not_before, reason, receipt"
_PLACED = f"""
    SELECT *, row_number() OVER (
        PARTITION BY notice_no
        ORDER BY locale, state, attempts, coalesce(not_before, 0), reason, receipt, subject_no, contact
    ) AS place
    FROM ({_STANDING}) AS standing"""  # noqa: S608 - no value of anybody's
FILL = """INSERT INTO outbox_new (subject_no, notice_no, contact, entry, place, nid, locale)
    SELECT subject_no, notice_no, contact, entry, place, nid, locale FROM placed"""
CHUNKS = f"""INSERT INTO chunk (
        chunk_no, notice_no, locale, state, attempts, not_before, reason, receipt, lo, hi, cursor,
        changed_at, recalled, mailer, owner, batch_id, body_sha256)
    SELECT row_number() OVER (ORDER BY notice_no, lo), parts.* FROM (
        SELECT {_SAME}, min(place) AS lo, max(place) AS hi, min(place) AS cursor, max(changed_at), 0,
               '', '', '', ''
        FROM (SELECT *, (row_number() OVER (PARTITION BY {_SAME} ORDER BY place) - 1) / 1000 AS part
              FROM placed) AS numbered
        GROUP BY {_SAME}, part) AS parts"""  # noqa: S608 - no value of anybody's
REPORTS = """INSERT INTO event_new (nid, event, happened_at, attempt, entry)
    SELECT nid, event, happened_at, 0, entry FROM delivery_event"""


def upgrade() -> None:
    """Make the new tables, move everything over, drop the old."""
    name = op.get_bind().dialect.name
    _make(name)
    op.execute(f"CREATE TEMPORARY TABLE placed AS {_PLACED}")
    for statement in (FILL, CHUNKS, REPORTS):
        op.execute(statement)
    for table in ("placed", "outbox_state", "outbox", "delivery_event"):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE outbox_new RENAME TO outbox")
    op.execute("ALTER TABLE event_new RENAME TO delivery_event")
    for statement in (
        "CREATE INDEX outbox_nid ON outbox (nid)",
        "CREATE INDEX outbox_place ON outbox (notice_no, place)",
        "CREATE INDEX chunk_state ON chunk (state, chunk_no)",
        "CREATE INDEX chunk_notice ON chunk (notice_no, lo)",
    ):
        op.execute(statement)
    for table in ("outbox", "delivery_event"):
        _guard(table, name)


def _make(name: str) -> None:
    is_sqlite = name == "sqlite"
    number = "chunk_no INTEGER NOT NULL,"
    chunk = CHUNK.format(first=number if is_sqlite else "", later="" if is_sqlite else number)
    more = "\n        ".join(f"{column} NOT NULL," for column in OUTBOX_ORDER[name])
    for statement in (OUTBOX.format(more=more), chunk, EVENT):
        if is_sqlite:
            said = statement.replace("BIGINT", "INTEGER").replace("SMALLINT", "INTEGER")
            op.execute(f"{said.replace('CONSTRAINT outbox_pkey ', '')} STRICT, WITHOUT ROWID")
        else:
            # The old key still has the name that a new one would have.
            op.execute(statement.replace("outbox_pkey", "outbox_key").replace("event_pkey", "event_key"))


def _guard(table: str, name: str) -> None:
    """Its rows never change."""
    if name == "sqlite":
        stop = f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table}'); END"
        for act in ("update", "delete"):
            op.execute(f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} {stop}")
        return
    act = "EXECUTE FUNCTION ledger_append_only()"
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {act}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}")
    key = {"outbox": "outbox_key", "delivery_event": "delivery_event_key"}[table]
    op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {key} TO {table}_pkey")
