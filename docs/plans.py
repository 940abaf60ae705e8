# SPDX-License-Identifier: Apache-2.0
"""Writes docs/explanation/query-plans.md: the hot questions, as SQLite and PostgreSQL go about them.

    python docs/plans.py

It needs a PostgreSQL, as the tests do. ``tests/adapters/test_ledger_plans.py`` fails when the page shows
something else than the database of that release does.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policyctl.adapters.ledger import open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY
from tests.adapters.plan_scene import page_of
from tests.peers.postgres import server_in

PAGE = Path(__file__).resolve().parent / "explanation" / "query-plans.md"
INTRODUCTION = """\
<!-- Written by docs/plans.py; edit the code, not this page. -->
# What the database does

The questions that are asked all day, each with its statements and the plan that the database makes of them:
`EXPLAIN QUERY PLAN` of SQLite, `EXPLAIN` of PostgreSQL without its costs. What a plan must not do is read a
table through that grows with the people and their data; a test holds that on both. Small tables (epochs,
chunks of the outbox, notices) may be.

The ledger behind this page has 2,000 people, which PostgreSQL would rather read through than look up; it is
told not to (`enable_seqscan = off`), as a large one tells it by itself. What is asked once and kept in memory
(versions, practices, the compiled cells) is not shown, nor what each transaction asks first (the write lock,
the release of the tables). Questions in bulk show their own: `policyctl may-use --bulk --explain`.
"""


def main() -> None:
    """Write the page."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with server_in(folder) as server:
            urls = (f"sqlite:///{folder / 'ledger.db'}", server.new_database())
            parts = []
            for url in urls:
                with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
                    parts.append(page_of(ledger))
        PAGE.write_text("\n".join([INTRODUCTION, *parts]), "utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
