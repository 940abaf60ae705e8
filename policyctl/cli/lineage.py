# SPDX-License-Identifier: Apache-2.0
"""Looking back: what happened to every clause, and which version its words are from."""

from __future__ import annotations

from contextlib import closing, nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, in_colour, say, width

if TYPE_CHECKING:
    from policyctl.actions.versions.lineage import Traced
    from policyctl.core.diff.clause_history import Lineage


class LogFormat(StrEnum):
    """The faces of a history."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"
    HTML = "html"


HistoryArgument = Annotated[
    str, typer.Argument(metavar="SLUG|REV:path", help="A policy, a version (SLUG@v3), or a file in git.")
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(
        app,
        "log",
        "policyctl log example-fax",
        "policyctl log example-fax retention",
        "policyctl log HEAD:docs/privacy.md --chart",
        "policyctl log HEAD:docs/privacy.md --format html --output history.html",
    )(log)
    command(
        app,
        "blame",
        "policyctl blame example-fax",
        "policyctl blame main:docs/privacy.md --words --format json",
    )(blame)


def log(
    context: typer.Context,
    source: HistoryArgument,
    clause: Annotated[
        str | None, typer.Argument(metavar="[CLAUSE]", help="Only this one: its id or heading.")
    ] = None,
    *,
    chart: Annotated[bool, typer.Option("--chart", help="Changes of clauses over time.")] = False,
    output_format: Annotated[
        LogFormat, typer.Option("--format", help="For a person, a machine, or as a picture.")
    ] = LogFormat.TEXT,
    output: OutputOption = None,
) -> None:
    """Show how the clauses of a text changed over its whole history: since when each one stands, how often
    it changed, and when last.

    A policy is followed through its published versions, a file through its commits, renames included.
    """
    from policyctl.actions.versions.lineage import clause_named
    from policyctl.reports.comparing.json_v1 import dumps
    from policyctl.reports.lineage import text as report
    from policyctl.reports.lineage.lineage_v1 import log_json

    traced = _traced(source)
    only = clause_named(traced, clause) if clause else None
    shown = replace(traced.lineage, clauses=(only,)) if only else traced.lineage
    colour = in_colour(context) and output is None
    if output_format is LogFormat.JSON:
        text = dumps(log_json(traced.source, shown))
    elif output_format is not LogFormat.TEXT:
        text = _picture(traced.source, shown, output_format)
    elif chart:
        text = report.chart_text(traced.source, shown, width=width(), colour=colour)
    elif only:
        text = report.clause_text(traced.lineage, only, width=width(), colour=colour)
    else:
        text = report.log_text(traced.source, traced.lineage, width=width(), colour=colour)
    emit(text, output)


def blame(
    context: typer.Context,
    source: HistoryArgument,
    *,
    words: Annotated[
        bool, typer.Option("--words", help="Every sentence with the version it is from.")
    ] = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Show for every clause of a text which version last changed it."""
    from policyctl.reports.lineage.lineage_v1 import blame_json
    from policyctl.reports.lineage.text import blame_text

    traced = _traced(source, words=words)
    if output_format is Format.JSON:
        emit_json(blame_json(traced.source, traced.lineage, words=words))
    else:
        colour = in_colour(context)
        emit(blame_text(traced.source, traced.lineage, words=words, width=width(), colour=colour))


def _traced(source: str, *, words: bool = False) -> Traced:
    from policyctl import wiring
    from policyctl.actions.versions.lineage import lineage
    from policyctl.actions.versions.sources import Reading
    from policyctl.settings import find_root, load_settings

    here = Path.cwd()
    standards = wiring.standards(load_settings(here) if find_root(here) else None)
    history = wiring.history_at(here)
    with closing(history) if history else nullcontext():
        reading = Reading(here, history, standards.catalogue.taxonomy, standards.max_bytes)
        traced = lineage(source, reading=reading, words=words)
    for remark in traced.remarks:
        say(remark)
    return traced


def _picture(source: str, lineage: Lineage, output_format: LogFormat) -> str:
    from policyctl.reports.lineage.svg import chart_html, chart_svg

    draw = chart_svg if output_format is LogFormat.SVG else chart_html
    return draw(source, lineage)
