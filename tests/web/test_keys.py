# SPDX-License-Identifier: Apache-2.0
"""Making API keys: by several at once, and for a customer that nobody knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.settings import load_settings
from tests.adapters.ledger_samples import KEY
from tests.cli.run import policyctl
from tests.web.service import make_repository, new_key, serving

_MAKES = """
import sys
from pathlib import Path
from policyctl.actions.recording.keys import new_key
from policyctl.adapters.key_file import KeyFile
from tests.adapters.ledger_samples import day
keys = KeyFile(Path(sys.argv[1]))
sys.stdin.readline()
for number in range(20):
    print(new_key("a test", ["read"], None, now=day("2026-11-01"), keys=keys).key.id)
"""
WITH_KEY = {"POLICYCTL_PSEUDONYM_KEY": KEY.hex()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "policies")


def test_keys_that_are_made_at_once_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "api-keys.json"
    makers = [
        subprocess.Popen(
            [sys.executable, "-c", _MAKES, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for maker in makers:
        assert maker.stdin
        maker.stdin.write("go\n")
        maker.stdin.flush()
    made = {number for maker in makers for number in maker.communicate()[0].split()}
    assert len(made) == 80
    assert {entry["id"] for entry in json.loads(file.read_text("utf-8"))["policyctl.api-keys/1"]} == made
    assert {path.name for path in file.parent.iterdir()} == {file.name, f".{file.name}.lock"}


def test_a_key_for_a_customer_that_is_not_known_is_not_made(root: Path) -> None:
    run = policyctl("keys", "new", "form", "--scope", "tag", "--customer", "acne", cwd=root, env=WITH_KEY)
    assert run.returncode == 3
    assert "'acne' is not known" in run.stderr
    assert "spelling" in run.stderr
    assert run.stdout == ""
    assert wiring.open_keys(load_settings(root)).all() == {}
    run = policyctl("keys", "new", "form", "--scope", "tag", "--customer", "acme", cwd=root, env=WITH_KEY)
    assert (run.returncode, run.stdout[:4]) == (0, "pck_")


def test_the_service_tells_at_its_start_of_keys_that_open_nothing(root: Path) -> None:
    new_key(root, customer="acme")
    new_key(root, customer="acne")
    (number,) = (
        key.id for key in wiring.open_keys(load_settings(root)).all().values() if key.customer == "acne"
    )
    with serving(root) as running:
        lines = [json.loads(line) for line in running.log]
    assert [(line["event"], line["key"]) for line in lines] == [("keys", number)]
    assert "acne" not in "".join(running.log)
