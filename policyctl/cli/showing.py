# SPDX-License-Identifier: Apache-2.0
"""Showing how it works, and whether it works here."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, now, width
from policyctl.cli.site import site_options
from policyctl.errors import FINDINGS, UsageError

if TYPE_CHECKING:
    from policyctl.actions.demo import DemoStage
    from policyctl.actions.drift.doctor import Openers
    from policyctl.actions.drift.posted import SiteLook
    from policyctl.adapters.repository.history import History
    from policyctl.settings import Settings


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(app, "demo", "policyctl demo", "policyctl demo ~/fax-story")(demo)
    command(
        app,
        "doctor",
        "policyctl doctor",
        "policyctl doctor --live",
        "policyctl doctor --url https://fax.example.com/privacy --format json",
    )(doctor)


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

    from policyctl import wiring
    from policyctl.actions.demo import DemoStage
    from policyctl.cli.site import site_options
    from policyctl.settings import load_settings
    from policyctl.wiring import mail as wiring_mail

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


def doctor(
    *,
    live: Annotated[
        bool, typer.Option("--live", help="Look also at the pages posted at [site] base_url.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="The same at another address, or a page of your own."),
    ] = None,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Look at everything the tool rests on here (git, settings, ledger, mailer), and where things part:
    version refs, ledger, pages, lead times, duties, what nobody works on. Exit code 1 on an error.
    """
    from policyctl.actions.drift.doctor import Question
    from policyctl.actions.drift.doctor import doctor as action
    from policyctl.reports.doctor_v1 import doctor_json, doctor_text

    asked = live or url is not None  # an empty address is no reason to look at nothing
    address = (lambda: _base_url() if url is None else url) if asked else None
    checks = action(_openers(), Question(now(), address))
    if output_format is Format.JSON:
        emit_json(doctor_json(checks))
    else:
        emit(doctor_text(checks))
    raise typer.Exit(FINDINGS if any(check.state == "error" for check in checks) else 0)


def _base_url() -> str:
    from policyctl.settings import load_settings

    if found := load_settings(Path.cwd()).base_url:
        return found
    raise UsageError(
        "nobody says where the pages are posted", hint="set [site] base_url, or say --url https://..."
    )


def _openers() -> Openers:
    from policyctl import wiring
    from policyctl.actions.drift.doctor import Openers
    from policyctl.actions.drift.due import Pulse
    from policyctl.settings import FILE, load_settings
    from policyctl.wiring import mail as wiring_mail

    here = Path.cwd()
    return Openers(
        settings=lambda: str(load_settings(here).root / FILE),
        history=lambda: wiring.open_history(load_settings(here)),
        ledger=lambda: wiring.open_ledger(load_settings(here)),
        mailer=lambda: wiring_mail.open_mailer(load_settings(here)),
        standards=lambda: wiring.standards(load_settings(here)),
        site=lambda history: _site(load_settings(here), history),
        pulse=lambda: Pulse(load_settings(here).heartbeat_hours, load_settings(here).expected_hours),
    )


def _site(settings: Settings, history: History) -> SiteLook:
    from policyctl import wiring
    from policyctl.actions.drift.posted import SiteLook

    taxonomy = wiring.standards(settings).catalogue.taxonomy
    return SiteLook(wiring.site_folder(settings), site_options(settings, history), taxonomy)
