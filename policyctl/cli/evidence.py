# SPDX-License-Identifier: Apache-2.0
"""What a person, a customer or a publication was promised, told and asked, to be handed over."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import emit, emit_bytes, moment, say, version_named
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policyctl.actions.evidence.bundle import Sources, Wanted

_Subject = Annotated[str | None, typer.Option("--subject", help="A person, by the id that your system has.")]
_Customer = Annotated[
    str | None, typer.Option("--customer", help="A customer itself; with --subject, whose subject is meant.")
]
_From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="Leave out what was before.")]
_To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="TIME", help="The moment it tells of; what came later is left out. Else now."
    ),
]


def register(group: typer.Typer) -> None:
    """Add this file's commands to the group of exports."""
    command(
        group,
        "evidence",
        "policyctl export evidence --subject u-17 --output u-17.zip",
        "policyctl export evidence --publication example-fax@v3 --output v3.zip",
        "policyctl export evidence --customer acme --to 2027-01-15 --output acme.zip",
    )(evidence)
    command(
        group,
        "consents",
        "policyctl export consents --subject u-17 > u-17.json",
    )(consents)


def evidence(
    *,
    output: Annotated[Path, typer.Option("--output", metavar="FILE.zip", help="Where to put it.")],
    subject: _Subject = None,
    publication: Annotated[
        str | None, typer.Option("--publication", metavar="SLUG@vN", help="A published version.")
    ] = None,
    customer: _Customer = None,
    begin: _From = None,
    end: _To = None,
) -> None:
    """Write what was promised, told, answered and allowed into one zip that proves itself: texts, redlines,
    findings, legal's decision and signature, notices, reports of their delivery, answers, data, decisions,
    and the proofs of all of it. `policyctl verify` checks it without ledger, repository or network.

    The same ledger and the same --to give the same bytes.
    """
    from policyctl.actions.evidence.bundle import export_evidence

    wanted = _wanted(subject, publication, customer)
    at = moment(end, option="--to")
    since = moment(begin, option="--from") if begin else None
    with _sources() as sources:
        emit_bytes(export_evidence(wanted, since, at, sources=sources), output)
    say(f"written: {output}; check it with `policyctl verify --bundle {output}`")


def consents(
    *,
    subject: _Subject = None,
    customer: _Customer = None,
    begin: _From = None,
    end: _To = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to put them.")
    ] = None,
) -> None:
    """Write a consent record for each answer of a person, in the shape of ISO/IEC TS 27560, as JSON-LD with
    terms of the Data Privacy Vocabulary.
    """
    from policyctl.actions.evidence.bundle import Subject, export_consents
    from policyctl.reports.comparing.json_v1 import dumps
    from policyctl.reports.evidence.consents import consents_json

    wanted = _wanted(subject, None, customer)
    if not isinstance(wanted, Subject):
        raise UsageError("no subject is named", hint="name one with --subject")
    at = moment(end, option="--to")
    since = moment(begin, option="--from") if begin else None
    with _sources(printing=False) as sources:
        emit(dumps(consents_json(export_consents(wanted, since, at, sources=sources))), output)


def _wanted(subject: str | None, publication: str | None, customer: str | None) -> Wanted:
    from policyctl.actions.evidence.bundle import Customer, Subject

    if publication is not None and subject is None and customer is None:
        return version_named(publication)
    if publication is None and subject is not None:
        return Subject(subject, customer)
    if publication is None and customer is not None:
        return Customer(customer)
    raise UsageError(
        "evidence is of one subject, one customer or one publication",
        hint="name one: --subject ID, --customer ID, or --publication SLUG@v3",
    )


@contextmanager
def _sources(*, printing: bool = True) -> Iterator[Sources]:
    from policyctl import __version__
    from policyctl.actions.evidence.bundle import Sources
    from policyctl.wiring import catalogue, open_checker, open_printer, sender

    with repository() as opened:
        history = opened.history()
        yield Sources(
            ledger=opened.ledger(upgrade=False),
            history=history,
            checker=open_checker(history),
            sender=sender(opened.settings),
            taxonomy=catalogue(opened.settings).taxonomy,
            release=__version__,
            printer=open_printer() if printing else None,
        )
