# SPDX-License-Identifier: Apache-2.0
"""Looking at texts: what their clauses are, what differs, what a change asks for."""

from __future__ import annotations

from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.faces import DiffFormat, Layout, put_document, put_exact, require_sense, text_of
from policyctl.cli.pager import show
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, in_colour, now, width

if TYPE_CHECKING:
    from policyctl.core.judge.standards import Standards


SourceArgument = Annotated[
    str, typer.Argument(help="A file, REV:path, a policy (SLUG) or a version (SLUG@v3).")
]

LaterArgument = Annotated[
    str | None,
    typer.Argument(metavar="[NEW]", help="The later text. Without it: what OLD was before, and OLD."),
]
SinceOption = Annotated[
    str | None,
    typer.Option(metavar="REV|VERSION", help="Compare the one text with what it was then, such as v1."),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(metavar="CLAUSE", help="Only this clause, by id or heading; repeatable."),
]
StatOption = Annotated[
    bool, typer.Option("--stat", help="Numbers alone: words deleted and inserted, moves, kinds.")
]
DiffFormatOption = Annotated[
    DiffFormat, typer.Option("--format", help="For a person, a machine, a browser or a lawyer.")
]
LayoutOption = Annotated[
    Layout, typer.Option(help="How the text lays the redline out; auto: side by side from 120 columns.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead.")
]
NoPagerOption = Annotated[
    bool, typer.Option("--no-pager", help="Print at once, though it is longer than the screen (see PAGER).")
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
        "policyctl diff example-fax",
        "policyctl diff example-fax --since v1 --only retention",
        "policyctl diff example-fax@v1 example-fax@v3 --stat",
    )(diff)


def standards_at(here: Path) -> Standards:
    """Those of the policy repository here, or the package's own: any Markdown can be compared."""
    from policyctl import wiring
    from policyctl.settings import find_root, load_settings

    return wiring.standards(load_settings(here) if find_root(here) else None)


def clauses(source: SourceArgument, *, output_format: FormatOption = Format.TEXT) -> None:
    """List the clauses of a text: their lines, headings and ids."""
    from policyctl.actions.versions.sources import load_source
    from policyctl.reports.comparing.clauses_v1 import clauses_json, clauses_text
    from policyctl.wiring import history_at

    here = Path.cwd()
    standards, history = standards_at(here), history_at(here)
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
    new: LaterArgument = None,
    *,
    since: SinceOption = None,
    only: OnlyOption = None,
    stat: StatOption = False,
    output_format: DiffFormatOption = DiffFormat.TEXT,
    layout: LayoutOption = Layout.AUTO,
    output: OutputOption = None,
    no_pager: NoPagerOption = False,
) -> None:
    """Show what changed between two texts, clause by clause, and what follows from it.

    Works on any Markdown file of any repository, with nothing set up. One text alone is compared with what
    it was before: a policy with its last published version, a version with the one before it, a file with
    HEAD, REV:path with the commit before REV.
    """
    from policyctl.actions.places import is_file
    from policyctl.actions.versions.compare import diff as action
    from policyctl.wiring import history_at

    require_sense(output_format, stat=stat, layout=layout, output=output)
    here = Path.cwd()
    two_files = new is not None and is_file(here / old) and is_file(here / new)
    history = None if two_files else history_at(here)  # two files are compared without git
    with closing(history) if history else nullcontext():
        comparison = action(
            old,
            new,
            since=since,
            only=only or (),
            here=here,
            history=history,
            standards=standards_at(here),
            today=now().date(),
        )
    if output_format is DiffFormat.DOCX and output is not None:
        put_document(comparison, output, at=now())
    elif output_format is DiffFormat.CRITICMARKUP:
        put_exact(comparison, output)
    else:
        colour = in_colour(context) and output is None
        text = text_of(comparison, output_format, stat=stat, layout=layout, width=width(), colour=colour)
        show(text, paged=not no_pager) if output is None else emit(text, output)
