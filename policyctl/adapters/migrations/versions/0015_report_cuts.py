# SPDX-License-Identifier: Apache-2.0
"""What became of notices, in numbers, when the reports themselves were cut out (adapters/tables/later.py)."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = """CREATE TABLE report_cut (
    notice_no INTEGER NOT NULL,
    event TEXT NOT NULL,
    entry BIGINT NOT NULL,
    addressees INTEGER NOT NULL,
    PRIMARY KEY (notice_no, event, entry),
    FOREIGN KEY(notice_no) REFERENCES notice (notice_no),
    FOREIGN KEY(entry) REFERENCES entry (seq)
)"""


def upgrade() -> None:
    """Make the table; of what was cut out before there is no number."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(f"{TABLE.replace('BIGINT', 'INTEGER')} STRICT, WITHOUT ROWID" if sqlite else TABLE)
    for statement in _sqlite() if sqlite else _postgresql():
        op.execute(statement)


def _sqlite() -> list[str]:
    stop = "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: report_cut'); END"
    return [
        f"CREATE TRIGGER report_cut_no_{act} BEFORE {act.upper()} ON report_cut {stop}"
        for act in ("update", "delete")
    ]


def _postgresql() -> list[str]:
    act = "EXECUTE FUNCTION ledger_append_only()"
    return [
        f"CREATE TRIGGER report_cut_no_change BEFORE UPDATE OR DELETE ON report_cut FOR EACH ROW {act}",
        f"CREATE TRIGGER report_cut_no_truncate BEFORE TRUNCATE ON report_cut FOR EACH STATEMENT {act}",
    ]
