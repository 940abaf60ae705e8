# SPDX-License-Identifier: Apache-2.0
"""The rules, in the order they run; a later rule sees what the earlier ones found."""

from __future__ import annotations

from policyctl.core.judge.rules import deceptive, document, practices, promises, record, structure
from policyctl.core.judge.rules.rule import Rule

RULES: tuple[Rule, ...] = (
    *practices.RULES,
    *promises.RULES,
    *document.RULES,
    *deceptive.RULES,
    *structure.RULES,
    *record.RULES,
)
