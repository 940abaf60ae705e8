# SPDX-License-Identifier: Apache-2.0
"""The text of a version as it is copied to a file: without its front matter, where names of ours stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policyctl.reports.words import day, one_line

if TYPE_CHECKING:
    from policyctl.actions.versions.sources import Source
    from policyctl.core.formats.version_note import MarkedVersion


def copy_of(mark: MarkedVersion, source: Source) -> bytes:
    """Markdown: which version it is and from when on, then its text."""
    document = source.document
    head = f"*{one_line(mark.note.title)}, version {mark.key.number}, effective {day(mark.note.effective)}.*"
    return f"{head}\n\n{document.text[document.body :].lstrip()}".encode()
