# SPDX-License-Identifier: Apache-2.0
"""Eight programs that write to one ledger in SQLite at once: none of them hears of a lock."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from policyctl.adapters.ledger import open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY, day
from tests.cli.run import CLEAN
from tests.web.service import CHANGE, EMAIL, NOW, make_repository

WRITERS, TURNS, ROWS = 8, 4, 1500
SUBJECT = ("--subject", "u2", "--customer", "acme")
COLLECTED = ("--collected-at", "2026-04-01")

# The command line as it is, again and again: each turn opens the ledger, writes, and closes it.
PROGRAM = """
import json, sys
from tests.cli.run import inside
sys.stdin.readline()
for arguments in json.loads(sys.argv[2]):
    run = inside(*arguments, cwd=sys.argv[1])
    if run.returncode or "busy" in run.stderr or "lock" in run.stderr:
        sys.exit(f"{arguments}: {run.returncode} {run.stdout} {run.stderr}")
"""


def commands(writer: int, file: Path) -> list[list[str]]:
    """What one of them is to do: small writes in turns, or first a file that keeps the others waiting."""
    if writer == 0:
        return [["tags", "import", str(file), "--customer", "acme"]]
    found = []
    for turn in range(TURNS):
        at = f"{day('2026-04-01') + timedelta(seconds=writer * TURNS + turn):%Y-%m-%dT%H:%M:%SZ}"
        found.append(
            ["choose", CHANGE, "consent", *SUBJECT, "--at", at]
            if turn % 2
            else ["tags", "add", *SUBJECT, "--category", EMAIL, "--record", f"{writer}-{turn}", *COLLECTED]
        )
    return found


def test_none_of_eight_programs_that_write_at_once_hears_of_a_lock(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    file = tmp_path / "tags.csv"
    lines = "".join(f"u1,{EMAIL},{number},2026-02-01\n" for number in range(ROWS))
    file.write_text(f"subject,category,record,collected_at\n{lines}", "utf-8")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(root), json.dumps(commands(writer, file))],
            env={**CLEAN, "POLICYCTL_PSEUDONYM_KEY": KEY.hex()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for writer in range(WRITERS)
    ]
    for each in running:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [each.communicate(timeout=120) for each in running]
    assert [(each.returncode, *said) for each, said in zip(running, told, strict=True)] == [(0, "", "")] * 8
    with open_ledger(f"sqlite:///{root / 'ledger.db'}", key=KEY, taxonomy=TAXONOMY) as ledger:
        stats = ledger.counts(NOW).stats
        assert sum(each.count for each in stats.tags) == ROWS + (WRITERS - 1) * TURNS // 2
        assert sum(each.count for each in stats.choices) == (WRITERS - 1) * TURNS // 2
        assert ledger.first_bad_entry() is None
