# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from policyctl import __version__
from policyctl.cli.app import app
from policyctl.cli.edge import EdgeGroup
from policyctl.errors import (
    InputError,
    InputErrors,
    IntegrityError,
    Place,
    PolicyctlError,
    RefusedError,
    UsageError,
)
from tests.cli.run import CLEAN, policyctl


def commands(group: Any, name: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command with its full name, groups included."""
    found = [name]
    for key, value in getattr(group, "commands", {}).items():
        found += commands(value, (*name, key))
    return found


ALL = commands(get_command(app))


@pytest.mark.parametrize("name", ALL, ids=lambda name: " ".join(name) or "policyctl")
def test_help_opens_with_examples_that_call_the_command(name: tuple[str, ...]) -> None:
    run = CliRunner().invoke(app, [*name, "--help"], prog_name="policyctl")
    assert run.exit_code == 0
    lines = [line.strip() for line in run.stdout.split("\n") if line.strip()]
    assert lines[1] == "Examples:"
    assert lines[2].startswith("policyctl ")
    assert all(part in lines[2] for part in name)


@pytest.mark.parametrize("name", ALL, ids=lambda name: " ".join(name) or "policyctl")
def test_the_examples_use_options_the_command_has(name: tuple[str, ...]) -> None:
    if not name:
        return
    text = CliRunner().invoke(app, [*name, "--help"], prog_name="policyctl").stdout
    examples, options = text.split("Options:")[0], text.split("Options:")[1]
    used = {word.split("=")[0] for word in examples.split() if word.startswith("--")}
    assert all(option in options for option in used - {"--debug", "--no-color"}), used


def test_short_and_long_help_are_the_same() -> None:
    assert policyctl("-h").stdout == policyctl("--help").stdout


def test_the_version_is_printed_alone() -> None:
    run = policyctl("--version")
    assert (run.stdout, run.returncode) == (f"policyctl {__version__}\n", 0)


def test_a_misspelt_command_is_answered_with_the_right_one() -> None:
    run = policyctl("shcema")
    assert run.returncode == 2
    assert "Did you mean 'schema'?" in run.stderr


def test_a_misspelt_option_is_bad_usage() -> None:
    assert policyctl("rules", "--fromat", "json").returncode == 2


def failing(error: BaseException) -> typer.Typer:
    """An application with the real error edge, whose only command fails."""
    broken = typer.Typer(cls=EdgeGroup, rich_markup_mode=None, pretty_exceptions_enable=False)

    @broken.callback()
    def options(context: typer.Context, *, debug: bool = False) -> None:
        context.obj = {"debug": debug}

    @broken.command()
    def fail() -> None:
        raise error

    return broken


PLACE = Place("policies/a/policy.md", 3, key="effective")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("no such thing"), 2),
        (InputError("31 February is no day", hint="write a day that is there", place=PLACE), 3),
        (RefusedError("published already"), 4),
        (IntegrityError("the hash differs"), 5),
        (ValueError("inside"), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_leaves_by_its_own_exit_code(error: BaseException, code: int) -> None:
    run = CliRunner().invoke(failing(error), ["fail"])
    assert run.exit_code == code
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


def test_an_error_says_place_message_and_mend() -> None:
    error = InputError("31 February is no day", hint="write a day that is there", place=PLACE)
    run = CliRunner().invoke(failing(error), ["fail"])
    assert run.stderr.split("\n") == [
        "error: policies/a/policy.md:3 (effective): 31 February is no day",
        "hint: write a day that is there",
        "",
    ]


def test_several_complaints_are_all_told_each_with_its_mend() -> None:
    errors: tuple[PolicyctlError, ...] = (
        InputError("one", hint="mend one", place=PLACE),
        InputError("two", hint="mend two"),
    )
    run = CliRunner().invoke(failing(InputErrors(errors)), ["fail"])
    assert run.stderr.count("error: ") == 2
    assert run.stderr.index("mend one") < run.stderr.index("two")


def test_control_characters_in_an_error_are_written_out() -> None:
    run = CliRunner().invoke(failing(InputError("unknown key \x1b[2J")), ["fail"])
    assert "\x1b" not in run.stderr


@pytest.mark.parametrize("error", [ValueError("inside"), RefusedError("published already")])
def test_debug_shows_where_an_error_came_from(error: Exception) -> None:
    run = CliRunner().invoke(failing(error), ["--debug", "fail"])
    assert "Traceback" in run.stderr
    assert "raise error" in run.stderr


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    run = policyctl("-C", tmp_path / "nowhere", "schema")
    assert run.returncode == 2
    assert "nowhere" in run.stderr


def test_a_reader_that_goes_away_is_met_with_silence() -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "policyctl", "schema", "revision"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=CLEAN,
    )
    assert run.stdout is not None
    assert run.stderr is not None
    run.stdout.close()
    assert run.stderr.read() == b""
    assert run.wait() == 141
    run.stderr.close()


def test_ctrl_c_ends_with_130_and_no_traceback() -> None:
    code = (
        # a shell that puts a job into the background leaves it deaf to the interrupt
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "import sys, time, policyctl.cli.reference as reference;"
        "reference.emit = lambda text: (print('up', flush=True), time.sleep(30));"
        "sys.argv = ['policyctl', 'schema'];"
        "from policyctl.cli.app import run; run()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=CLEAN
    )
    assert run.stdout is not None
    assert run.stderr is not None
    assert run.stdout.readline() == b"up\n"
    time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    assert run.wait() == 130
    assert run.stderr.read() == b"interrupted\n"
    run.stdout.close()
    run.stderr.close()


def test_a_terminal_without_the_letters_gets_their_escapes() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "policyctl", "rules"],
        env={**CLEAN, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0
