# SPDX-License-Identifier: Apache-2.0
"""The page of a rule: for the docs as Markdown, for a terminal, and as ``policyctl.rule/1``.

The head of the page comes from the rule itself, the rest from its file in the package.
"""

from __future__ import annotations

import re

from policyctl.core.judge.rules.rule import Rule
from policyctl.reports.checking.rules_v1 import rule_json
from policyctl.reports.comparing.json_v1 import Json

SCHEMA = "policyctl.rule/1"
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*\)")
_LANGUAGE = re.compile(r"(?m)^```(\w+)[^\n]*$")


def page_markdown(rule: Rule, body: str) -> str:
    """The whole page, as it stands under docs/reference/rules/."""
    return "\n".join(
        (
            f"# {rule.id} {rule.name}\n",
            f"{rule.what}\n",
            "| severity | class it needs | can be waived | material |",
            "| --- | --- | --- | --- |",
            f"| {rule.severity.value} | {_floor(rule)} | {_yes(not rule.forced)} | {_yes(rule.material)} |\n",
            f"**Why.** {rule.why}\n",
            body.rstrip() + "\n",
            f"## Grounds\n\n{_grounds(rule)} None of this is legal advice.\n",
        )
    )


def page_json(rule: Rule, body: str) -> Json:
    """The rule's own fields, and the page as Markdown."""
    return {"schema": SCHEMA, **rule_json(rule), "page": page_markdown(rule, body)}


def page_text(rule: Rule, body: str, *, width: int, colour: bool) -> str:
    """The page on a terminal."""
    from rich.markdown import Markdown

    from policyctl.reports.comparing.terminal import printed

    words = _LANGUAGE.sub(r"```\1", _LINK.sub(r"\1", page_markdown(rule, body)))
    return printed(
        Markdown(words, code_theme="ansi_dark", hyperlinks=False), width=min(width, 100), colour=colour
    )


def _floor(rule: Rule) -> str:
    return f"{rule.floor.value} at least" if rule.floor else "that of the practice beside it"


def _grounds(rule: Rule) -> str:
    return (
        f"See {rule.grounds}."
        if rule.grounds
        else "No law names it; the record of what was promised rests on it."
    )


def _yes(value: bool) -> str:  # noqa: FBT001 - a word for a truth
    return "yes" if value else "no"
