# SPDX-License-Identifier: Apache-2.0
"""Judging what is about to be published: for a person, for a machine, for a pull request."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import emit, in_colour, now, width
from policyctl.errors import CannotCompareError, PolicyctlError, UsageError

if TYPE_CHECKING:
    from policyctl.reports.checking.checked import Checked, Report


class FailOn(StrEnum):
    """From which severity on a finding fails the check."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"


class CheckFormat(StrEnum):
    """The faces of a check."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    GITHUB = "github"
    GITLAB = "gitlab"
    JUNIT = "junit"


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(
        app,
        "check",
        "policyctl check",
        "policyctl check example-fax --against origin/main --fail-on warning",
        "policyctl check privacy.md --against HEAD~1",
        "policyctl check --format sarif --output policies.sarif",
    )(check)


def check(
    context: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SLUG|FILE ...]", help="Policies, or files of any repository. None named: all policies."
        ),
    ] = None,
    *,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REF", help="A revision or SLUG@v2 to compare with; for a file also REV:path or a file."
        ),
    ] = None,
    against_published: Annotated[
        bool,
        typer.Option("--against-published", help="The last published version, as without --against."),
    ] = False,
    fail_on: Annotated[FailOn, typer.Option(help="Fail (exit code 1) from this severity on.")] = FailOn.ERROR,
    output_format: Annotated[
        CheckFormat, typer.Option("--format", help="For a person, a script, or the service that runs it.")
    ] = CheckFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead.")
    ] = None,
) -> None:
    """Judge the policies of the work tree against their last version: what the change asks for.

    A file is judged too, in any repository with nothing set up: against the last commit, or what --against
    names. What could not be compared ends with exit code 3, never as "no change".
    """
    if against is not None and against_published:
        raise UsageError("--against and --against-published exclude each other", hint="leave one of them out")
    report = run_check(targets or (), against=against, fail_on=fail_on, published=against_published)
    if report.errors and output_format is CheckFormat.TEXT and output is None:
        raise report.errors[0]  # a person is told as by every other command
    emit(face(report, output_format, colour=in_colour(context) and output is None), output)
    raise typer.Exit(report.exit_code)


def run_check(
    targets: Sequence[str], *, against: str | None, fail_on: FailOn, published: bool = False
) -> Report:
    """Check what is named, and put what kept us from looking into the report: every face shows it."""
    from policyctl.actions.versions.check import exit_code
    from policyctl.core.judge.findings import Severity
    from policyctl.reports.checking.checked import Report

    files = [target for target in targets if _is_file(target)]
    slugs = [target for target in targets if target not in files]
    if files and published:
        raise UsageError(f"{files[0]} is a file and has no published version", hint="name REF with --against")
    checked: tuple[Checked, ...] = ()
    errors: tuple[PolicyctlError, ...] = ()
    try:
        checked = _checked(slugs, files, against)
    except UsageError:
        raise
    except CannotCompareError as error:
        errors = (error,)
    severity = None if fail_on is FailOn.NEVER else Severity(fail_on.value)
    code = max((error.exit_code for error in errors), default=exit_code(checked, fail_on=severity))
    return Report(checked, fail_on.value, code, errors)


def _is_file(target: str) -> bool:
    """A slug has neither dots nor slashes; a bare word is a file only where there is one of that name and
    no policy.
    """
    from policyctl.actions.places import is_file

    if "/" in target or "." in target:
        return True
    return is_file(Path(target)) and not Path("policies", target).is_dir()


def _checked(slugs: Sequence[str], files: Sequence[str], against: str | None) -> tuple[Checked, ...]:
    from policyctl.cli.opened import repository

    found: tuple[Checked, ...] = ()
    if slugs or not files:
        from policyctl.actions.versions.check import check as action

        _require_settings()
        with repository() as opened:
            history, standards = opened.history(), opened.standards()
            found = action(
                slugs,
                history=history,
                standards=standards,
                today=now().date(),
                against=against,
                base_standards=opened.base_standards(against) if against is not None else None,
            )
    return found + _checked_files(files, against) if files else found


def _require_settings() -> None:
    """Who has no policy repository may still have a policy."""
    from policyctl.settings import FILE, find_root

    if find_root(Path.cwd()) is None:
        raise CannotCompareError(
            f"there is no {FILE} here, up to the top of the git repository",
            hint="name a file (`policyctl check privacy.md --against HEAD~1`), or run `policyctl init`",
        )


def _checked_files(files: Sequence[str], against: str | None) -> tuple[Checked, ...]:
    from policyctl.actions.versions.check_files import check_files
    from policyctl.cli.comparing import standards_at
    from policyctl.wiring import history_at

    here = Path.cwd()
    history = history_at(here)
    with closing(history) if history else nullcontext():
        return check_files(
            files,
            here=here,
            history=history,
            standards=standards_at(here),
            today=now().date(),
            against=against,
        )


def face(report: Report, chosen: CheckFormat, *, colour: bool = False) -> str:
    """The report as text of one format, a newline at its end."""
    if chosen is CheckFormat.TEXT:
        from policyctl.reports.checking.text import check_text

        return check_text(report, width=width(), colour=colour)
    return _MACHINES[chosen](report)


def _json(report: Report) -> str:
    from policyctl.reports.checking.check_v1 import check_json
    from policyctl.reports.comparing.json_v1 import dumps

    return dumps(check_json(report))


def _markdown(report: Report) -> str:
    from policyctl.reports.checking.review_markdown import render_review
    from policyctl.reports.checking.review_v1 import review_of

    return render_review(review_of(report))


def _sarif(report: Report) -> str:
    from policyctl import __version__
    from policyctl.core.judge.rules import RULES
    from policyctl.reports.checking.sarif import check_sarif
    from policyctl.reports.comparing.json_v1 import dumps

    return dumps(check_sarif(report, rules=RULES, version=__version__))


def _github(report: Report) -> str:
    from secrets import token_hex

    from policyctl.reports.checking.github import check_github

    return check_github(report, token=token_hex(16))


def _gitlab(report: Report) -> str:
    from policyctl.reports.checking.gitlab import check_gitlab

    return check_gitlab(report)


def _junit(report: Report) -> str:
    from policyctl.reports.checking.junit import check_junit

    return check_junit(report)


_MACHINES = {
    CheckFormat.JSON: _json,
    CheckFormat.MARKDOWN: _markdown,
    CheckFormat.SARIF: _sarif,
    CheckFormat.GITHUB: _github,
    CheckFormat.GITLAB: _gitlab,
    CheckFormat.JUNIT: _junit,
}
