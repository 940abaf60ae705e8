# SPDX-License-Identifier: Apache-2.0
"""``policyctl.rules/1``: the rules a revision is judged by."""

from __future__ import annotations

from collections.abc import Sequence

from policyctl.core.judge.rules.rule import Rule
from policyctl.reports.comparing.json_v1 import Json

SCHEMA = "policyctl.rules/1"


def rules_json(rules: Sequence[Rule]) -> Json:
    """The rules as plain dicts and lists, in the order in which they run."""
    return {"schema": SCHEMA, "rules": [rule_json(rule) for rule in rules]}


def rules_text(rules: Sequence[Rule]) -> str:
    """The rules for a person: id, severity and name, then what it sees and why it matters."""
    return "\n".join(_shown(rule) for rule in rules)


def rule_json(rule: Rule) -> Json:
    """One rule; ``floor`` is null where it is that of the practice beside the finding."""
    return {
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity.value,
        "what": rule.what,
        "why": rule.why,
        "grounds": rule.grounds,
        "mend": rule.mend,
        "floor": rule.floor.value if rule.floor else None,
        "forced": rule.forced,
        "material": rule.material,
    }


def _shown(rule: Rule) -> str:
    floor = f", class {rule.floor.value} at least" if rule.floor else ""
    forced = ", cannot be waived" if rule.forced else ""
    return f"{rule.id} {rule.name} ({rule.severity.value}{floor}{forced})\n  {rule.what}\n  {rule.grounds}\n"
