# SPDX-License-Identifier: Apache-2.0
"""Helpers of the judgement's tests: a policy of an invented fax service around the words at test."""

from datetime import date

from policyctl.adapters.catalogue import load_catalogue
from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import Judgement
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.text.parse import parse

CATALOGUE = load_catalogue()
PLAIN = JudgeContext(None, None, {}, date(2027, 1, 4))
AROUND = """# Example Fax privacy policy

Last updated: 4 January 2027

## What we collect

When you open an account with Example Fax, we ask for your name and your fax number. We also keep log files.

## {heading}

{words}

## Security

Our staff reads faxes never, and the doors of our data rooms are locked.

## Contact

Write to privacy@example.com with any question about this page.
"""


def policy(words: str, heading: str = "How we handle data") -> str:
    """A short policy that holds the words in the middle."""
    return AROUND.format(heading=heading, words=words)


def judged(before: str, after: str, heading: str = "How we handle data") -> Judgement:
    """The judgement of a revision that changes these words only."""
    return judged_texts(policy(before, heading), policy(after, heading))


def judged_texts(before: str, after: str, context: JudgeContext = PLAIN) -> Judgement:
    """The judgement of two whole texts."""
    return judge(compare(parse(before), parse(after)), catalogue=CATALOGUE, context=context)


def rules(judgement: Judgement) -> set[str]:
    """The rules of the material findings."""
    return {finding.rule for finding in judgement.findings if finding.material}
