# SPDX-License-Identifier: Apache-2.0
"""The posted pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import DryRunOption, Format, FormatOption, now
from policyctl.cli.setup import print_receipt
from policyctl.errors import PolicyctlError

if TYPE_CHECKING:
    from policyctl.actions.site.build import Built, SiteOptions
    from policyctl.adapters.repository.history import History
    from policyctl.core.formats.version_note import MarkedVersion
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.reports.site.look import Theme
    from policyctl.settings import Settings


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = group_of("The posted pages.", "policyctl site build")
    command(
        group,
        "build",
        "policyctl site build",
        "policyctl site build --out public",
        "policyctl site build --anew",
    )(build)
    app.add_typer(group, name="site")


def site_options(settings: Settings, history: History | None = None) -> SiteOptions:
    """How ``[site]`` wants the pages. With ``history`` they say who signed the version refs."""
    from policyctl.actions.site.build import SiteOptions
    from policyctl.reports.site.look import Look
    from policyctl.reports.site.wording import wording
    from policyctl.wiring import late_printer

    site = settings.site
    look = Look(
        name=site.name or settings.mail.from_name or wording(site.language).text("index.name"),
        base_url=settings.base_url,
        language=site.language,
        served=site.served,
        authority=site.authority,
    )
    return SiteOptions(
        look=look,
        theme=(lambda slugs: _theme(settings, slugs)) if site.theme else None,
        printer=late_printer() if site.pdf else None,
        signed_by=_signers(history) if history else None,
    )


def _signers(history: History) -> Callable[[MarkedVersion], str | None]:
    """Asks for signatures by the list of allowed signers that `policyctl verify` goes by, too."""
    from functools import cache

    from policyctl.core.proof.refs import Signed
    from policyctl.wiring import open_checker

    opened = cache(lambda: open_checker(history, None))

    def signed_by(mark: MarkedVersion) -> str | None:
        try:
            found = opened().check(mark.tag)
        except PolicyctlError:  # no list, or no program that checks: then nothing is confirmed
            return ""
        if found.state is Signed.NONE:
            return None
        return found.signer if found.state is Signed.GOOD else ""

    return signed_by


def _theme(settings: Settings, slugs: frozenset[str]) -> Theme:
    from policyctl.reports.site.look import Theme
    from policyctl.wiring import theme_files

    found = theme_files(settings, slugs)
    return Theme(settings.site.theme, found.templates, found.files) if found else Theme()


def build(
    *,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Instead of [site] folder.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Make every page anew, also those that are there.")
    ] = False,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Build the pages of all published versions, all or nothing. What was built before stays as it is.

    `policyctl publish` and `policyctl sync` do it too. Run it once a day: on the day a version takes effect
    it becomes the current page.
    """
    from policyctl.actions.site.build import build_site, trusted
    from policyctl.actions.sync import shelf_of
    from policyctl.wiring import site_folder

    with repository() as opened:
        settings, standards, history = opened.settings, opened.standards(), opened.history()
        folder = (out or site_folder(settings)).absolute()
        done = build_site(
            history.published(),
            load=trusted(shelf_of(history, standards), opened.trust(history)),
            site=folder,
            today=now().date(),
            taxonomy=standards.catalogue.taxonomy,
            options=site_options(settings, history),
            anew=anew,
            dry_run=dry_run,
        )
        pdf = settings.site.pdf
    print_receipt(_receipt(done, str(out or settings.site_folder), dry_run=dry_run, pdf=pdf), output_format)


def _receipt(done: Built, folder: str, *, dry_run: bool, pdf: bool) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    counts = (("files", done.pages), ("made anew", done.made))
    remarks = [] if done.changed else ["the pages are as they were"]
    if pdf and done.without_pdf:
        mend = "install policyctl[pdf], or set [site] pdf = false"
        remarks.append(f"versions without a PDF: {done.without_pdf}; {mend}")
    written = (folder,) if done.changed else ()
    return Receipt("site build", dry_run, counts, written, tuple(remarks))
