# SPDX-License-Identifier: Apache-2.0
"""Faults that belong to no other file: how the package is built, and what the command line must not take."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import typer

from policyctl.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
SECRET = re.compile(r"password|passwd|secret|api-?key|private-?key|token", re.ASCII)


def build(folder: Path) -> bytes:
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(words, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel.read_bytes()


def test_the_wheel_is_the_same_bytes_whenever_it_is_built(tmp_path: Path) -> None:
    first = build(tmp_path / "a")
    (ROOT / "policyctl/__init__.py").touch()
    assert build(tmp_path / "b") == first
    (wheel,) = (tmp_path / "a").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "policyctl/cli/app.py" in names
    assert not [name for name in names if name.startswith(("tests/", "bench/")) or name.endswith(".pyc")]


def test_every_dependency_is_locked_with_the_hashes_of_its_files() -> None:
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        text = file.read_text("utf-8").replace("\\\n", " ")
        lines = [
            line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "-"))
        ]
        assert lines, file
        for line in lines:
            assert re.match(r"[A-Za-z0-9_.\[\]-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), (
                file.name,
                line,
            )


def commands(found: object, path: str = "") -> Iterator[tuple[str, object]]:
    yield path, found
    for name, each in getattr(found, "commands", {}).items():
        yield from commands(each, f"{path} {name}".strip())


def test_no_secret_is_taken_as_an_argument_where_everybody_could_read_it() -> None:
    flags = [
        (path, flag)
        for path, command in commands(typer.main.get_command(app))
        for parameter in getattr(command, "params", ())
        for flag in (*parameter.opts, *parameter.secondary_opts)
    ]
    assert len(flags) > 100
    assert [each for each in flags if SECRET.search(each[1])] == []
