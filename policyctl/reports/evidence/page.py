# SPDX-License-Identifier: Apache-2.0
"""The page of a bundle: what happened, in the order in which it is asked about, with the file and the row
for each.

It stands alone: no script, nothing remote; and gives the same bytes for the same facts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policyctl.reports.comparing.html import render
from policyctl.reports.words import html_without_commands

_CSS = "evidence.css.j2"
_STATES = {
    "": "waiting since", "posted": "posted", "failed": "failed, and to be tried again,",
    "given-up": "given up", "gone": "no more is wanted there, as was said",
    "again": "to be tried again since",
}  # fmt: skip
MOST = 500
"""Rows of one table that the page shows; the files beside it have all."""

_Fact = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """What the page is made of. ``about`` is one line; ``files`` are the paths of the bundle; ``unproven``
    says what cannot be proven and why. ``of_people``: it is not of a publication.
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
    of_people: bool = True

    @property
    def consents(self) -> Sequence[str]:
        """The paths of consent records."""
        return [path for path in self.files if path.startswith("consents/")]


def evidence_page(view: EvidenceView) -> str:
    """The page."""
    shown = {name: list(map(_readable, list(rows)[:MOST])) for name, rows in view.facts.items()}
    more = {name: len(rows) - MOST for name, rows in view.facts.items() if len(rows) > MOST}
    posted = _posted(view.facts)
    page = render(
        "evidence.html.j2", css=_CSS, title=view.about, view=view, facts=shown, more=more, posted=posted
    )
    return html_without_commands(page)


def _readable(fact: _Fact) -> dict[str, Any]:
    """With its times as people write them; to the second, the files have the rest."""
    times = {key: _time(value) for key, value in fact.items() if key == "at" or key.endswith("_at")}
    return {**fact, **times}


def _time(said: str) -> str:
    return f"{datetime.fromisoformat(said):%Y-%m-%d %H:%M:%S} UTC"


def _posted(facts: Mapping[str, Sequence[_Fact]]) -> dict[str, list[dict[str, Any]]]:
    """By version, what was posted where, each with the last that became of it."""
    last = {event["posting"]: event for event in facts["posting_events"]}
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for fact in facts["postings"]:
        event = last.get(fact["posting"])
        found[fact["version"]].append(
            {
                **fact,
                "state": _STATES[event["outcome"]] if event else _STATES[""],
                "at": _time(event["at"] if event else fact["recorded_at"]),
                "rows": f"{fact['row']}, {event['row']}" if event else f"{fact['row']}",
            }
        )
    return found
