# SPDX-License-Identifier: Apache-2.0
"""Who is there, what they were sent, what they said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.printing import (
    CsvArgument,
    DryRunOption,
    Format,
    FormatOption,
    moment,
    now,
    version_named,
)
from policyctl.cli.setup import print_receipt
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.core.records import ImportReceipt
    from policyctl.reports.receipt_v1 import Receipt

_LARGEST = 100_000_000
_MOST_TOLD = 20

AtOption = Annotated[str | None, typer.Option("--at", metavar="TIME", help="When, ISO 8601; default now.")]
SubjectOption = Annotated[str, typer.Option(metavar="ID", help="Your own id of the person.")]
PolicyOption = Annotated[
    str | None, typer.Option(metavar="SLUG", help="Needed only where several policies are kept.")
]
CustomerOption = Annotated[
    str | None,
    typer.Option(metavar="ID", help="The ids are this customer's own; nobody else's are looked at."),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for name, what, function in (
        ("customers", "Organisations and their administrators.", customers_import),
        ("subjects", "The people the data is about.", subjects_import),
        ("choices", "Answers of people and organisations.", choices_import),
        ("deliveries", "What became of the mails.", deliveries_import),
    ):
        group = group_of(what, f"policyctl {name} import {name}.csv")
        command(
            group, "import", f"policyctl {name} import {name}.csv", f"policyctl {name} import x.csv --dry-run"
        )(function)
        if name == "deliveries":
            command(
                group,
                "read",
                "policyctl deliveries read /var/mail/bounces",
                "policyctl deliveries read --suppressions",
            )(deliveries_read)
        app.add_typer(group, name=name)
    command(
        app,
        "accept",
        "policyctl accept example-fax@v3 --subject u-17",
        "policyctl accept example-fax@v4 --customer harbour-clinic",
        "policyctl accept example-fax@v4 --customer harbour-clinic --subject u-17",
    )(accept)
    command(
        app,
        "choose",
        "policyctl choose 'example-fax@v3#partner-offers' consent --subject u-17",
        "policyctl choose 'example-fax@v3#partner-offers' refuse --customer harbour-clinic",
        "policyctl choose 'example-fax@v3#partner-offers' consent --customer harbour-clinic --subject u-17",
    )(choose)


def group_of(what: str, example: str) -> typer.Typer:
    """A group of commands whose help, too, opens with an example."""
    words = f"\b\nExamples:\n  {example}\n\n{what}"
    return typer.Typer(help=words, short_help=what, no_args_is_help=True, rich_markup_mode=None)


def _imported(
    what: str, path: Path, action: Callable[..., ImportReceipt], output_format: Format, *, dry_run: bool
) -> None:
    """Read the file whole, hand it to the action, print the receipt."""
    from policyctl.reports.receipt_v1 import Receipt

    content = _content(path)
    with repository() as opened:
        done = action(content, file=str(path), now=now(), ledger=opened.ledger(), dry_run=dry_run)
    counts = (("added", done.added), ("there already", done.repeated))
    print_receipt(Receipt(f"{what} import", dry_run, counts), output_format)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a CSV file that is there") from error
    if len(content) > _LARGEST:
        raise UsageError(f"{path}: larger than {_LARGEST:,} bytes", hint="import it in parts")
    return content


def customers_import(
    file: CsvArgument, *, dry_run: DryRunOption = False, output_format: FormatOption = Format.TEXT
) -> None:
    """Import customers and administrators: customer, name, admin_email, admin_name, locale."""
    from policyctl.actions.recording.imports import import_customers

    _imported("customers", file, import_customers, output_format, dry_run=dry_run)


def subjects_import(
    file: CsvArgument,
    *,
    customer: CustomerOption = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Import subjects: subject, customer, email, locale, known_since."""
    from functools import partial

    from policyctl.actions.recording.imports import import_subjects

    action = partial(import_subjects, customer=customer)
    _imported("subjects", file, action, output_format, dry_run=dry_run)


