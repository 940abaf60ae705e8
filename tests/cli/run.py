# SPDX-License-Identifier: Apache-2.0
"""Runs the real command line in a process of its own, as a shell would."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from policyctl.cli.app import app

CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("GIT_", "POLICYCTL_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM"))
}
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Legal",
    "GIT_AUTHOR_EMAIL": "legal@example.com",
    "GIT_COMMITTER_NAME": "Legal",
    "GIT_COMMITTER_EMAIL": "legal@example.com",
}


def policyctl(
    *args: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run ``policyctl ARGS`` with nobody at a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "policyctl", *map(str, args)],
        cwd=cwd,
        env={**CLEAN, **GIT, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def at_a_terminal(*args: str, cwd: Path, lines: int = 24, columns: int = 80, **env: str) -> str:
    """What comes out where standard output is a terminal of that size."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    run = subprocess.Popen(
        [sys.executable, "-m", "policyctl", *args],
        cwd=cwd,
        env={**CLEAN, **GIT, "TERM": "xterm-256color", "PAGER": "cat", **env},
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    seen = b""
    while True:
        try:
            chunk = os.read(outer, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not chunk:
            break
        seen += chunk
    os.close(outer)
    run.wait()
    return seen.decode()


def inside(*args: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The same in this process, which is quicker: for tests that need no process of their own."""
    run = CliRunner().invoke(
        app, ["-C", str(cwd), *map(str, args)], env={"NO_COLOR": None, "FORCE_COLOR": None}
    )
    return subprocess.CompletedProcess(args, run.exit_code, run.stdout, run.stderr)


@cache
def schema(name: str) -> Draft202012Validator:
    """The published schema of a format."""
    text = (files("policyctl") / "schemas" / f"{name}.schema.json").read_text("utf-8")
    return Draft202012Validator(json.loads(text), format_checker=Draft202012Validator.FORMAT_CHECKER)


def said(run: subprocess.CompletedProcess[str], name: str) -> Any:
    """The JSON a command printed, which must keep to its schema."""
    value = json.loads(run.stdout)
    schema(name).validate(value)
    return value
