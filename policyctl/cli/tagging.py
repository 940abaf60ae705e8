# SPDX-License-Identifier: Apache-2.0
"""Labels on pieces of data, one or a file of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import CustomerOption, PolicyOption, SubjectOption, group_of, one_receipt
from policyctl.cli.printing import DryRunOption, Format, FormatOption, is_terminal, moment, now
from policyctl.cli.setup import print_receipt
from policyctl.errors import UsageError

ProvenanceOption = Annotated[
    str, typer.Option(help="Where old data is known from; stands in every decision that rests on it.")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    tags = group_of("Labels on pieces of data.", "policyctl tags import tags.csv")
    command(
        tags,
        "import",
        "policyctl tags import tags.csv --dry-run",
        "policyctl tags import tags.parquet --resume",
        "policyctl tags import 2019.jsonl --provenance 'paper forms of 2019'",
    )(tags_import)
    command(
        tags,
        "add",
        "policyctl tags add --subject u-17 --category user.contact.email --record crm-1",
        "policyctl tags add --subject u-17 --category user.name --record crm-2 --collected-at 2026-03-01",
    )(tags_add)
    command(
        tags,
        "end",
        "policyctl tags end --subject u-17 --category user.contact.email --record crm-1",
        "policyctl tags end deleted.csv --dry-run",
    )(tags_end)
    app.add_typer(tags, name="tags")


def tags_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON Lines (.jsonl) or Parquet.")],
    *,
    policy: PolicyOption = None,
    customer: CustomerOption = None,
    provenance: ProvenanceOption = "",
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Enter a very large file in parts; run again, go on where it ended."),
    ] = False,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Import tags: subject, category, record, collected_at, and optionally version, provenance. The file
    enters whole or not at all; what is there already adds nothing.
    """
    from policyctl.actions.recording.tagging import Tagging, tag_file
    from policyctl.reports.receipt_v1 import Receipt

    how = Tagging(policy, customer, provenance)
    with repository() as opened, _progress(file) as heard:
        done = tag_file(
            file, now=now(), ledger=opened.ledger(), how=how, resume=resume, dry_run=dry_run, progress=heard
        )
    counts = (("added", done.added), ("there already", done.repeated))
    print_receipt(Receipt("tags import", dry_run, counts), output_format)


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, to standard error; nothing in a pipe."""
    if not is_terminal() or not file.is_file():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=file.stat().st_size)
        yield lambda done: bar.update(task, completed=done)


def tags_add(
    *,
    subject: SubjectOption,
    category: Annotated[str, typer.Option(metavar="ID", help="Data category of the taxonomy.")],
    record: Annotated[str, typer.Option(metavar="KEY", help="Your own key of the piece of data.")],
    collected_at: Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601; default now.")] = None,
    policy: PolicyOption = None,
    customer: CustomerOption = None,
    version: Annotated[str | None, typer.Option(metavar="SLUG@vN", help="Default: the one in force.")] = None,
    provenance: Annotated[str, typer.Option(help="Where a differing version is known from.")] = "",
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Tag one piece of data with the version in force for its subject at collection."""
    from policyctl.actions.recording.tagging import Tagging, add_tag

    at = moment(collected_at, option="--collected-at")
    with repository() as opened:
        added = add_tag(
            subject,
            category,
            record,
            at,
            now=now(),
            ledger=opened.ledger(),
            how=Tagging(policy, customer, provenance),
            version=version,
            dry_run=dry_run,
        )
    print_receipt(one_receipt("tags add", "tag", added=added, dry_run=dry_run), output_format)


def tags_end(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="CSV, JSON Lines (.jsonl) or Parquet.")
    ] = None,
    *,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Your own id of the person.")] = None,
    category: Annotated[
        str | None, typer.Option(metavar="ID", help="Data category that it was tagged with.")
    ] = None,
    record: Annotated[str | None, typer.Option(metavar="KEY", help="Your own key of the data.")] = None,
    ended_at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it was deleted, ISO 8601; default now.")
    ] = None,
    customer: CustomerOption = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Say that data was deleted: its tags count no more from then on, and go a period later
    (`policyctl prune`). FILE has subject, category, record, and optionally ended_at.
    """
    from policyctl.actions.recording.ending import Deleted, end_file, end_tags
    from policyctl.reports.receipt_v1 import Receipt

    named = (subject, category, record)
    if (file is None) != all(named) or (file and (any(named) or ended_at)):
        raise UsageError(
            "name either a file, or one piece of data",
            hint="one piece of data is --subject, --category and --record",
        )
    at = moment(ended_at, option="--ended-at") if ended_at else None
    with repository() as opened:
        ledger, asked = opened.ledger(), now()
        if file is not None:
            done = end_file(file, now=asked, ledger=ledger, customer=customer, dry_run=dry_run)
        else:
            one = Deleted(subject or "", category or "", record or "", at)
            done = end_tags([one], now=asked, ledger=ledger, customer=customer, dry_run=dry_run)
    counts = (("ended", done.added), ("ended before", done.repeated))
    print_receipt(Receipt("tags end", dry_run, counts), output_format)
