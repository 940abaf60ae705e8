# SPDX-License-Identifier: Apache-2.0
"""The page of each rule, read from the package: what it sees, an example run as a test, how to fix it."""

from __future__ import annotations

from importlib.resources import files

_ENDING = ".md"


def rules_with_a_page() -> tuple[str, ...]:
    """The ids of the rules that have a page, sorted."""
    names = (item.name for item in (files("policyctl") / "rule_pages").iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)))


def load_rule_page(rule_id: str) -> str:
    """The Markdown of one page, from its first section on; the id must be one of a rule."""
    return (files("policyctl") / "rule_pages" / f"{rule_id}{_ENDING}").read_text("utf-8")
