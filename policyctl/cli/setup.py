# SPDX-License-Identifier: Apache-2.0
"""Beginning: a repository for policies, and a new policy in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import DryRunOption, Format, FormatOption, emit, emit_json

if TYPE_CHECKING:
    from policyctl.actions.versions.new import NewPolicy
    from policyctl.reports.receipt_v1 import Receipt


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "init", "policyctl init", "policyctl -C policies-repository init --dry-run")(init)
    command(
        app,
        "new",
        "policyctl new example-fax",
        "policyctl new example-fax --from privacy.html",
        "policyctl new example-fax --from old-policy.txt --dry-run",
    )(new)


def init(
    *,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Make this folder one that keeps policies: settings, a folder for policies, a key for pseudonyms.

    Nothing that is there is overwritten.
    """
    from policyctl.actions.init import init as action
    from policyctl.reports.receipt_v1 import Receipt

    done = action(Path.cwd(), dry_run=dry_run)
    remarks = [f"{name} was there and stays as it is" for name in done.kept]
    if not done.is_git:
        remarks.append("this folder is no git repository yet: git init")
    print_receipt(
        Receipt("init", dry_run, (), done.written, tuple(remarks), "policyctl new SLUG"), output_format
    )


def new(
    slug: Annotated[
        str, typer.Argument(metavar="SLUG", help="Short name of the policy, as in web addresses.")
    ],
    *,
    source: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Markdown, HTML or plain text.")
    ] = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Write a new policy, from a text that is there already or to fill in."""
    from policyctl.actions.versions.new import new as action

    print_receipt(
        _new_receipt(action(slug, root=Path.cwd(), source=source, dry_run=dry_run), dry_run=dry_run),
        output_format,
    )


def _new_receipt(made: NewPolicy, *, dry_run: bool) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.reports.words import day

    found = [f"taken for {made.kind}"] if made.kind else []
    if made.effective is not None:
        found.append(f"effective date found in the text: {day(made.effective)}")
    counts = (("clauses", len(made.clauses)),)
    follow = f"look at policies/{made.slug}/policy.md, then: policyctl check {made.slug}"
    return Receipt("new", dry_run, counts, made.written, (*found, *made.remarks), follow)


def print_receipt(receipt: Receipt, output_format: Format) -> None:
    """A receipt for a person or for a machine."""
    from policyctl.reports.receipt_v1 import receipt_json, receipt_text

    if output_format is Format.JSON:
        emit_json(receipt_json(receipt))
    else:
        emit(receipt_text(receipt))
