# SPDX-License-Identifier: Apache-2.0
"""The command line: one group, its commands in the order in which a policy lives.

Nothing heavy is imported here or at the top of a command's file: ``--help`` must be quick.
"""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from policyctl import __version__
from policyctl.cli import (
    checking,
    ci,
    comparing,
    copies,
    custody,
    deciding,
    exporting,
    ledger,
    lineage,
    links,
    notifying,
    people,
    places,
    pruning,
    publishing,
    reference,
    serve,
    setup,
    showing,
    site,
    tagging,
    verifying,
)
from policyctl.cli.edge import EdgeGroup, hold_streams
from policyctl.errors import UsageError

_HELP = """\b
Examples:
  policyctl demo                                see the whole job once
  policyctl diff old.md new.md                  what changed, clause by clause
  policyctl check                               what a change of a policy asks for
  policyctl publish example-fax --plan          what publishing would do
  policyctl may-use --subject u-17 --category user.contact.email --purpose marketing

Versions of a privacy policy: what changed, who is told, and what data may be used for.
"""

app = typer.Typer(
    cls=EdgeGroup,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help starts in a third of the time and reads the same everywhere
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if wanted:
        typer.echo(f"policyctl {__version__}")
        raise typer.Exit


def _change_folder(context: typer.Context, folder: Path) -> None:
    before = Path.cwd()
    try:
        os.chdir(folder)
    except OSError as error:
        raise UsageError(f"-C {folder}: {error.strerror}", hint="name a folder that is there") from error
    context.call_on_close(lambda: os.chdir(before))


@app.callback()
def options(
    context: typer.Context,
    *,
    folder: Annotated[
        Path | None, typer.Option("-C", metavar="DIR", help="Work as if started there.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours (so does NO_COLOR).")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Options that stand before the command."""
    del version
    context.obj = {"debug": debug, "no_color": no_color}
    if folder is not None:
        _change_folder(context, folder)


for group in (
    setup, comparing, checking, lineage, publishing, notifying, site, places, people, deciding, tagging,
    ledger, custody, copies, pruning, exporting, serve, links, showing, verifying, ci,
    reference,
):  # fmt: skip
    group.register(app)


def _keep_what_is_asked(words: list[str]) -> None:
    """Typer reads the arguments of all commands before it runs one: a tenth of the time of ``diff``."""
    commands = [command for command in app.registered_commands if command.name in words[:1]]
    groups = [group for group in app.registered_groups if group.name in words[:1]]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups


def run() -> None:
    """Run the command line of this process and leave by its exit code."""
    hold_streams()
    gc.set_threshold(200_000)  # a short life makes little garbage; looking for it took a tenth of the time
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter gets its escape instead of a crash.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        _keep_what_is_asked(sys.argv[1:])
        app(prog_name="policyctl")
    finally:
        gc.freeze()  # all of it goes with the process: it need not be looked through once more
