# SPDX-License-Identifier: Apache-2.0
"""Empty ledgers, copied from one that was made once: the migrations take longer than most tests do.

The fixtures ``ledger`` and ``ledger_url`` give one on SQLite and one on PostgreSQL. Tests of the migrations
themselves start from ``database_url``, where no tables are.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.adapters.ledger.base.engine import writing
from policyctl.adapters.ledger.base.instance import adopt
from policyctl.core.practice import Taxonomy
from tests.adapters.ledger_samples import KEY, TAXONOMY


def new_ledger(file: Path, *, key: bytes = KEY, taxonomy: Taxonomy = TAXONOMY) -> Ledger:
    """An empty ledger, open, in a file that is made here."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(0o600, exist_ok=False)
    file.write_bytes(_model())
    settle(f"sqlite:///{file}")
    return open_ledger(f"sqlite:///{file}", key=key, taxonomy=taxonomy)


def settle(url: str) -> None:
    """Have a copy be a ledger of its own, at home where it is."""
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger, writing(ledger._engine) as connection:
        adopt(connection, 0)


@cache
def _model() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        make_tables(f"sqlite:///{file}")
        return file.read_bytes()


def make_tables(url: str) -> None:
    """By all the migrations."""
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
