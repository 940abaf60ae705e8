# SPDX-License-Identifier: Apache-2.0
"""Eight processes that write to one SQLite file, and two services on it: nobody hears of a lock."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.adapters.ledger_samples import KEY
from tests.cli.run import CLEAN
from tests.web.service import CHANGE, EMAIL, make_repository, new_key, serving

WRITER = """
import sys
from datetime import UTC, datetime
from policyctl import api
for number in range(12):
    with api.open_ledger(sys.argv[1]) as ledger:
        assert ledger.tag("u2", "user.contact.email", f"{sys.argv[2]}-{number}",
                          collected_at=datetime(2026, 4, 1, tzinfo=UTC), customer="acme")
"""


def test_eight_processes_open_write_and_close_and_hear_of_no_lock(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    environment = {**CLEAN, "POLICYCTL_PSEUDONYM_KEY": KEY.hex()}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root), f"w{n}"],
            env=environment, cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for n in range(8)
    ]  # fmt: skip
    said = [each.communicate(timeout=120)[0] for each in running]
    assert [each.returncode for each in running] == [0] * 8, "\n".join(said)


def test_callers_of_two_services_hear_of_no_lock(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "policies")
    token = new_key(root, customer="acme")
    with serving(root) as first, serving(root) as second, ThreadPoolExecutor(8) as pool:

        def write(worker: int) -> list[int]:
            found = []
            with (first, second)[worker % 2].client(token) as caller:
                for number in range(12):
                    tag = {"subject": "u2", "category": EMAIL, "record": f"w{worker}-{number}"}
                    at = f"2026-04-01T00:00:{number:02d}.{worker:06d}Z"
                    said = {"subject": "u2", "change": CHANGE, "answer": "consent", "at": at}
                    found += [caller.post("/v1/tags", tag).status_code]
                    found += [caller.post("/v1/choices", said).status_code]
            return found

        assert [set(each) for each in pool.map(write, range(8))] == [{201}] * 8
