# SPDX-License-Identifier: Apache-2.0
"""Is what was published still there as it was, and can anybody tell?"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import Format, FormatOption, emit, emit_json
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.actions.evidence.verify import Verified
    from policyctl.core.proof.heads import LedgerHead
    from policyctl.reports.evidence.verify_v1 import Verification


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(
        app,
        "verify",
        "policyctl verify",
        "policyctl verify example-fax@v3 --allowed-signers ~/keys/allowed_signers",
        "policyctl verify --anchor 812:9f2c...",
        "policyctl verify --bundle evidence.zip",
    )(verify)


SignersOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Who may sign, for signatures by ssh; outside of the repository. Else "
        "POLICYCTL_ALLOWED_SIGNERS, else what your own git is set up with.",
    ),
]
AuthoritiesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Certificates (PEM) of authorities whose time stamps you believe. Else "
        "POLICYCTL_TIMESTAMP_AUTHORITIES.",
    ),
]
AnchorsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="HEAD", help="A ledger head that you kept, such as from a mail. May be repeated."),
]
BundleOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A bundle of evidence instead: no ledger and no repository are needed."
    ),
]


def verify(
    target: Annotated[
        str | None,
        typer.Argument(metavar="[SLUG[@vN]]", help="One policy, or one version of it. None named: all."),
    ] = None,
    *,
    allowed_signers: SignersOption = None,
    allow_unsigned: Annotated[
        bool, typer.Option("--allow-unsigned", help="Version refs that nobody signed will do.")
    ] = False,
    timestamp_authorities: AuthoritiesOption = None,
    anchor: AnchorsOption = None,
    ledger: Annotated[
        str | None,
        typer.Option(metavar="URL|FILE", help="Another ledger than that of the settings, such as a copy."),
    ] = None,
    bundle: BundleOption = None,
    no_ledger: Annotated[bool, typer.Option("--no-ledger", help="Look at git only.")] = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Verify version refs, their signatures and texts, and the ledger: entries, tags, and heads kept outside.

    Exit code 0: all that was looked at holds. 1: nothing is known to be wrong, and something is unproven,
    such as an unsigned version. 5: something was altered, is missing, reordered, rolled back, moved, or
    falsely signed.
    """
    if bundle is not None:
        if target is not None or ledger is not None or no_ledger:
            raise UsageError("a bundle is verified by itself", hint="leave the rest out")
        given = (bundle, allowed_signers, timestamp_authorities)
        _verify_bundle(*given, _heads(anchor or ()), allow_unsigned, output_format)
    if ledger is not None and no_ledger:
        raise UsageError("--ledger and --no-ledger exclude each other", hint="leave one of them out")
    from policyctl.actions.evidence import verify as action
    from policyctl.wiring import kept_heads, open_checker, open_records, open_stamp_checker

    slug, number = _target(target)
    with repository() as opened, ExitStack() as stack:
        history = opened.history()
        records = () if no_ledger else open_records(opened.settings, ledger)
        for record in records:
            stack.callback(record.close)
        done = action.verify(
            slug,
            number,
            history=history,
            checker=open_checker(history, allowed_signers),
            records=records,
            anchors=_heads(anchor or ()),
            kept=kept_heads(opened.settings, records),
            allow_unsigned=allow_unsigned,
            stamps=open_stamp_checker(timestamp_authorities),
        )
    _print(done, output_format)
    raise typer.Exit(done.exit_code)


def _verify_bundle(
    path: Path,
    signers: Path | None,
    authorities: Path | None,
    anchors: list[LedgerHead],
    allow_unsigned: bool,  # noqa: FBT001 - handed on as it is
    output_format: Format,
) -> NoReturn:
    from policyctl.actions.evidence.verify_bundle import verify_bundle
    from policyctl.core.proof.flaws import exit_code_of
    from policyctl.reports.evidence.bundle_v1 import bundle_json, bundle_text
    from policyctl.wiring import open_stamp_checker, open_tag_signatures

    found, signatures = verify_bundle(
        path,
        signers=open_tag_signatures(signers),
        stamps=open_stamp_checker(authorities),
        anchors=anchors,
        allow_unsigned=allow_unsigned,
    )
    if output_format is Format.JSON:
        emit_json(bundle_json(found, signatures))
    else:
        emit(bundle_text(found, signatures))
    raise typer.Exit(exit_code_of(tuple(found.flaws)))


def _target(text: str | None) -> tuple[str | None, int | None]:
    """The policy, and the number of the version where one is named."""
    if text is None:
        return None, None
    from policyctl.core.formats.slugs import check_slug

    slug, at, version = text.partition("@v")
    if at and not (version.isascii() and version.isdigit() and int(version) > 0):
        raise UsageError(f"{text!r} names no version", hint="write SLUG or SLUG@v3")
    return check_slug(slug), int(version) if at else None


def _heads(texts: list[str] | tuple[str, ...]) -> list[LedgerHead]:
    from policyctl.core.proof.heads import read_head

    found = []
    for text in texts:
        try:
            found.append(read_head(text))
        except ValueError as error:
            raise UsageError(
                f"--anchor: {text!r} is no ledger head", hint="write the number, a colon and 64 hex digits"
            ) from error
    return found


def _print(done: Verified, output_format: Format) -> None:
    from policyctl.reports.evidence.verify_v1 import verify_json, verify_text

    found = _verification(done)
    if output_format is Format.JSON:
        emit_json(verify_json(found))
    else:
        emit(verify_text(found))


def _verification(done: Verified) -> Verification:
    from policyctl.reports.evidence.verify_v1 import LedgerPart, Verification

    left = frozenset(done.flaws)  # without those that were allowed
    return Verification(
        refs=[(each.ref, not any(flaw.counts and flaw in left for flaw in each.flaws)) for each in done.refs],
        ledgers=[
            LedgerPart(each.head, each.counts.rows, each.counts.tags, each.counts.cuts)
            for each in done.ledgers
        ],
        anchors=done.anchors,
        flaws=done.flaws,
        first=done.first,
    )
