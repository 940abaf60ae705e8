# SPDX-License-Identifier: Apache-2.0
"""A comparison as a Word document with real tracked changes.

Accepting all changes gives the new text, rejecting all the old one: headings, words, order. What
changed in form only (link targets, emphasis, white space) is not tracked. Front matter is not
part of the text a reader gets; what changed in it stands at the end, with a legend and statistics,
which are not tracked either.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO

from policyctl.core.revision import ClauseChange, Op, Run
from policyctl.reports.comparing.comparison import (
    Comparison,
    Side,
    headline,
    loud_changes,
    shown_only,
    sorted_kinds,
    statistics,
)
from policyctl.reports.docx import parts as docx_parts
from policyctl.reports.docx.flow import moves, paragraphs
from policyctl.reports.docx.xml import Tracked, coloured, heading, sentence, table, text_of
from policyctl.reports.words import KIND_WORDS, mark_space, one_line, shown

CLOSING = "About this comparison"
"""The heading of the part behind the text."""

_LEGEND = (
    "Everything above this heading is the text of the policy. Inserted, deleted and moved words are "
    "tracked changes: accept all of them for the new text, reject all of them for the old text. "
    "Where a clause moved, words deleted from it stand at its old place and words inserted into it "
    "at its new place. Changes of form only (link targets, emphasis, white space) are not tracked."
)
_THREE = (900, 3438, 5300)  # widths of columns, twentieths of a point
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment a ZIP archive can name


def render_docx(comparison: Comparison, *, at: datetime | None = None, author: str = "policyctl") -> bytes:
    """The document; the same comparison, time and author give the same bytes.

    ``at`` (aware) is the time the changes carry; without it they carry none.
    """
    date = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""
    flow = paragraphs(comparison.revision)
    tracked = Tracked(author=shown(author), date=date).body(flow)
    body = tracked + "".join(_closing(comparison, moves(flow)))
    title = f"{one_line(comparison.old.source)} to {one_line(comparison.new.source)}"
    return _zipped({
        "[Content_Types].xml": docx_parts.CONTENT_TYPES,
        "_rels/.rels": docx_parts.RELATIONS,
        "docProps/core.xml": docx_parts.properties(text_of(title), text_of(shown(author)), date),
        "word/_rels/document.xml.rels": docx_parts.DOCUMENT_RELATIONS,
        "word/document.xml": docx_parts.document(body),
        "word/numbering.xml": docx_parts.NUMBERING,
        "word/styles.xml": docx_parts.STYLES,
    })  # fmt: skip


def _closing(comparison: Comparison, moved: int) -> Iterator[str]:
    yield heading(CLOSING, 1, new_page=True)
    yield sentence(_LEGEND)
    if comparison.only:
        yield sentence(shown_only(comparison))
    yield table(
        [("", "Source", "SHA-256"), _side("Old", comparison.old), _side("New", comparison.new)], _THREE
    )
    yield from _front(comparison.revision.front)
    yield heading("Statistics", 2)
    yield table(_statistics(comparison, moved), (6400, 3238))
    loud = loud_changes(comparison.revision)
    if loud:
        yield heading("Clauses that changed", 2)
        rows = [_changed(change) for change in loud]
        yield table([("Clause", "Change", "Form"), *rows], (4638, 2800, 2200))
    yield sentence("")  # Word wants a paragraph behind a table


def _side(name: str, side: Side) -> tuple[str, str, str]:
    return name, one_line(side.source), side.sha256


def _changed(change: ClauseChange) -> tuple[str, str, str]:
    kinds = ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))
    return one_line(headline(change)), kinds, ", ".join(one_line(each) for each in change.format)


def _front(runs: tuple[Run, ...]) -> Iterator[str]:
    if any(run.op is not Op.EQUAL for run in runs):
        yield heading("Front matter", 2)
        for line in _lines(runs):
            yield coloured(line)


def _lines(runs: tuple[Run, ...]) -> Iterator[list[tuple[str, str]]]:
    """Runs cut at the ends of lines."""
    line: list[tuple[str, str]] = []
    for run in runs:
        text = shown(run.text if run.op is Op.EQUAL else mark_space(run.text), keep="\n")
        for number, piece in enumerate(text.split("\n")):
            if number:
                yield line
                line = []
            if piece:
                line.append((run.op.value, piece))
    if line:
        yield line


def _statistics(comparison: Comparison, moved: int) -> list[tuple[str, str]]:
    counts = statistics(comparison.revision)
    rows = [
        ("What", "Number"),
        ("Words inserted", f"{counts.inserted:,}"),
        ("Words deleted", f"{counts.deleted:,}"),
        ("Passages moved", f"{moved:,}"),
        ("Blocks changed in form only", f"{counts.cosmetic:,}"),
    ]
    return [*rows, *((f"Clauses {KIND_WORDS[kind]}", f"{number:,}") for kind, number in counts.kinds)]


def _zipped(parts: dict[str, str]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            entry = zipfile.ZipInfo(name, date_time=_EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # the same on every system
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, parts[name].encode("utf-8"))
    return buffer.getvalue()
