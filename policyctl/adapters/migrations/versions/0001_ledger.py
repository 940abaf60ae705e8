# SPDX-License-Identifier: Apache-2.0
"""The ledger's first tables, and the triggers that let rows in and never let them change.

{whole}, {time} and {strict} differ between the databases; all else is the same text.
"""

from collections.abc import Iterator

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE entry (
        seq {whole} NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        recorded_at {time} NOT NULL
    ){strict}""",
    """CREATE TABLE version (
        slug TEXT NOT NULL,
        number INTEGER NOT NULL CONSTRAINT version_number CHECK (number > 0),
        title TEXT NOT NULL,
        change_class TEXT NOT NULL,
        published_at {time} NOT NULL,
        effective_at {time} NOT NULL,
        commit_id TEXT NOT NULL,
        text_sha256 TEXT NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        PRIMARY KEY (slug, number)
    ){strict}""",
    """CREATE TABLE practice (
        slug TEXT NOT NULL,
        number INTEGER NOT NULL,
        id TEXT NOT NULL,
        position INTEGER NOT NULL,
        clause TEXT NOT NULL,
        categories TEXT NOT NULL,
        purpose TEXT NOT NULL,
        recipients TEXT NOT NULL,
        retention TEXT NOT NULL,
        choice TEXT NOT NULL,
        keep_existing INTEGER NOT NULL,
        line INTEGER NOT NULL,
        PRIMARY KEY (slug, number, id),
        FOREIGN KEY (slug, number) REFERENCES version (slug, number)
    ){strict}""",
    """CREATE TABLE change (
        slug TEXT NOT NULL,
        number INTEGER NOT NULL,
        practice TEXT NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL UNIQUE,
        mode TEXT NOT NULL,
        window_days INTEGER NOT NULL,
        PRIMARY KEY (slug, number, practice),
        FOREIGN KEY (slug, number, practice) REFERENCES practice (slug, number, id)
    ){strict}""",
    """CREATE TABLE notice (
        id TEXT NOT NULL PRIMARY KEY,
        slug TEXT NOT NULL,
        number INTEGER NOT NULL,
        kind TEXT NOT NULL,
        position INTEGER NOT NULL,
        audience_kind TEXT NOT NULL,
        audience_categories TEXT NOT NULL,
        changes TEXT NOT NULL,
        body TEXT NOT NULL,
        FOREIGN KEY (slug, number) REFERENCES version (slug, number)
    ){strict}""",
    """CREATE TABLE outbox (
        nid TEXT NOT NULL PRIMARY KEY,
        notice_id TEXT NOT NULL REFERENCES notice (id),
        addressee_kind TEXT NOT NULL,
        addressee TEXT NOT NULL,
        contact INTEGER NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        UNIQUE (notice_id, addressee_kind, addressee, contact)
    ){strict}""",
    "CREATE INDEX outbox_addressee ON outbox (addressee_kind, addressee)",
    """CREATE TABLE outbox_state (
        nid TEXT NOT NULL PRIMARY KEY REFERENCES outbox (nid),
        state TEXT NOT NULL CONSTRAINT outbox_state_state
            CHECK (state IN ('planned', 'posting', 'accepted', 'unknown', 'rejected')),
        attempts INTEGER NOT NULL,
        not_before {time},
        changed_at {time} NOT NULL,
        receipt TEXT NOT NULL,
        reason TEXT NOT NULL
    ){strict}""",
    "CREATE INDEX outbox_state_state_nid ON outbox_state (state, nid)",
    """CREATE TABLE delivery_event (
        nid TEXT NOT NULL,
        event TEXT NOT NULL,
        at {time} NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        PRIMARY KEY (nid, event, at)
    ){strict}""",
    """CREATE TABLE customer (
        id TEXT NOT NULL PRIMARY KEY,
        name TEXT NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq)
    ){strict}""",
    """CREATE TABLE subject (
        pseudonym TEXT NOT NULL PRIMARY KEY,
        entry {whole} NOT NULL REFERENCES entry (seq)
    ){strict}""",
    """CREATE TABLE membership (
        subject TEXT NOT NULL PRIMARY KEY REFERENCES subject (pseudonym),
        customer TEXT NOT NULL REFERENCES customer (id),
        entry {whole} NOT NULL REFERENCES entry (seq)
    ){strict}""",
    "CREATE INDEX membership_customer ON membership (customer)",
    """CREATE TABLE address (
        owner_kind TEXT NOT NULL CONSTRAINT address_owner_kind CHECK (owner_kind IN ('customer', 'subject')),
        owner TEXT NOT NULL,
        position INTEGER NOT NULL,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        locale TEXT NOT NULL,
        PRIMARY KEY (owner_kind, owner, position),
        UNIQUE (owner_kind, owner, email)
    ){strict}""",
    """CREATE TABLE admission (
        subject TEXT NOT NULL REFERENCES subject (pseudonym),
        slug TEXT NOT NULL,
        number INTEGER NOT NULL,
        at {time} NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        PRIMARY KEY (subject, slug, number)
    ){strict}""",
    """CREATE TABLE tag (
        subject TEXT NOT NULL REFERENCES subject (pseudonym),
        slug TEXT NOT NULL,
        category TEXT NOT NULL,
        record TEXT NOT NULL,
        correction INTEGER NOT NULL,
        collected_at {time} NOT NULL,
        number INTEGER,
        provenance TEXT NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        PRIMARY KEY (subject, slug, category, record, correction),
        FOREIGN KEY (slug, number) REFERENCES version (slug, number)
    ){strict}""",
    """CREATE TABLE choice (
        seq {whole} NOT NULL PRIMARY KEY,
        scope TEXT NOT NULL CONSTRAINT choice_scope CHECK (scope IN ('subject', 'customer')),
        who TEXT NOT NULL,
        slug TEXT NOT NULL,
        number INTEGER NOT NULL,
        practice TEXT NOT NULL,
        answer TEXT NOT NULL CONSTRAINT choice_answer CHECK (answer IN ('consent', 'refuse', 'withdraw')),
        at {time} NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        UNIQUE (scope, who, slug, number, practice, at),
        FOREIGN KEY (slug, number, practice) REFERENCES practice (slug, number, id)
    ){strict}""",
    """CREATE TABLE acknowledgement (
        customer TEXT NOT NULL REFERENCES customer (id),
        slug TEXT NOT NULL,
        number INTEGER NOT NULL,
        at {time} NOT NULL,
        entry {whole} NOT NULL REFERENCES entry (seq),
        PRIMARY KEY (customer, slug, number),
        FOREIGN KEY (slug, number) REFERENCES version (slug, number)
    ){strict}""",
)

# The tables whose rows never change, with the keys by which a row is known.
APPEND_ONLY = {
    "entry": (("seq",),),
    "version": (("slug", "number"),),
    "practice": (("slug", "number", "id"),),
    "change": (("slug", "number", "practice"), ("name",)),
    "notice": (("id",),),
    "outbox": (("nid",), ("notice_id", "addressee_kind", "addressee", "contact")),
    "delivery_event": (("nid", "event", "at"),),
    "customer": (("id",),),
    "subject": (("pseudonym",),),
    "membership": (("subject",),),
    "admission": (("subject", "slug", "number"),),
    "tag": (("subject", "slug", "category", "record", "correction"),),
    "choice": (("seq",), ("scope", "who", "slug", "number", "practice", "at")),
    "acknowledgement": (("customer", "slug", "number"),),
}


def upgrade() -> None:
    """Make the tables and their triggers."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    words = (
        {"whole": "INTEGER", "time": "TEXT", "strict": " STRICT"}
        if sqlite
        else {"whole": "BIGINT", "time": "TIMESTAMP WITH TIME ZONE", "strict": ""}
    )
    for statement in TABLES:
        op.execute(statement.format(**words))
    for statement in _sqlite_triggers() if sqlite else _postgresql_triggers():
        op.execute(statement)


def _sqlite_triggers() -> Iterator[str]:
    for table, keys in APPEND_ONLY.items():
        stop = f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table}'); END"
        yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {stop}"
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {stop}"
        # INSERT OR REPLACE deletes without asking the delete trigger; a new row may not meet an old one.
        for position, columns in enumerate(keys):
            same = " AND ".join(f"{column} = NEW.{column}" for column in columns)
            yield (
                f"CREATE TRIGGER {table}_no_replace_{position} BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) {stop}"
            )


def _postgresql_triggers() -> Iterator[str]:
    yield (
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'the ledger is append-only: %', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        act = "EXECUTE FUNCTION ledger_append_only()"
        yield f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {act}"
        yield f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}"
