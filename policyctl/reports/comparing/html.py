# SPDX-License-Identifier: Apache-2.0
"""A comparison as one page that stands alone: no script, nothing remote, readable without colour.

``<ins>`` and ``<del>`` carry a sign and words for a screen reader; a moved clause and the place it
left are linked both ways. Policy text goes in as text: it is escaped, never rendered.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from policyctl.core.revision import Op, Revision
from policyctl.reports.comparing.comparison import Comparison, shown_only, statistics
from policyctl.reports.comparing.html_entries import Entry, Part, flow_of, parts_of
from policyctl.reports.words import KIND_WORDS, day, html_without_commands, shown


def render_html(comparison: Comparison, *, title: str = "What changed") -> str:
    """The standalone page."""
    return html_without_commands(render("report.html.j2", title=title, view=redline_view(comparison)))


def render(template: str, *, css: str = "", **values: Any) -> str:
    """Fill one of our templates; everything that is not ``Markup`` is escaped. ``css``: a style sheet of
    the page's own, beside the one of all pages.
    """
    style = _style(css)
    # Our own constant text, which has no "</"; escaping it would break its hash.
    return (
        _environment()
        .get_template(template)
        .render(style=Markup(style), style_hash=_hash_of(style), **values)  # noqa: S704
    )


def security_policy(css: str = "") -> str:
    """The Content-Security-Policy of such a page where it is served: as in the page, and in no frame."""
    style = f"style-src '{_hash_of(_style(css))}'"
    return f"default-src 'none'; {style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def _style(css: str) -> str:
    sheets = ("style.css.j2", css) if css else ("style.css.j2",)
    return "".join(_environment().get_template(sheet).render() for sheet in sheets)


def _hash_of(style: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}"


def redline_view(comparison: Comparison) -> dict[str, Any]:
    """What the redline macros need, ready to print."""
    judgement = comparison.judgement
    return {
        **revision_view(comparison.revision),
        "old": comparison.old,
        "new": comparison.new,
        "only": shown_only(comparison),
        "verdict": judgement.verdict,
        "findings": judgement.findings,
    }


def revision_view(revision: Revision) -> dict[str, Any]:
    """The part of it that needs no judgement."""
    flow = flow_of(revision)
    loud = [item for item in flow if isinstance(item, Entry)]
    counts = statistics(revision)
    return {
        "practices": revision.practices,
        "front": _front(revision),
        "flow": [(type(item).__name__, item) for item in flow],
        "loud": loud,
        "total": len(revision.clauses),
        "counts": counts,
        "kinds": [(KIND_WORDS[kind], number) for kind, number in counts.kinds],
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("policyctl.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["written"] = lambda text: shown(str(text))
    environment.filters["day"] = day
    environment.filters["thousands"] = lambda number: f"{number:,}"
    return environment


def _front(revision: Revision) -> tuple[Part, ...]:
    if all(run.op is Op.EQUAL for run in revision.front):
        return ()
    return parts_of(revision.front)
