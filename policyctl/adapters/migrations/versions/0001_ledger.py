# SPDX-License-Identifier: Apache-2.0
"""The ledger's first tables, and the triggers that let rows in and never let them change.

Written in PostgreSQL's words; `sqlite` puts them into those of a STRICT table without rowid.
"""

import re
from collections.abc import Iterator

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE address (
        subject_no BIGINT NOT NULL,
        position INTEGER NOT NULL,
        email TEXT NOT NULL,
        name TEXT NOT NULL,
        locale TEXT NOT NULL,
        PRIMARY KEY (subject_no, position),
        UNIQUE (subject_no, email)
    )""",
    """CREATE TABLE entry (
        seq BIGINT NOT NULL,
        kind TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        PRIMARY KEY (seq)
    )""",
    """CREATE TABLE epoch (
        from_at BIGINT NOT NULL,
        epoch_no SMALLINT NOT NULL,
        PRIMARY KEY (epoch_no)
    )""",
    """CREATE TABLE outbox_state (
        subject_no BIGINT NOT NULL,
        not_before BIGINT,
        changed_at BIGINT NOT NULL,
        notice_no INTEGER NOT NULL,
        contact INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        state TEXT NOT NULL,
        receipt TEXT NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (subject_no, notice_no, contact),
        CONSTRAINT outbox_state_state CHECK (state IN ('planned', 'posting', 'accepted', 'unknown', 'rejected'))
    )""",
    "CREATE INDEX outbox_state_state ON outbox_state (state, subject_no)",
    """CREATE TABLE policy (
        policy_no SMALLINT NOT NULL,
        slug TEXT NOT NULL,
        PRIMARY KEY (policy_no),
        UNIQUE (slug)
    )""",
    """CREATE TABLE record_name (
        subject_no BIGINT NOT NULL,
        ref BIGINT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (subject_no, ref)
    )""",
    """CREATE TABLE tag_1 (
        subject_no BIGINT NOT NULL,
        ref BIGINT NOT NULL,
        collected_at BIGINT NOT NULL,
        batch_no INTEGER NOT NULL,
        version_no SMALLINT NOT NULL,
        category SMALLINT NOT NULL,
        PRIMARY KEY (subject_no, category, ref)
    )""",
    """CREATE TABLE tag_correction (
        subject_no BIGINT NOT NULL,
        ref BIGINT NOT NULL,
        collected_at BIGINT NOT NULL,
        batch_no INTEGER NOT NULL,
        correction INTEGER NOT NULL,
        version_no SMALLINT NOT NULL,
        category SMALLINT NOT NULL,
        PRIMARY KEY (subject_no, category, ref, correction)
    )""",
    """CREATE TABLE batch (
        entry BIGINT NOT NULL,
        batch_no INTEGER NOT NULL,
        tag_count INTEGER NOT NULL,
        epoch_no SMALLINT NOT NULL,
        digest BYTEA NOT NULL,
        provenance TEXT NOT NULL,
        PRIMARY KEY (batch_no),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    "CREATE INDEX batch_entry ON batch (entry, batch_no)",
    """CREATE TABLE category (
        category_no SMALLINT NOT NULL,
        policy_no SMALLINT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (category_no),
        UNIQUE (policy_no, id),
        FOREIGN KEY(policy_no) REFERENCES policy (policy_no)
    )""",
    """CREATE TABLE chain (
        entry BIGINT NOT NULL,
        digest BYTEA NOT NULL,
        root BYTEA NOT NULL,
        PRIMARY KEY (entry),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    """CREATE TABLE customer (
        entry BIGINT NOT NULL,
        tenant_no INTEGER NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (tenant_no),
        CONSTRAINT customer_tenant_no CHECK (tenant_no BETWEEN 1 AND 4194303),
        FOREIGN KEY(entry) REFERENCES entry (seq),
        UNIQUE (id)
    )""",
    """CREATE TABLE delivery_event (
        happened_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        nid TEXT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (nid, event, happened_at),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    """CREATE TABLE pseudonym (
        subject_no BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        tenant_no INTEGER NOT NULL,
        ext_id BYTEA NOT NULL,
        PRIMARY KEY (ext_id, tenant_no),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    """CREATE TABLE subject (
        subject_no BIGINT NOT NULL,
        erased_at BIGINT,
        entry BIGINT NOT NULL,
        seal BYTEA NOT NULL,
        ext_id BYTEA,
        salt BYTEA,
        PRIMARY KEY (subject_no),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    """CREATE TABLE version (
        published_at BIGINT NOT NULL,
        effective_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        number INTEGER NOT NULL,
        version_no SMALLINT NOT NULL,
        policy_no SMALLINT NOT NULL,
        title TEXT NOT NULL,
        change_class TEXT NOT NULL,
        commit_id TEXT NOT NULL,
        text_sha256 TEXT NOT NULL,
        PRIMARY KEY (version_no),
        UNIQUE (policy_no, number),
        CONSTRAINT version_number CHECK (number > 0),
        CONSTRAINT version_version_no CHECK (version_no > 0),
        FOREIGN KEY(entry) REFERENCES entry (seq),
        FOREIGN KEY(policy_no) REFERENCES policy (policy_no)
    )""",
    """CREATE TABLE acknowledgement (
        subject_no BIGINT NOT NULL,
        seen_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        version_no SMALLINT NOT NULL,
        PRIMARY KEY (subject_no, version_no),
        FOREIGN KEY(entry) REFERENCES entry (seq),
        FOREIGN KEY(version_no) REFERENCES version (version_no)
    )""",
    """CREATE TABLE admission (
        subject_no BIGINT NOT NULL,
        admitted_at BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        version_no SMALLINT NOT NULL,
        PRIMARY KEY (subject_no, version_no),
        FOREIGN KEY(subject_no) REFERENCES subject (subject_no),
        FOREIGN KEY(entry) REFERENCES entry (seq)
    )""",
    """CREATE TABLE notice (
        notice_no INTEGER NOT NULL,
        position INTEGER NOT NULL,
        version_no SMALLINT NOT NULL,
        kind TEXT NOT NULL,
        audience_kind TEXT NOT NULL,
        audience_categories TEXT NOT NULL,
        changes TEXT NOT NULL,
        body TEXT NOT NULL,
        PRIMARY KEY (notice_no),
        UNIQUE (version_no, position),
        FOREIGN KEY(version_no) REFERENCES version (version_no)
    )""",
    """CREATE TABLE practice (
        practice_no INTEGER NOT NULL,
        position INTEGER NOT NULL,
        line INTEGER NOT NULL,
        version_no SMALLINT NOT NULL,
        keep_existing SMALLINT NOT NULL,
        id TEXT NOT NULL,
        clause TEXT NOT NULL,
        categories TEXT NOT NULL,
        purpose TEXT NOT NULL,
        recipients TEXT NOT NULL,
        retention TEXT NOT NULL,
        choice TEXT NOT NULL,
        PRIMARY KEY (practice_no),
        UNIQUE (version_no, id),
        FOREIGN KEY(version_no) REFERENCES version (version_no)
    )""",
    """CREATE TABLE change (
        practice_no INTEGER NOT NULL,
        position INTEGER NOT NULL,
        window_days INTEGER NOT NULL,
        name TEXT NOT NULL,
        mode TEXT NOT NULL,
        PRIMARY KEY (practice_no),
        FOREIGN KEY(practice_no) REFERENCES practice (practice_no),
        UNIQUE (name)
    )""",
    """CREATE TABLE choice (
        subject_no BIGINT NOT NULL,
        given_at BIGINT NOT NULL,
        seq BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        practice_no INTEGER NOT NULL,
        answer SMALLINT NOT NULL,
        PRIMARY KEY (subject_no, given_at, practice_no),
        CONSTRAINT choice_answer CHECK (answer IN (1, 2, 3)),
        FOREIGN KEY(entry) REFERENCES entry (seq),
        FOREIGN KEY(practice_no) REFERENCES practice (practice_no)
    )""",
    """CREATE TABLE outbox (
        subject_no BIGINT NOT NULL,
        entry BIGINT NOT NULL,
        notice_no INTEGER NOT NULL,
        contact INTEGER NOT NULL,
        nid TEXT NOT NULL,
        PRIMARY KEY (subject_no, notice_no, contact),
        FOREIGN KEY(entry) REFERENCES entry (seq),
        FOREIGN KEY(notice_no) REFERENCES notice (notice_no)
    )""",
    "CREATE INDEX outbox_nid ON outbox (nid)",
)
FIRST_EPOCH = "INSERT INTO epoch (epoch_no, from_at) VALUES (1, -4611686018427387904)"

MUTABLE = ("outbox_state", "address")
# A subject may be erased once; what leads to it may go.
ERASED = (
    "NEW.ext_id IS NULL AND NEW.salt IS NULL AND NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL "
    "AND NEW.subject_no = OLD.subject_no AND NEW.entry = OLD.entry AND NEW.seal = OLD.seal"
)
GOING = ("pseudonym", "record_name")
SQLITE_WORDS = {"BIGINT": "INTEGER", "SMALLINT": "INTEGER", "BYTEA": "BLOB"}


def upgrade() -> None:
    """Make the tables and their triggers."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in TABLES:
        op.execute(sqlite(statement) if is_sqlite else statement)
    for statement in sqlite_triggers() if is_sqlite else postgresql_triggers():
        op.execute(statement)
    op.execute(FIRST_EPOCH)


def sqlite(statement: str) -> str:
    """The statement as SQLite says it."""
    words = re.compile(rf"\b({'|'.join(SQLITE_WORDS)})\b")
    said = words.sub(lambda found: SQLITE_WORDS[found[0]], statement)
    if not said.startswith("CREATE TABLE"):
        return said
    return f"{key_first(said)} STRICT, WITHOUT ROWID"


def key_first(statement: str) -> str:
    """The columns of the primary key first: SQLite 3.40 checks a table without rowid wrongly otherwise."""
    first, *lines, last = statement.split("\n")
    (key,) = (re.findall(r"\w+", line)[2:] for line in lines if line.lstrip().startswith("PRIMARY KEY"))

    def place(line: str) -> int:
        name = line.split()[0]
        return key.index(name) if name in key else len(key)

    bare = sorted((line.rstrip(",") for line in lines), key=place)
    return "\n".join((first, ",\n".join(bare), last))


def names() -> Iterator[str]:
    """Every table made here."""
    yield from (found[1] for text in TABLES if (found := re.match(r"CREATE TABLE (\w+)", text)))


def sqlite_triggers() -> Iterator[str]:
    """INSERT OR REPLACE asks the delete trigger on connections with recursive_triggers, as ours are."""
    for table in names():
        stop = f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: {table}'); END"
        update = f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table}"
        if table == "subject":
            yield f"{update} WHEN NOT ({ERASED}) {stop}"
        elif table not in MUTABLE:
            yield f"{update} {stop}"
        if table not in (*MUTABLE, *GOING):
            yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {stop}"


def postgresql_triggers() -> Iterator[str]:
    """One function for all; TRUNCATE is refused too."""
    yield (
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'the ledger is append-only: %', TG_TABLE_NAME; END $$"
    )
    act = "EXECUTE FUNCTION ledger_append_only()"
    for table in names():
        update = f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW"
        if table == "subject":
            yield f"{update} WHEN (NOT ({ERASED})) {act}"
        elif table not in MUTABLE:
            yield f"{update} {act}"
        if table not in (*MUTABLE, *GOING):
            yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {act}"
        if table not in MUTABLE:
            yield f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {act}"
