# SPDX-License-Identifier: Apache-2.0
"""Writes the reference pages that follow from the code: commands, rules, settings, exit codes, HTTP.

``make docs`` runs it; ``tests/test_docs.py`` fails when a page differs from what it would write.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import typer.main

import policyctl.errors
import policyctl.settings
from policyctl.adapters.rule_pages import load_rule_page
from policyctl.cli.app import app
from policyctl.core.judge.rules import RULES
from policyctl.core.judge.rules.rule import Rule
from policyctl.reports.checking.rule_page import page_markdown
from policyctl.web import openapi

HERE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Written by docs/generate.py (`make docs`); edit the code, not this page. -->\n"


def commands(command: Any, path: str = "policyctl") -> Iterator[tuple[str, Any]]:
    """Every command below ``command`` with its full name, groups left out."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, child in inner.items():
        yield from commands(child, f"{path} {name}")


def _parameter(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    words = " ".join((getattr(parameter, "help", None) or "").split())
    return f"| {names} | {words} |"


def command_page() -> str:
    """One section a command: its help, and a table of what it takes."""
    parts = [NOTE, "# Commands\n"]
    for name, command in commands(typer.main.get_command(app)):
        text = re.sub(r"^\s*\x08\n?", "", command.help or "")
        examples, _, words = text.partition("\n\n")
        parts.append(f"## {name}\n\n{words.strip()}\n")
        lines = [line.strip() for line in examples.splitlines()[1:]]
        parts.append("```sh\n" + "\n".join(lines) + "\n```\n")
        rows = [_parameter(p) for p in command.params if p.name != "help"]
        if rows:
            parts.append("| takes | meaning |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def rule_page() -> str:
    """One row a rule, in the order of their numbers."""
    rows = [_rule(rule) for rule in sorted(RULES, key=lambda rule: rule.id)]
    head = (
        "# Rules\n\nWhat `policyctl check` looks for; `policyctl explain PC121` prints a rule's page.\n"
        "The class is the lowest that legal may choose, under all [regimes](../explanation/regimes.md);\n"
        "what is *forced* no waiver lowers. *Material* findings are what a reasonable user would want to\n"
        "know. None of this is legal advice.\n"
    )
    table = "| id | name | fires when | class | forced | material | severity | grounds |\n|" + " --- |" * 8
    return "\n".join([NOTE, head, table, *rows, ""])


def _rule(rule: Rule) -> str:
    cells = (
        f"[{rule.id}](rules/{rule.id}.md)",
        rule.name,
        rule.what,
        rule.floor.value if rule.floor else "as the practice",
        "yes" if rule.forced else "no",
        "yes" if rule.material else "no",
        rule.severity.value,
        rule.grounds,
    )
    return f"| {' | '.join(cells)} |"


def explanation(rule: Rule) -> str:
    """The page of one rule; its words stand in policyctl/rule_pages."""
    note = NOTE.replace("edit the code,", f"edit policyctl/rule_pages/{rule.id}.md,")
    return f"{note}\n{page_markdown(rule, load_rule_page(rule.id))}"


def _table_of(text: str | None) -> list[list[str]]:
    """The rows of a simple reStructuredText table in a docstring, continuation lines joined."""
    lines = (text or "").splitlines()
    edges = [n for n, line in enumerate(lines) if re.match(r"^\s*=+(\s+=+)+\s*$", line)]
    columns = [match.span() for match in re.finditer("=+", lines[edges[0]])]
    rows: list[list[str]] = []
    for line in lines[edges[0] + 1 : edges[-1]]:
        if re.match(r"^\s*=", line):
            continue
        cells = [line[a : b if k < len(columns) - 1 else None].strip() for k, (a, b) in enumerate(columns)]
        if cells[0]:
            rows.append(cells)
        else:
            rows[-1] = [" ".join(filter(None, pair)) for pair in zip(rows[-1], cells, strict=True)]
    return [[cell.replace("``", "`") for cell in row] for row in rows]


def exit_page() -> str:
    """The exit codes of errors.py."""
    rows = [f"| {code} | {words} |" for code, words in _table_of(policyctl.errors.__doc__)]
    head = "# Exit codes\n\nAn interface: never reused. What is not listed is reserved.\n"
    return "\n".join([NOTE, head, "| code | meaning |\n| --- | --- |", *rows, ""])


def settings_page() -> str:
    """The tables and keys of settings.py."""
    head, *rows = _table_of(policyctl.settings.__doc__)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    intro = (
        "# Settings\n\n`policyctl.toml` at the top of the policy repository. Unknown keys are refused.\n"
        "Secrets never stand in it: `POLICYCTL_PSEUDONYM_KEY` (or `.policyctl/pseudonym.key`),\n"
        "`SENDGRID_API_KEY`, `POLICYCTL_SMTP_PASSWORD` and `POLICYCTL_WEBHOOK_SECRET` come from the\n"
        "environment.\n"
    )
    return "\n".join([NOTE, intro, f"| {' | '.join(head)} |\n| --- | --- | --- |", *lines, ""])


PAGES = {
    "commands.md": command_page,
    "rules.md": rule_page,
    "exit-codes.md": exit_page,
    "settings.md": settings_page,
    "openapi.json": openapi.text,
    **{f"rules/{rule.id}.md": partial(explanation, rule) for rule in RULES},
}


def main() -> int:
    """Write every page."""
    for name, page in PAGES.items():
        (HERE / name).parent.mkdir(exist_ok=True)
        (HERE / name).write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
