# SPDX-License-Identifier: Apache-2.0
"""Showing how it works, and whether it works here."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, width
from policyctl.errors import FINDINGS

if TYPE_CHECKING:
    from policyctl.actions.demo import DemoStage
    from policyctl.actions.doctor import Openers


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "demo", "policyctl demo", "policyctl demo ~/fax-story")(demo)
    command(app, "doctor", "policyctl doctor", "policyctl doctor --format json")(doctor)


def demo(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder that is empty or not there yet.")
    ] = None,
) -> None:
    """Play the whole job once, for an invented online-fax service: from a first version of its policy to
    what its users' data may be used for. No mail leaves the machine.
    """
    from policyctl.actions.demo import play_demo, prepare_demo
    from policyctl.reports.story import story_text

    place = folder or _fresh_folder()
    with ExitStack() as stack:
        repository = prepare_demo(place)
        story = play_demo(_stage(repository, place, stack))
    emit(story_text(story, width=width()))


def _fresh_folder() -> Path:
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="policyctl-demo-"))


def _stage(repository: object, place: Path, stack: ExitStack) -> DemoStage:
    from dataclasses import replace

    from policyctl import wiring, wiring_mail
    from policyctl.actions.demo import DemoStage
    from policyctl.cli.site import site_options
    from policyctl.settings import load_settings

    settings = load_settings(place)
    history, ledger, mailer = (
        wiring.open_history(settings),
        wiring.open_ledger(settings),
        wiring_mail.open_mailer(settings),
    )
    for adapter in (history, ledger, mailer):
        stack.callback(adapter.close)
    ledger.upgrade()
    return DemoStage(
        repository=repository,  # type: ignore[arg-type]
        history=history,
        ledger=ledger,
        mailer=mailer,
        mails=settings.root / settings.mail.folder,
        site=wiring.site_folder(settings),
        base_url=settings.base_url,
        sender=wiring.sender(settings),
        standards=wiring.standards(settings),
        options=replace(site_options(settings), printer=None),  # a PDF takes a second
    )


def doctor(*, output_format: FormatOption = Format.TEXT) -> None:
    """Look at everything the tool rests on here: git, settings, ledger, mailer. Exit code 1 on an error."""
    from policyctl.actions.doctor import doctor as action
    from policyctl.reports.doctor_v1 import doctor_json, doctor_text

    checks = action(_openers())
    if output_format is Format.JSON:
        emit_json(doctor_json(checks))
    else:
        emit(doctor_text(checks))
    raise typer.Exit(FINDINGS if any(check.state == "error" for check in checks) else 0)


def _openers() -> Openers:
    from policyctl import wiring, wiring_mail
    from policyctl.actions.doctor import Openers
    from policyctl.settings import FILE, load_settings

    here = Path.cwd()
    return Openers(
        settings=lambda: str(load_settings(here).root / FILE),
        history=lambda: wiring.open_history(load_settings(here)),
        ledger=lambda: wiring.open_ledger(load_settings(here)),
        mailer=lambda: wiring_mail.open_mailer(load_settings(here)),
    )
