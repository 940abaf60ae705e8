# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL's own tools: pg_dump, pg_restore and psql, found on PATH. A password goes by the environment, so
that nobody reads it from the list of processes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from sqlalchemy.engine import URL

from policyctl.adapters.tables import METADATA
from policyctl.errors import RefusedError, UsageError

LEDGER_TABLES = (*METADATA.tables, "alembic_version")
LEDGER_TAGS = "^tag_[0-9]+$"
"""Every epoch of tags has a table of its own."""
_SCHEMA = re.compile(r"^\d+; \d+ \d+ TABLE (\S+) alembic_version ", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def is_ours(table: str) -> bool:
    """Whether a table is one of the ledger."""
    return table in LEDGER_TABLES or re.match(LEDGER_TAGS, table) is not None


def dump(url: URL, snapshot: str, schema: str, path: Path) -> None:
    """Write what a snapshot sees of a schema to a file."""
    words = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"]
    _run("pg_dump", [*words, f"--schema={_quoted(schema)}", f"--dbname={_place(url)}"], url)


def load(path: Path, url: URL, schema: str) -> None:
    """Put what was dumped into a schema that is there and empty."""
    before = _schema_of(path, url)
    words = ["--no-owner", "--no-privileges", f"--schema={before}", "--file=-", str(path)]
    taking = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={_place(url)}", "--file=-"]
    with tempfile.TemporaryFile() as giving_said, tempfile.TemporaryFile() as taking_said:
        giver = _started("pg_restore", words, url, stdout=subprocess.PIPE, stderr=giving_said)
        taker = _started("psql", taking, url, stdin=subprocess.PIPE, stderr=taking_said)
        if giver.stdout is None or taker.stdin is None:
            raise AssertionError("unreachable: both are pipes")
        try:
            taker.stdin.writelines(_into(giver.stdout, before, schema))
            taker.stdin.close()
        except BrokenPipeError:
            pass  # it ended early, and says below why
        finally:
            giver.stdout.close()
            codes = taker.wait(), giver.wait()
        for code, tool, said in zip(codes, ("psql", "pg_restore"), (taking_said, giving_said), strict=True):
            said.seek(0)
            _require(code, tool, said.read().decode("utf-8", "replace"))


def _schema_of(path: Path, url: URL) -> str:
    """The schema that was dumped, as the list of what is in the file says."""
    found = _SCHEMA.search(_run("pg_restore", ["--list", str(path)], url))
    if found is None or not _PLAIN.fullmatch(found[1]):
        raise RefusedError(
            "the dump holds no ledger that could be loaded",
            hint="a ledger lives in a schema whose name is letters, digits and _",
        )
    return found[1]


def _into(script: Iterable[bytes], before: str, after: str) -> Iterator[bytes]:
    """What creates tables and what fills them, with another schema named; the rows themselves as they are."""
    name = re.compile(rb"(?<![\w.\"])\"?" + before.encode() + rb"\"?\.")
    rows = False
    for line in script:
        if rows:
            rows = line.rstrip(b"\r\n") != b"\\."
            yield line
        else:
            rows = line.startswith(b"COPY ") and line.rstrip().endswith(b" FROM stdin;")
            yield name.sub(after.encode() + b".", line)


def _quoted(name: str) -> str:
    """A name that stands for itself in a pattern of pg_dump."""
    return '"' + name.replace('"', '""') + '"'


def _place(url: URL) -> str:
    return url.set(drivername="postgresql", password=None).render_as_string()


def _run(tool: str, words: Sequence[str], url: URL) -> str:
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as out:
        code = _started(tool, words, url, stdin=subprocess.DEVNULL, stdout=out, stderr=said).wait()
        said.seek(0)
        _require(code, tool, said.read().decode("utf-8", "replace"))
        out.seek(0)
        return out.read().decode("utf-8", "replace")


def _started(
    tool: str,
    words: Sequence[str],
    url: URL,
    *,
    stdin: int | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = subprocess.DEVNULL,
    stderr: IO[bytes],
) -> subprocess.Popen[bytes]:
    found = shutil.which(tool)
    if found is None:
        raise UsageError(f"{tool} is not on PATH", hint="install PostgreSQL's client programs")
    secret = {"PGPASSWORD": url.password} if url.password else {}
    return subprocess.Popen(
        [found, *words],
        env={**os.environ, **secret, "LC_ALL": "C"},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
    )


def _require(code: int, tool: str, said: str) -> None:
    if code:
        # The first line only: the rest may quote a row.
        line = (said.strip().splitlines() or ["it does not say why"])[0]
        raise RefusedError(f"{tool} failed: {line}", hint="nothing was changed; mend it and run it again")
