# SPDX-License-Identifier: Apache-2.0
"""The error edge: the one place that turns an error into words and an exit code.

1. An error of ours: ``error: place: message``, ``hint: mend``, its own exit code.
2. Anything else that escapes is a bug: one line, exit 70; ``--debug`` shows where.
3. Ctrl-C: 130. A reader that went away (``| head``): silence, 141 as the shell would say.
4. Standard output that takes nothing, as on a full disk: said so, exit 4.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from policyctl.cli.values import read_plainly
from policyctl.errors import InputErrors, PolicyctlError, RefusedError

BUG = 70
INTERRUPTED = 130
READER_GONE = 141


class EdgeGroup(TyperGroup):
    """The top group, with the error edge around every command."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, its arguments read without heavy libraries."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            read_plainly(found.get_params(ctx))
        return found

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The options before the command; they are read before any command is known."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; leave by one of the documented exit codes."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                with telling():
                    sys.stdout.flush()
        except PolicyctlError as error:
            report(error, debug=bool((ctx.obj or {}).get("debug")))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # What is still buffered must not be tried again at exit.
            _say_no_more()
            raise typer.Exit(READER_GONE) from None
        except Exception as error:
            if _belongs_to_typer(error):
                raise
            _report_bug(error, debug=bool((ctx.obj or {}).get("debug")))
            raise typer.Exit(BUG) from error


def hold_streams() -> None:
    """Open what stands for nothing in place of a standard stream that is closed. Else the next file that is
    opened, be it the ledger, would take its number and get what is said.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _say_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def telling() -> Iterator[None]:
    """Around what writes to standard output. RefusedError where it takes nothing, as on a full disk."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        _say_no_more()
        raise RefusedError(
            f"standard output cannot be written: {error.strerror}",
            hint="what the command does is done; make room to read what it says",
        ) from error


def report(error: PolicyctlError, *, debug: bool = False) -> None:
    """Say what is wrong, where, and what to do, on standard error."""
    from policyctl.reports.words import shown, without_commands

    for one in _each(error):
        typer.echo(without_commands(shown(f"error: {one}")), err=True)
        if one.hint:
            typer.echo(without_commands(shown(f"hint: {one.hint}")), err=True)
    if debug:
        traceback.print_exception(error)


def _each(error: PolicyctlError) -> Iterator[PolicyctlError]:
    if isinstance(error, InputErrors):
        for inner in error.errors:
            yield from _each(inner)
    else:
        yield error


def _report_bug(error: Exception, *, debug: bool) -> None:
    from policyctl.reports.words import one_line

    typer.echo(f"error: a bug of policyctl: {type(error).__name__}: {one_line(str(error))}", err=True)
    if debug:
        traceback.print_exception(error)
    else:
        typer.echo("hint: run it again as `policyctl --debug ...` and report what it prints", err=True)


def _belongs_to_typer(error: Exception) -> bool:
    """Its own ways to end: Exit, Abort, and complaints about arguments."""
    return any(kind.__module__.startswith("typer.") for kind in type(error).__mro__)


def with_examples(*lines: str) -> Callable[[Callable[..., Any]], dict[str, str]]:
    """Help that opens with examples, then says what the docstring says."""

    def described(function: Callable[..., Any]) -> dict[str, str]:
        words = " ".join((function.__doc__ or "").split("\n\n")[0].split())
        shown_lines = "\n".join(f"  {line}" for line in lines)
        doc = "\n".join(line.strip() for line in (function.__doc__ or "").split("\n"))
        return {"help": f"\b\nExamples:\n{shown_lines}\n\n{doc}", "short_help": words}

    return described


def command(
    group: typer.Typer, name: str, *examples: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as command ``name`` of ``group``, its help opening with ``examples``."""

    def registered(function: Callable[..., None]) -> Callable[..., None]:
        return group.command(name, **with_examples(*examples)(function))(function)  # type: ignore[arg-type]

    return registered
