# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own tools: pg_dump, pg_restore and psql, found on PATH. A password goes by the environment, so
that nobody reads it from the list of processes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.engine import URL

from policyctl.adapters.tables import METADATA
from policyctl.errors import RefusedError, UsageError

# What was there is dropped in the transaction that makes it anew. Others' tables are left alone.
_EMPTY = """DO $$ DECLARE each text; BEGIN
    FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
        AND (tablename IN ({names}) OR tablename ~ '{tags}') LOOP
        EXECUTE format('DROP TABLE %I CASCADE', each); END LOOP;
    FOR each IN SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = current_schema()::regnamespace AND proname ~ '^ledger_' LOOP
        EXECUTE 'DROP FUNCTION ' || each || ' CASCADE'; END LOOP;
END $$"""
_NAMES = (*METADATA.tables, "alembic_version")
_TAGS = "^tag_[0-9]+$"
_DISOWN = """RESET search_path; DO $$ BEGIN IF to_regclass('instance') IS NOT NULL THEN
    UPDATE instance SET place = ''; END IF; END $$"""


def is_ours(table: str) -> bool:
    """Whether a table is one of the ledger."""
    return table in _NAMES or re.match(_TAGS, table) is not None


def dump(url: URL, snapshot: str, path: Path) -> None:
    """Write what a snapshot sees to a file."""
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"]
    _run("pg_dump", [*words, f"--dbname={_place(url)}"], url)


def load(path: Path, url: URL, *, over: bool) -> None:
    """Make a database what was dumped, in one transaction; it then sends nothing by itself."""
    script = path.with_suffix(".sql")
    _run("pg_restore", ["--no-owner", "--no-privileges", f"--file={script}", str(path)], url)
    try:
        before = (
            [f"--command={_EMPTY.format(names=', '.join(map(repr, _NAMES)), tags=_TAGS)}"] if over else []
        )
        words = ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1"]
        words += [f"--dbname={_place(url)}", *before, f"--file={script}", f"--command={_DISOWN}"]
        _run("psql", words, url)
    finally:
        script.unlink(missing_ok=True)


def _place(url: URL) -> str:
    return url.set(drivername="postgresql", password=None).render_as_string()


def _run(tool: str, words: Sequence[str], url: URL) -> None:
    found = shutil.which(tool)
    if found is None:
        raise UsageError(f"{tool} is not on PATH", hint="install PostgreSQL's client programs")
    secret = {"PGPASSWORD": url.password} if url.password else {}
    done = subprocess.run(
        [found, *words],
        env={**os.environ, **secret, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # The first line only: the rest may quote a row.
        said = (done.stderr.strip().splitlines() or ["it does not say why"])[0]
        raise RefusedError(f"{tool} failed: {said}", hint="nothing was changed; mend it and run it again")
