# SPDX-License-Identifier: Apache-2.0
"""Comparisons and published policies for the tests of the faces."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import Confidence, Direction, Finding, Judgement, Severity, Verdict
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.practice import Taxonomy, Term
from policyctl.core.proof.heads import LedgerHead
from policyctl.core.text.parse import parse
from policyctl.reports.comparing.comparison import Comparison, side_of
from policyctl.reports.site.look import Look, Painter
from policyctl.reports.site.pages import PostedPolicy, overview_files
from policyctl.reports.site.posted import Posted, Settled, settle
from policyctl.reports.site.version_pages import Printing, version_files

FRONT = "---\ntitle: Example Notes\neffective: 2027-01-15\n---\n"

OLD = (
    FRONT
    + """# Collection {#collection}

We collect your name and your email address when you open an account with us.

We never ask for your date of birth.

# Sharing

We share your email address only with our processors, who help us run the service.

# Cookies

Our pages set one cookie, which keeps you signed in until you close the browser window.
"""
)
NEW = (
    FRONT.replace("01-15", "03-01")
    + """# Collection {#collection}

We collect your name, your email address and your telephone number when you open an account with us.

We never ask for your date of birth.

# Cookies

Our pages set one cookie, which keeps you signed in until you close the browser window.

# Sharing with others

We share your email address with our processors and with advertisers, who help us run the service.
"""
)

HOSTILE = """# Payments <script>alert(1)</script>

Read \x1b[31mthis\x1b[0m and \u202ethat\u202c, <script>alert(2)</script> <img src=x onerror=alert(3)>.

[press](javascript:alert(4)) [data](data:text/html,x) [away](//evil.example.org/) ![pixel](https://evil.example.org/p.png)

{{ 7 * 7 }} {% raw %} {++ not ours ++} `code` | table |

[good](https://www.example.com/a?b=1&c=2) [part](#collection) [mail](mailto:privacy@example.com)
"""

FINDING = Finding(
    rule="PC101",
    name="new-recipient",
    severity=Severity.WARNING,
    material=True,
    direction=Direction.EXPANDS,
    confidence=Confidence.UNDECIDED,
    categories=("sharing",),
    clause="sharing-with-others",
    line=15,
    before="We share it only with our processors <b>\x1b[2J",
    after="We share it with advertisers",
    message="Data now goes to \x1b[31madvertisers <script>",
    grounds="the promise of section 3",
    floor=ChangeClass.CHOICE,
    fingerprint="0123456789ab",
)


def judgement(*findings: Finding) -> Judgement:
    loud = any(finding.material for finding in findings)
    floor = ChangeClass.CHOICE if loud else ChangeClass.EDITORIAL
    direction = Direction.EXPANDS if loud else Direction.NEUTRAL
    return Judgement(findings, Verdict(loud, floor, direction, ("sharing",) if loud else ()))


def comparison(old: str = OLD, new: str = NEW, *findings: Finding) -> Comparison:
    return Comparison(
        side_of("old.md", None, old.encode()),
        side_of("new.md", "example-notes@v2", new.encode()),
        compare(parse(old), parse(new)),
        judgement(*findings),
    )


def version(number: int, text: str, summary: str = "Plain words.", **more: Any) -> Posted:
    """Published on the first of a month, in force from the first of the next one on."""
    document = parse(text)
    values: dict[str, Any] = {
        "key": VersionKey("example-notes", number),
        "title": "Example Notes & Co",
        "change_class": ChangeClass.NOTICE if number > 1 else None,
        "published_at": datetime(2026, number, 1, 12, 30, tzinfo=UTC),
        "effective": date(2026, number + 1, 1),
        "summary": summary,
        "impact": "",
        "text_sha256": side_of("", None, text.encode()).sha256,
        "practices": None,
        "translations": (),
        "pdf": "",
        "language": "en",
        "markdown": text[document.body :],
    }
    return Posted(**values | more)


LATE = date(2026, 12, 31)
TERMS = Taxonomy(
    {
        "user.name": Term("user.name", "your name"),
        "user.health": Term("user.health", "your health", sensitive=True),
    },
    {"sales": Term("sales", "winning customers"), "essential": Term("essential", "running the service")},
    {"partner": Term("partner", "business partners")},
)


def site(
    *versions: Posted,
    today: date = LATE,
    look: Look | None = None,
    signers: Mapping[int, str] | None = None,
    heads: Mapping[int, tuple[LedgerHead, ...]] | None = None,
) -> dict[str, bytes]:
    """Every file of the site of one policy."""
    printing = Printing(Painter(look or Look(name="Example Notes")), TERMS)
    files: dict[str, bytes] = {}
    last: Settled | None = None
    posted = []
    for each in versions:
        settled = settle(each, last)
        files |= dict(version_files(settled, last.posted if last else None, printing))
        posted.append(settled.posted)
        last = settled
    policy = PostedPolicy(versions[0].key.slug, tuple(posted), signers or {}, heads or {})
    return files | dict(overview_files([policy], printing, today))


def site_of(*texts: str, today: date = LATE, look: Look | None = None) -> dict[str, bytes]:
    """The same of plain texts, oldest first."""
    return site(*(version(number, text) for number, text in enumerate(texts, 1)), today=today, look=look)
