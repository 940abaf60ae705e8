# SPDX-License-Identifier: Apache-2.0
"""Looking at texts: what their clauses are, what differs, what a change asks for."""

from __future__ import annotations

from contextlib import closing, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import Format, FormatOption, emit, emit_bytes, emit_json, in_colour, now, width
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.core.judge.standards import Standards
    from policyctl.reports.comparison import Comparison


class DiffFormat(StrEnum):
    """The faces of a revision."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    UNIFIED = "unified"
    DOCX = "docx"


class FailOn(StrEnum):
    """From which severity on a finding fails the check."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


SourceArgument = Annotated[
    str, typer.Argument(help="A file, REV:path, a policy (SLUG) or a version (SLUG@v3).")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "clauses", "policyctl clauses privacy.md", "policyctl clauses example-fax@v2 --format json")(
        clauses
    )
    command(
        app,
        "diff",
        "policyctl diff old.md new.md",
        "policyctl diff HEAD~1:privacy.md privacy.md --format html --output redline.html",
        "policyctl diff example-fax@v2 example-fax",
    )(diff)
    command(
        app,
        "check",
        "policyctl check",
        "policyctl check example-fax --against origin/main --fail-on warning",
        "policyctl check --format json",
    )(check)


def _standards(here: Path) -> Standards:
    """Those of the policy repository here, or the package's own: any Markdown can be compared."""
    from policyctl import wiring
    from policyctl.settings import find_root, load_settings

    return wiring.standards(load_settings(here) if find_root(here) else None)


def clauses(source: SourceArgument, *, output_format: FormatOption = Format.TEXT) -> None:
    """List the clauses of a text: their lines, headings and ids."""
    from policyctl.actions.sources import load_source
    from policyctl.reports.clauses_v1 import clauses_json, clauses_text
    from policyctl.wiring import history_at

    here = Path.cwd()
    standards, history = _standards(here), history_at(here)
    with closing(history) if history else nullcontext():
        taxonomy, limit = standards.catalogue.taxonomy, standards.max_bytes
        found = load_source(source, here=here, history=history, taxonomy=taxonomy, max_bytes=limit)
    if output_format is Format.JSON:
        emit_json(clauses_json(found.side, found.document))
    else:
        emit(clauses_text(found.side, found.document))


def diff(
    context: typer.Context,
    old: SourceArgument,
    new: SourceArgument,
    *,
    output_format: Annotated[
        DiffFormat, typer.Option("--format", help="For a person, a machine, a browser or a lawyer.")
    ] = DiffFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead.")
    ] = None,
) -> None:
    """Show what changed between two texts, clause by clause, and what follows from it.

    Works on any Markdown file of any repository, with nothing set up.
    """
    from policyctl.actions.compare import diff as action
    from policyctl.wiring import history_at

    here = Path.cwd()
    in_git = not all(_is_file(here / name) for name in (old, new))  # two files are compared without git
    history = history_at(here) if in_git else None
    with closing(history) if history else nullcontext():
        comparison = action(
            old, new, here=here, history=history, standards=_standards(here), today=now().date()
        )
    if output_format is DiffFormat.DOCX:
        _document(comparison, output)
    else:
        emit(_face(comparison, output_format, colour=in_colour(context) and output is None), output)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _document(comparison: Comparison, output: Path | None) -> None:
    from policyctl.reports.docx import render_docx

    if output is None:
        raise UsageError("a document needs a file", hint="add --output redline.docx")
    emit_bytes(render_docx(comparison, at=now()), output)


def _face(comparison: Comparison, face: DiffFormat, *, colour: bool) -> str:
    if face is DiffFormat.JSON:
        from policyctl.reports.json_v1 import render_json

        return render_json(comparison)
    if face is DiffFormat.MARKDOWN:
        from policyctl.reports.markdown import render_markdown

        return render_markdown(comparison)
    if face is DiffFormat.HTML:
        from policyctl.reports.html import render_html

        return render_html(comparison)
    if face is DiffFormat.UNIFIED:
        from policyctl.reports.unified import render_unified

        return render_unified(comparison)
    from policyctl.reports.terminal import render_terminal

    return render_terminal(comparison, width=width(), colour=colour)


def check(
    context: typer.Context,
    slugs: Annotated[list[str] | None, typer.Argument(metavar="[SLUG ...]", help="None named: all.")] = None,
    *,
    against: Annotated[
        str | None, typer.Option(metavar="REF", help="A revision or SLUG@v2, not the last version.")
    ] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Fail (exit code 1) from this severity on.")] = FailOn.ERROR,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Judge the policies of the work tree against their last version: what the change asks for."""
    from policyctl.actions import check as action
    from policyctl.cli.opened import repository
    from policyctl.core.judge.findings import Severity
    from policyctl.reports.check_v1 import check_json, check_text

    with repository() as opened:
        checked = action.check(
            slugs or (),
            history=opened.history(),
            standards=opened.standards(),
            today=now().date(),
            against=against,
            base_standards=opened.base_standards(against) if against is not None else None,
        )
    severity = None if fail_on is FailOn.NEVER else Severity(fail_on.value)
    code = action.exit_code(checked, fail_on=severity)
    if output_format is Format.JSON:
        emit_json(check_json(checked, fail_on=fail_on.value, exit_code=code))
    else:
        emit(check_text(checked, width=width(), colour=in_colour(context)))
    raise typer.Exit(code)
