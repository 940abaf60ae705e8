# SPDX-License-Identifier: Apache-2.0
"""``policyctl explain PC121``: a rule and its page."""

from __future__ import annotations

from policyctl.adapters.rule_pages import load_rule_page
from policyctl.core.judge.rules import RULES
from policyctl.core.judge.rules.rule import Rule
from policyctl.core.suggest import did_you_mean
from policyctl.errors import UsageError


def explain(name: str) -> tuple[Rule, str]:
    """The rule of that id or name, in any case, and the Markdown of its page. UsageError for any other."""
    wanted = name.strip().casefold()
    for rule in RULES:
        if wanted in {rule.id.casefold(), rule.name}:
            return rule, load_rule_page(rule.id)
    known = [word for rule in RULES for word in (rule.id, rule.name)]
    raise UsageError(
        f"there is no rule {name!r}", hint=did_you_mean(name, known, "policyctl rules lists all of them")
    )