def choices_import(
    file: CsvArgument,
    *,
    customer: CustomerOption = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Import answers: subject or customer, change, answer, at."""
    from functools import partial

    from policyctl.actions.recording.imports import import_choices

    action = partial(import_choices, customer=customer)
    _imported("choices", file, action, output_format, dry_run=dry_run)


def deliveries_import(
    file: CsvArgument, *, dry_run: DryRunOption = False, output_format: FormatOption = Format.TEXT
) -> None:
    """Import what became of mails: nid, event, at."""
    from policyctl.actions.recording.imports import import_deliveries

    _imported("deliveries", file, import_deliveries, output_format, dry_run=dry_run)


def deliveries_read(
    maildir: Annotated[
        str | None, typer.Argument(metavar="[MAILDIR]", help="Instead of [mail.smtp] maildir.")
    ] = None,
    *,
    suppressions: Annotated[
        bool, typer.Option("--suppressions", help="Ask SendGrid which addresses it has given up, instead.")
    ] = False,
    days: Annotated[
        int, typer.Option(min=1, max=365, help="How far back --suppressions looks; every night 14 will do.")
    ] = 14,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Read the reports of mail servers out of a Maildir: delivered, failed, delayed. Mails that were read
    move to cur/; those that are no reports are flagged there and told. With --suppressions SendGrid's lists
    of bounces, blocks, spam reports and invalid addresses tell of events that were lost.
    """
    from policyctl.actions.mailing.events import read_reports
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.wiring.mail import open_maildir

    if suppressions:
        if maildir is not None:
            raise UsageError("a Maildir has no suppressions", hint="leave out one of the two")
        _suppressions(days, output_format, dry_run=dry_run)
        return
    with repository() as opened:
        box = open_maildir(opened.settings, maildir or "")
        done = read_reports(box, ledger=opened.ledger(), now=now(), dry_run=dry_run)
    counts = (
        ("mails", done.mails),
        ("reports added", done.added),
        ("there already", done.repeated),
        ("flagged", len(done.aside)),
    )
    told = tuple(f"{name}: {why}" for name, why in done.aside[:_MOST_TOLD])
    more = len(done.aside) - len(told)
    remarks = (*told, f"{more} more") if more else told
    print_receipt(Receipt("deliveries read", dry_run, counts, remarks=remarks), output_format)


def _suppressions(days: int, output_format: Format, *, dry_run: bool) -> None:
    """Look the lists up, print the receipt."""
    from contextlib import closing

    from policyctl.actions.mailing.events import look_up_suppressions
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.wiring.mail import open_suppressions

    with repository() as opened, closing(open_suppressions(opened.settings)) as lists:
        done = look_up_suppressions(lists, days=days, ledger=opened.ledger(), now=now(), dry_run=dry_run)
    counts = (("entries looked at", done.entries), ("reports added", done.added))
    print_receipt(Receipt("deliveries read", dry_run, counts), output_format)


def one_receipt(what: str, noun: str, *, added: bool, dry_run: bool) -> Receipt:
    """What a command did that adds one row."""
    from policyctl.reports.receipt_v1 import Receipt

    remarks = () if added else ("it was there already; nothing is added",)
    return Receipt(what, dry_run, ((f"{noun} added", int(added)),), (), remarks)


def accept(
    version: Annotated[str, typer.Argument(metavar="SLUG@vN", help="The version.")],
    *,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="A person accepts the version.")] = None,
    customer: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The organisation acknowledges it; with --subject, whose person."),
    ] = None,
    at: AtOption = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Record that a subject accepts a version, or that a customer's administrator acknowledges it."""
    from policyctl.actions.recording import record

    key, when = version_named(version), moment(at, option="--at")
    if subject is None and customer is None:
        raise UsageError("nobody is named", hint="add --subject ID or --customer ID")
    with repository() as opened:
        ledger = opened.ledger()
        if subject is not None:
            added = record.accept(
                subject, key, at=when, now=now(), ledger=ledger, within=customer, dry_run=dry_run
            )
        else:
            added = record.acknowledge(str(customer), key, at=when, now=now(), ledger=ledger, dry_run=dry_run)
    noun = "acceptance" if subject is not None else "acknowledgement"
    print_receipt(one_receipt("accept", noun, added=added, dry_run=dry_run), output_format)


def choose(
    change: Annotated[str, typer.Argument(metavar="CHANGE", help="SLUG@v3#practice.")],
    answer: Annotated[str, typer.Argument(metavar="ANSWER", help="consent, refuse or withdraw.")],
    *,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="The person who answers.")] = None,
    customer: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The organisation, whose refusal binds all its people; with --subject, whose person.",
        ),
    ] = None,
    at: AtOption = None,
    dry_run: DryRunOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Record a subject's or a customer's answer about one change."""
    from policyctl.actions.recording.record import choose as action

    with repository() as opened:
        added = action(
            change,
            answer,
            at=moment(at, option="--at"),
            now=now(),
            ledger=opened.ledger(),
            subject=subject,
            customer=customer if subject is None else None,
            within=customer,
            dry_run=dry_run,
        )
    print_receipt(one_receipt("choose", "choice", added=added, dry_run=dry_run), output_format)
