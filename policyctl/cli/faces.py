# SPDX-License-Identifier: Apache-2.0
"""The faces of a comparison: what ``diff --format`` can be, and who renders it."""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.cli.pager import show
from policyctl.cli.printing import emit, emit_bytes
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.reports.comparing.comparison import Comparison

WIDE_ENOUGH = 120
"""Columns from which two texts stand side by side by themselves."""


class DiffFormat(StrEnum):
    """The faces of a revision."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    CRITICMARKUP = "criticmarkup"
    HTML = "html"
    UNIFIED = "unified"
    DOCX = "docx"


class Layout(StrEnum):
    """How a terminal shows a redline."""

    AUTO = "auto"
    INLINE = "inline"
    SIDE_BY_SIDE = "side-by-side"


def require_sense(face: DiffFormat, *, stat: bool, layout: Layout, output: Path | None) -> None:
    """UsageError for options that say nothing together."""
    if stat and face not in {DiffFormat.TEXT, DiffFormat.MARKDOWN, DiffFormat.JSON}:
        raise UsageError(f"--stat has no format {face.value}", hint="its formats are text, markdown and json")
    if layout is not Layout.AUTO and (stat or face is not DiffFormat.TEXT):
        raise UsageError("--layout is for the redline as text alone", hint="leave it out")
    if face is DiffFormat.DOCX and output is None:
        raise UsageError("a document needs a file", hint="add --output redline.docx")


def put_document(comparison: Comparison, output: Path, *, at: datetime) -> None:
    """Write the Word document."""
    from policyctl.reports.docx.document import render_docx

    emit_bytes(render_docx(comparison, at=at), output)


def put_exact(comparison: Comparison, output: Path | None) -> None:
    """Write CriticMarkup, in which every character counts; on a terminal hidden ones are written out."""
    from policyctl.reports.comparing.criticmarkup import render_criticmarkup
    from policyctl.reports.words import shown

    text = render_criticmarkup(comparison)
    if output is not None:
        emit(text, output)
    elif sys.stdout.isatty():
        show(shown(text), paged=False)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8"))


def text_of(
    comparison: Comparison, face: DiffFormat, *, stat: bool, layout: Layout, width: int, colour: bool
) -> str:
    """The face as text, a newline at its end."""
    if stat:
        return _numbers(comparison, face, width=width, colour=colour)
    if face is DiffFormat.JSON:
        from policyctl.reports.comparing.json_v1 import render_json

        return render_json(comparison)
    if face is DiffFormat.MARKDOWN:
        from policyctl.reports.comparing.markdown import render_markdown

        return render_markdown(comparison)
    if face is DiffFormat.HTML:
        from policyctl.reports.comparing.html import render_html

        return render_html(comparison)
    if face is DiffFormat.UNIFIED:
        from policyctl.reports.comparing.unified import render_unified

        return render_unified(comparison)
    from policyctl.reports.comparing.terminal import render_terminal

    beside = layout is Layout.SIDE_BY_SIDE or (layout is Layout.AUTO and width >= WIDE_ENOUGH)
    return render_terminal(comparison, width=width, colour=colour, side_by_side=beside)


def _numbers(comparison: Comparison, face: DiffFormat, *, width: int, colour: bool) -> str:
    if face is DiffFormat.JSON:
        from policyctl.reports.comparing.json_v1 import dumps
        from policyctl.reports.comparing.stat_v1 import stat_json

        return dumps(stat_json(comparison))
    from policyctl.reports.comparing import stat

    if face is DiffFormat.MARKDOWN:
        return stat.stat_markdown(comparison)
    return stat.stat_text(comparison, width=width, colour=colour)
