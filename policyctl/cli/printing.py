# SPDX-License-Identifier: Apache-2.0
"""What every command shares: where output goes, how wide, in which colours; the clock; a question."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from policyctl.cli.edge import telling
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.core.policy import VersionKey


class Format(StrEnum):
    """For a person, or for a machine."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="For a person, or for a machine.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
CsvArgument = Annotated[Path, typer.Argument(metavar="FILE.csv", help="UTF-8, with a header line.")]


def now() -> datetime:
    """The one place that reads the clock. Aware UTC."""
    return datetime.now(UTC)  # noqa: TID251 - everything else gets time as a value


def moment(text: str | None, *, option: str) -> datetime:
    """A time of the command line, ISO 8601; without a zone it is UTC; without a text it is now."""
    if text is None:
        return now()
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{option}: {text!r} is no time", hint="write 2027-01-15 or 2027-01-15T12:00:00Z"
        ) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def version_named(name: str) -> VersionKey:
    """A version of the command line, SLUG@v3."""
    from policyctl.core.records import split_change

    found = split_change(f"{name}#x")
    if found is None:
        raise UsageError(f"{name!r} is no version", hint="write it as SLUG@v3")
    return found[0]


def emit(text: str, output: Path | None = None) -> None:
    """Print ``text`` (which ends in a newline), or put it in a file, whole or not at all."""
    if output is None:
        with telling():
            sys.stdout.write(text)
    else:
        emit_bytes(text.encode("utf-8"), output)


def emit_bytes(content: bytes, output: Path) -> None:
    """Put ``content`` in a file, whole or not at all."""
    _write(output, content)


def emit_json(value: Mapping[str, Any]) -> None:
    """Print one of our machine formats."""
    from policyctl.reports.comparing.json_v1 import dumps

    emit(dumps(dict(value)))


def say(text: str) -> None:
    """A message about the work, which is not its output: to standard error."""
    typer.echo(text, err=True)


def width() -> int:
    """Columns of the terminal, or of ``COLUMNS``, or 80."""
    return shutil.get_terminal_size().columns


def is_terminal() -> bool:
    """Whether somebody watches: messages about the work go to a terminal."""
    return sys.stderr.isatty()


def in_colour(context: typer.Context) -> bool:
    """Colours on a terminal that has them, unless ``NO_COLOR`` or ``--no-color`` says no."""
    options = context.obj or {}
    if options.get("no_color") or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is done that cannot be undone; a script must say ``--yes``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Nobody is there to answer.", hint="add --yes to do it without asking")
    if not typer.confirm(question, err=True):
        raise typer.Exit(4)


def _write(path: Path, content: bytes) -> None:
    handle, name = -1, ""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)  # a pipe or /dev/null takes it as it is, and must not be replaced
            return
        place = path.resolve()  # a link stays one
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(place)
    except OSError as error:
        if name:
            with suppress(OSError):
                Path(name).unlink()
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", hint="name a file in a folder you may write to"
        ) from error
