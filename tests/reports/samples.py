# SPDX-License-Identifier: Apache-2.0
"""Comparisons and published policies for the tests of the faces."""

from __future__ import annotations

from datetime import UTC, date, datetime

from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import Confidence, Direction, Finding, Judgement, Severity, Verdict
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.text.parse import parse
from policyctl.reports.comparison import Comparison, side_of
from policyctl.reports.pages import PublishedPolicy, PublishedVersion

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


def version(
    number: int, text: str, before: str | None = None, summary: str = "Plain words."
) -> PublishedVersion:
    return PublishedVersion(
        key=VersionKey("example-notes", number),
        title="Example Notes & Co",
        change_class=ChangeClass.NOTICE,
        published_at=datetime(2026, number, 1, 12, 30, tzinfo=UTC),
        effective=date(2026, number + 1, 1),
        summary=summary,
        impact="",
        document=parse(text),
        text_sha256=side_of("", None, text.encode()).sha256,
        step=None if before is None else comparison(before, text),
    )


def policy(*texts: str) -> PublishedPolicy:
    steps = zip([None, *texts], texts, strict=False)
    versions = [version(number, text, before) for number, (before, text) in enumerate(steps, 1)]
    return PublishedPolicy("example-notes", tuple(versions))
