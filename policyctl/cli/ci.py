# SPDX-License-Identifier: Apache-2.0
"""What the workflows of GitHub Actions run. Everything comes in through the environment: an action's shell
body that is one command cannot be injected into.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.checking import CheckFormat, FailOn, face, run_check
from policyctl.cli.edge import command
from policyctl.cli.printing import emit, now, say
from policyctl.errors import PolicyctlError, UsageError

if TYPE_CHECKING:
    from policyctl.reports.checking.checked import Report
    from policyctl.reports.checking.review_v1 import AudienceRow

REPORT = Path("policyctl-review.json")
_HELP = "\b\nExamples:\n  policyctl ci check\n\nThe two halves of a pull request's check, for GitHub Actions."


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = typer.Typer(
        help=_HELP,
        short_help="The two halves of a pull request's check, for GitHub Actions.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "check", "policyctl ci check")(check)
    command(group, "comment", "policyctl ci comment --report policyctl-review.json")(comment)
    app.add_typer(group, name="ci")


def check(
    *,
    report: Annotated[Path, typer.Option(metavar="FILE", help="Where the report goes.")] = REPORT,
) -> None:
    """Check a pull request: annotations, the summary of the job, the report for the comment.

    Reads POLICYCTL_POLICIES (slugs or files, none: all), POLICYCTL_AGAINST and POLICYCTL_FAIL_ON; writes
    what GITHUB_STEP_SUMMARY and GITHUB_OUTPUT name. Needs no token and no secret.
    """
    from policyctl.actions.versions.review import outputs
    from policyctl.reports.checking.review_markdown import SUMMARY_LIMIT, render_review
    from policyctl.reports.checking.review_v1 import render_review_json, review_of

    targets = os.environ.get("POLICYCTL_POLICIES", "").split()
    if option := next((target for target in targets if target.startswith("-")), None):
        raise UsageError(f"POLICYCTL_POLICIES names {option!r}", hint="name policies or files, no options")
    found = run_check(targets, against=os.environ.get("POLICYCTL_AGAINST") or None, fail_on=_fail_on())
    review = review_of(found, _audience(found))
    emit(render_review_json(review), report)
    _append("GITHUB_STEP_SUMMARY", render_review(review, limit=SUMMARY_LIMIT))
    lines = {**outputs(review), "report-path": str(report)}
    _append("GITHUB_OUTPUT", "".join(f"{name}={value}\n" for name, value in lines.items()))
    emit(face(found, CheckFormat.GITHUB))
    raise typer.Exit(found.exit_code)


def _audience(report: Report) -> dict[str, tuple[AudienceRow, ...]]:
    """Who would be told of each changed policy, where a ledger and its key are at hand; else nobody is
    counted: a check needs neither.
    """
    from policyctl.reports.checking.checked import State

    slugs = [each.slug for each in report.policies if each.practice_file and each.state is State.CHANGED]
    if not slugs:
        return {}
    try:
        return _counted(slugs)
    except PolicyctlError:
        return {}


def _counted(slugs: Sequence[str]) -> dict[str, tuple[AudienceRow, ...]]:
    from policyctl.actions.versions.publish import plan_publication
    from policyctl.cli.opened import repository
    from policyctl.reports.checking.review_v1 import AudienceRow

    counts: dict[str, tuple[AudienceRow, ...]] = {}
    with repository() as opened:
        ledger, history, standards = opened.ledger(upgrade=False), opened.history(), opened.standards()
        for slug in slugs:
            plan = plan_publication(slug, now=now(), history=history, ledger=ledger, standards=standards)
            counts[slug] = tuple(
                AudienceRow(planned.notice.kind.value, planned.audience.kind, number)
                for planned, number in plan.audience
                if number
            )
    return counts


def comment(
    *,
    report: Annotated[Path, typer.Option(metavar="FILE", help="What `policyctl ci check` wrote.")] = REPORT,
    author: Annotated[
        str, typer.Option(metavar="LOGIN", help="Whose comments are ours: the token's own login.")
    ] = "github-actions[bot]",
) -> None:
    """Write the one comment under the pull request that was checked, anew in its place, or take it away.

    For a workflow on workflow_run: it reads the event at GITHUB_EVENT_PATH, GITHUB_REPOSITORY and
    GITHUB_TOKEN, trusts nothing in the report, and never looks at the code of the pull request.
    """
    from policyctl.actions.versions.review import comment as action
    from policyctl.wiring import open_github

    event = os.environ.get("GITHUB_EVENT_PATH", "")
    if not event:
        raise UsageError("there is no GITHUB_EVENT_PATH", hint="run it in a workflow `on: workflow_run`")
    with closing(open_github()) as github:
        say(action(report, Path(event), github=github, author=author))


def _fail_on() -> FailOn:
    word = os.environ.get("POLICYCTL_FAIL_ON") or FailOn.ERROR.value
    if word not in set(FailOn):
        raise UsageError(f"POLICYCTL_FAIL_ON is {word!r}", hint=f"set one of: {', '.join(FailOn)}")
    return FailOn(word)


def _append(variable: str, text: str) -> None:
    """Add to the file that GitHub names; outside of its runner there is none."""
    place = os.environ.get(variable)
    if not place:
        return
    try:
        with Path(place).open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"{variable} cannot be written: {error.strerror}", hint="look at it") from error
