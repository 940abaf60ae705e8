# SPDX-License-Identifier: Apache-2.0
"""From a commit to a version that everybody was told of."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import (
    DryRunOption,
    Format,
    FormatOption,
    YesOption,
    confirm,
    emit,
    emit_json,
    in_colour,
    now,
    width,
)
from policyctl.cli.setup import print_receipt
from policyctl.cli.site import site_options
from policyctl.errors import FINDINGS

if TYPE_CHECKING:
    from policyctl.actions.versions.publish import Published, PublishPlan
    from policyctl.reports.notices.plan_v1 import Plan
    from policyctl.reports.receipt_v1 import Receipt


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "publish", "policyctl publish example-fax --plan", "policyctl publish example-fax --yes")(
        publish
    )
    command(app, "sync", "policyctl sync", "policyctl sync --dry-run")(sync)
    command(app, "status", "policyctl status", "policyctl status example-fax --format json")(status)


SlugArgument = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="One policy; none named: all.")]


def publish(
    context: typer.Context,
    slug: Annotated[str, typer.Argument(metavar="SLUG", help="The policy.")],
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would be done, and do nothing.")] = False,
    yes: YesOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Publish the committed text as the next version: mark it in git, fill the outbox, post the pages.

    Interrupted anywhere, run it again.
    """
    from policyctl.actions.versions import publish as action
    from policyctl.wiring import open_stamper, site_folder
    from policyctl.wiring.posting import posting_places

    with repository() as opened:
        history, ledger, standards = opened.history(), opened.ledger(upgrade=not plan), opened.standards()
        if plan:
            _show_plan(
                action.plan_publication(slug, now=now(), history=history, ledger=ledger, standards=standards),
                output_format,
                colour=in_colour(context),
            )
            return
        confirm(f"Publish the committed text of {slug}? A version cannot be taken back.", yes=yes)
        done = action.publish(
            slug,
            now=now(),
            history=history,
            ledger=ledger,
            site=site_folder(opened.settings),
            base_url=opened.settings.base_url,
            standards=standards,
            options=site_options(opened.settings, history),
            sign=opened.settings.sign,
            trust=opened.trust(history),
            stamp=open_stamper(opened.settings),
            places=posting_places(opened.settings),
        )
    print_receipt(_published(done), output_format)


def _show_plan(made: PublishPlan, output_format: Format, *, colour: bool) -> None:
    from policyctl.reports.notices.plan_v1 import plan_json, plan_text

    plan = _plan(made)
    if output_format is Format.JSON:
        emit_json(plan_json(plan))
    else:
        emit(plan_text(plan, width=width(), colour=colour))
    raise typer.Exit(FINDINGS if plan.blocking else 0)


def _plan(made: PublishPlan) -> Plan:
    from policyctl.reports.notices.plan_v1 import Audience, Plan

    return Plan(
        version=made.version,
        title=made.title,
        change_class=made.change_class,
        published=made.published,
        effective=made.effective,
        commit=made.commit,
        findings=made.findings,
        blocking=len(made.blocking),
        asked=made.asked,
        audiences=tuple(
            Audience(
                planned.notice.kind.value,
                planned.audience.kind,
                count,
                planned.audience.categories,
                made.groups[planned.audience],
            )
            for planned, count in made.audience
        ),
        timing=made.timing,
        files=made.files,
    )


def _published(done: Published) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    written = (done.version.ref.removeprefix("refs/tags/"),)
    remarks = ("an interrupted publication is complete now",) if done.resumed else ()
    return Receipt("publish", written=written, remarks=remarks, next="policyctl notify --dry-run")


def sync(*, dry_run: DryRunOption = False, output_format: FormatOption = Format.TEXT) -> None:
    """Bring ledger, outbox and pages up to the version refs of the repository; safe to run again."""
    from policyctl.actions.custody.runs import noted
    from policyctl.actions.sync import sync as action
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.wiring import site_folder
    from policyctl.wiring.posting import posting_places

    with repository() as opened:
        history, ledger = opened.history(), opened.ledger(upgrade=not dry_run)
        with nullcontext(dict[str, int]()) if dry_run else noted("sync", ledger, now) as counts:
            done = action(
                history=history,
                trust=opened.trust(history),
                ledger=ledger,
                standards=opened.standards(),
                now=now(),
                dry_run=dry_run,
                site=site_folder(opened.settings),
                base_url=opened.settings.base_url,
                options=site_options(opened.settings, history),
                places=posting_places(opened.settings),
            )
            counts |= {"versions": len(done.recorded), "postings": done.postings}
        pages = (str(Path(opened.settings.site_folder)),) if done.site_changed else ()
    recorded = tuple(str(key) for key in done.recorded)
    postings = (("postings", done.postings),) if done.postings else ()
    print_receipt(
        Receipt("sync", dry_run, (("versions", len(recorded)), *postings), (*recorded, *pages)), output_format
    )


class StatusFormat(StrEnum):
    """For a person, for a machine, or for a spreadsheet."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


def status(
    slug: SlugArgument = None,
    *,
    output_format: Annotated[
        StatusFormat,
        typer.Option("--format", help="For a person, for a machine, or for a spreadsheet."),
    ] = StatusFormat.TEXT,
) -> None:
    """Show each version, how many were told of it, and what is still owed (then exit code 1)."""
    from policyctl.actions.custody.runs import known_runs
    from policyctl.actions.status import status as action
    from policyctl.reports.notices.status_v1 import owed, status_csv, status_json, status_text
    from policyctl.wiring.posting import posting_places

    with repository() as opened:
        ledger = opened.ledger(upgrade=False)
        found = action(
            slug,
            now=now(),
            history=opened.history(),
            ledger=ledger,
            places=posting_places(opened.settings),
        )
        runs = known_runs(ledger)
    if output_format is StatusFormat.JSON:
        emit_json(status_json(found, runs))
    else:
        emit(status_csv(found) if output_format is StatusFormat.CSV else status_text(found, runs))
    raise typer.Exit(FINDINGS if owed(found) else 0)
