# SPDX-License-Identifier: Apache-2.0
"""The page of a bundle: what happened, in the order in which it is asked about, with the file and the row
for each.

It stands alone: no script, nothing remote; and gives the same bytes for the same facts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from policyctl.reports.comparing.html import render
from policyctl.reports.words import html_without_commands

_CSS = "evidence.css.j2"
MOST = 500
"""Rows of one table that the page shows; the files beside it have all."""

_Fact = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What the page is made of. ``about`` is one line; ``files`` are the paths of the bundle; ``unproven``
    says what cannot be proven and why.
    """

    about: str
    moment: str
    head: str
    facts: Mapping[str, Sequence[_Fact]]
    signatures: Sequence[_Fact]
    notices: Sequence[_Fact]
    decisions: Sequence[_Fact]
    files: Sequence[str]
    unproven: Sequence[str] = ()
    counts: Sequence[tuple[str, int]] = ()
    links: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


def evidence_page(view: EvidenceView) -> str:
    """The page."""
    shown = {name: list(rows)[:MOST] for name, rows in view.facts.items()}
    more = {name: len(rows) - MOST for name, rows in view.facts.items() if len(rows) > MOST}
    page = render("evidence.html.j2", css=_CSS, title=view.about, view=view, facts=shown, more=more)
    return html_without_commands(page)
