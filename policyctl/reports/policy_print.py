# SPDX-License-Identifier: Apache-2.0
"""A version as a document to be printed: the page that the PDF is made from.

The same version gives the same bytes: it holds no date but the version's own. Where a policy does not say
in which language it is written, none is declared; a screen reader then keeps its user's.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from policyctl.core.notices.notice import Notice
from policyctl.core.text.parse import parse
from policyctl.reports.policy_html import policy_body
from policyctl.reports.words import one_line

_UNKNOWN = "und"


def printable(notice: Notice) -> str:
    """The revised policy that ``notice`` is about, as HTML for paper."""
    return _template().render(
        title=one_line(notice.title),
        version=str(notice.version),
        lang=notice.language or _UNKNOWN,
        effective=notice.effective.isoformat(),
        sha256=notice.text_sha256,
        body=Markup(policy_body(parse(notice.full_text))),  # noqa: S704 - safe by policy_html
    )


def file_name(notice: Notice) -> str:
    """``example-fax-v3.pdf``: plain ASCII, as slugs are."""
    return f"{notice.version.slug}-v{notice.version.number}.pdf"


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("policyctl.reports"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("print.html.j2")
