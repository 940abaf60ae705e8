# SPDX-License-Identifier: Apache-2.0
"""Other places where policies are posted, and the notes of a release."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import Opened, repository
from policyctl.cli.people import group_of
from policyctl.cli.printing import (
    DryRunOption,
    Format,
    FormatOption,
    emit,
    emit_json,
    moment,
    now,
    version_named,
)
from policyctl.cli.setup import print_receipt
from policyctl.errors import FINDINGS, UsageError

if TYPE_CHECKING:
    from policyctl.core.postings import PostingPlace

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    group = group_of("Other places where policies are posted.", "policyctl places check")
    command(
        group,
        "record",
        "policyctl places record app-store example-fax@v3 --file posted.html",
        "policyctl places record release example-fax@v3 --file notes.md --url https://github.com/example/x/1",
    )(record)
    command(group, "retry", "policyctl places retry partner example-fax@v3")(retry)
    command(group, "check", "policyctl places check", "policyctl places check example-fax --format json")(
        check
    )
    app.add_typer(group, name="places")
    command(
        app,
        "release-notes",
        "policyctl release-notes example-fax@v3",
        "policyctl release-notes example-fax@v3 --output notes.md",
    )(notes)


PlaceArgument = Annotated[str, typer.Argument(metavar="NAME", help="Of [[places]].")]
VersionArgument = Annotated[str, typer.Argument(metavar="SLUG@vN", help="The version.")]


def _place(opened: Opened, name: str) -> PostingPlace:
    from policyctl.wiring.posting import posting_places

    places = posting_places(opened.settings)
    for place in places:
        if place.name == name:
            return place
    known = ", ".join(place.name for place in places) or "none"
    raise UsageError(f"there is no place {name!r}", hint=f"places of policyctl.toml: {known}")


def record(
    name: PlaceArgument,
    version: VersionArgument,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="What was posted, to the byte.")
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="In place of it, its SHA-256.")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="Where; else the target of the place.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="When; else now. ISO 8601.")] = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Record that a version was posted by hand at a place of kind `release` or `url`; for good."""
    from policyctl.actions.posting.record import record_by_hand
    from policyctl.reports.receipt_v1 import Receipt

    key, digest = version_named(version), _digest(file, sha256)
    with repository() as opened:
        place = _place(opened, name)
        added = record_by_hand(
            place,
            key,
            target=_address(url) if url else place.target_of(key),
            sha256=digest,
            at=moment(at, option="--at"),
            now=now(),
            ledger=opened.ledger(upgrade=not dry_run),
            dry_run=dry_run,
        )
    remarks = () if added else ("it is on record already",)
    print_receipt(Receipt("places record", dry_run, (("postings", int(added)),), (), remarks), output_format)


def _digest(file: Path | None, sha256: str | None) -> str:
    if (file is None) == (sha256 is None):
        raise UsageError("what was posted must be told", hint="add --file FILE, or --sha256 HEX; one of them")
    if file is not None:
        try:
            return hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}", hint="name a file") from error
    if not _SHA256.fullmatch((sha256 or "").lower()):
        raise UsageError("--sha256 is none", hint="write its 64 hex digits")
    return (sha256 or "").lower()


def _address(url: str) -> str:
    if not re.fullmatch(r"https?://[^\s\x00-\x1f]+", url):
        raise UsageError("--url is no address", hint="write https://...")
    return url


def retry(
    name: PlaceArgument,
    version: VersionArgument,
    *,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Have a webhook that was given up, or that answered 410, sent again by the next `policyctl notify`."""
    from policyctl.actions.posting.send import retry as action
    from policyctl.reports.receipt_v1 import Receipt

    with repository() as opened:
        count = action(
            name,
            version_named(version),
            ledger=opened.ledger(upgrade=not dry_run),
            now=now(),
            dry_run=dry_run,
        )
    print_receipt(
        Receipt("places retry", dry_run, (("postings", count),), next="policyctl notify"), output_format
    )


def check(
    slug: Annotated[str | None, typer.Argument(metavar="[SLUG]", help="One policy; none named: all.")] = None,
    *,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Hold what is at each place now against what was posted there; exit code 1 where it differs, is missing
    or cannot be looked at.
    """
    from policyctl.actions.posting.drift import check_places
    from policyctl.reports.posting.places_v1 import places_json, places_text
    from policyctl.wiring.posting import page_digest, posting_places

    with repository() as opened:
        found = check_places(
            posting_places(opened.settings),
            ledger=opened.ledger(upgrade=False),
            root=opened.settings.root,
            fetch=page_digest,
            slug=slug,
        )
    if output_format is Format.JSON:
        emit_json(places_json(found))
    else:
        emit(places_text(found))
    raise typer.Exit(0 if all(each.state == "same" for each in found) else FINDINGS)


def notes(
    version: VersionArgument,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there instead.")
    ] = None,
) -> None:
    """Print a published version as the body of a release, in Markdown: what changes for the reader and from
    when on, the clauses that changed, and what proves it.
    """
    from policyctl.actions.posting.release import notes_of
    from policyctl.actions.sync import shelf_of

    with repository() as opened:
        history = opened.history()
        text = notes_of(
            version_named(version),
            history=history,
            shelf=shelf_of(history, opened.standards()),
            base_url=opened.settings.base_url,
        )
    emit(text, output)
