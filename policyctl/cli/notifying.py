# SPDX-License-Identifier: Apache-2.0
"""``policyctl notify``: send what is owed, look at it first, watch it, or take it back."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import INTERRUPTED, command
from policyctl.cli.keeping import require_own
from policyctl.cli.opened import repository
from policyctl.cli.posting import complete, post, with_due, with_webhooks
from policyctl.cli.printing import (
    DryRunOption,
    Format,
    FormatOption,
    YesOption,
    confirm,
    emit,
    emit_json,
    now,
    version_named,
)
from policyctl.cli.setup import print_receipt
from policyctl.cli.watching import showing, stopping
from policyctl.core.notices.notice import NoticeKind
from policyctl.errors import FINDINGS, UsageError

if TYPE_CHECKING:
    from policyctl.actions.mailing.notify import Notified, Planned, Trial
    from policyctl.actions.mailing.recall import Recalled
    from policyctl.actions.recording.answers import Receipted
    from policyctl.adapters.ledger import Ledger
    from policyctl.cli.opened import Opened
    from policyctl.core.notices.underway import Underway
    from policyctl.core.policy import VersionKey
    from policyctl.reports.receipt_v1 import Receipt


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    command(
        app,
        "notify",
        "policyctl notify --plan",
        "policyctl notify --preview previews",
        "policyctl notify --test me@example.com",
        "policyctl notify example-fax --watch",
        "policyctl notify --cancel example-fax@v3",
    )(notify)


SlugArgument = Annotated[str | None, typer.Argument(metavar="[SLUG]", help="One policy; none named: all.")]
PlanOption = Annotated[
    bool, typer.Option("--plan", help="Say who would be written to and why, and do nothing.")
]
WatchOption = Annotated[
    bool,
    typer.Option("--watch", help="Show how far it has come; with --dry-run only look while others send."),
]
CancelOption = Annotated[
    str | None,
    typer.Option(
        "--cancel",
        metavar="SLUG@vN",
        help="Recall the notices of a version: call off what the mail service holds, send no more.",
    ),
]
AgainOption = Annotated[
    str | None, typer.Option("--again", metavar="SLUG@vN", help="Plan recalled notices again.")
]
KindOption = Annotated[
    NoticeKind | None, typer.Option("--kind", help="With --cancel or --again: only notices of this kind.")
]
TestOption = Annotated[
    str | None, typer.Option("--test", metavar="ADDRESS", help="Send the newest notices there only.")
]
PreviewOption = Annotated[
    Path | None,
    typer.Option(
        "--preview",
        metavar="DIR",
        help="Write every kind of mail in every language there, as .eml and .html, and send nothing; "
        "of a text that is committed and not yet published too.",
    ),
]


def notify(
    slug: SlugArgument = None,
    *,
    plan: PlanOption = False,
    watch: WatchOption = False,
    cancel: CancelOption = None,
    again: AgainOption = None,
    kind: KindOption = None,
    test: TestOption = None,
    preview: PreviewOption = None,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Send the notices that are owed, each once, and the webhooks that are due. By default mails go into a
    folder, not to anybody.
    """
    named = {"--cancel": cancel, "--again": again, "--test": test, "--preview": preview}
    ways = [name for name, value in named.items() if value is not None]
    ways += ["--plan"] * plan
    _require_one_way(ways, slug, kind, watch=watch, dry_run=dry_run)
    with repository() as opened:
        if preview is not None:
            print_receipt(_previewed(opened, slug, preview), output_format)
            return
        if cancel is not None:
            code = _cancel(opened, version_named(cancel), kind, output_format, yes=yes)
        elif again is not None:
            code = _plan_again(opened, version_named(again), kind, output_format, yes=yes)
        elif plan:
            code = _show_plan(opened, slug, output_format)
        elif test is not None:
            code = _tell_trials(_try(opened, slug, test), output_format)
        elif dry_run:
            code = _look(opened, slug, output_format, watch=watch)
        else:
            code = _send(opened, slug, output_format, watch=watch)
    raise typer.Exit(code)


def _require_one_way(
    ways: list[str], slug: str | None, kind: NoticeKind | None, *, watch: bool, dry_run: bool
) -> None:
    if len(ways) > 1:
        raise UsageError(f"{' and '.join(ways)} are ways of their own", hint="use one of them")
    if ways and dry_run:
        raise UsageError(f"{ways[0]} and --dry-run do not go together", hint="leave one of them out")
    if ways and watch:
        raise UsageError(f"{ways[0]} sends nothing that could be watched", hint="leave --watch out")
    of_version = bool({"--cancel", "--again"} & set(ways))
    if of_version and slug is not None:
        raise UsageError(f"{ways[0]} names the policy itself", hint=f"leave {slug} out")
    if kind is not None and not of_version:
        raise UsageError("--kind is of --cancel and --again", hint="name the version to recall")


def _send(opened: Opened, slug: str | None, output_format: Format, *, watch: bool) -> int:
    from policyctl.actions.custody.runs import noted

    ledger = opened.ledger()
    with noted("notify", ledger, now) as counts:
        receipt, code = _sending(opened, ledger, slug, watch=watch)
        counts.update(dict(receipt.counts))
    print_receipt(receipt, output_format)
    return code


def _sending(opened: Opened, ledger: Ledger, slug: str | None, *, watch: bool) -> tuple[Receipt, int]:
    from policyctl.actions.mailing import notify as action
    from policyctl.actions.mailing.watch import Watch
    from policyctl.actions.recording.answers import send_receipts
    from policyctl.core.notices.underway import Step
    from policyctl.wiring import open_links, open_printer, sender
    from policyctl.wiring.mail import open_mailer

    from_us, printer = sender(opened.settings), open_printer()
    require_own(opened, ledger)
    mailer, links = open_mailer(opened.settings), open_links(opened.settings)
    opened.stack.callback(mailer.close)
    stop = opened.stack.enter_context(stopping())
    with ExitStack() as bars:
        eyes = Watch(ledger, now, bars.enter_context(showing()), slug) if watch else None
        sent = action.notify(
            now(),
            ledger=ledger,
            mailer=mailer,
            sender=from_us,
            slug=slug,
            progress=eyes.tick if eyes else None,
            printer=printer,
            clock=now,
            links=links,
            stop=stop,
            remind_days=opened.settings.remind_days,
        )
        if eyes:
            eyes.until(
                lambda seen: bool(sent.stopped) or not seen.count(Step.IN_HAND), wait=time.sleep, stop=stop
            )
        posted = post(opened, slug, stop)
        told = send_receipts(now(), ledger=ledger, mailer=mailer, sender=from_us, links=links)
    fine = sent.complete and not told.failed and complete(posted)
    return with_webhooks(_sent(sent, told), posted), INTERRUPTED if stop() else 0 if fine else FINDINGS


def _look(opened: Opened, slug: str | None, output_format: Format, *, watch: bool) -> int:
    from policyctl.actions.mailing import notify as action
    from policyctl.actions.mailing.watch import Watch
    from policyctl.core.notices.underway import Step
    from policyctl.wiring import open_links, open_printer, sender

    if not watch:
        planned = action.plan_notify(
            ledger=opened.ledger(),
            sender=sender(opened.settings),
            slug=slug,
            printer=open_printer(),
            links=open_links(opened.settings),
            now=now(),
            remind_days=opened.settings.remind_days,
        )
        print_receipt(with_due(_would_send(planned), opened, slug), output_format)
        return 0
    ledger = opened.ledger(upgrade=False)
    with stopping() as stop, showing() as show:
        seen = Watch(ledger, now, show, slug).until(lambda seen: seen.done, wait=time.sleep, stop=stop)
    print_receipt(_watched(seen), output_format)
    if stop():
        return INTERRUPTED
    return FINDINGS if seen.count(Step.FAILED, Step.SET_ASIDE) else 0


def _show_plan(opened: Opened, slug: str | None, output_format: Format) -> int:
    from policyctl.actions.mailing.plan import plan_notices
    from policyctl.reports.notices.notices_v1 import notices_json, notices_text
    from policyctl.wiring import open_printer, sender

    plans = plan_notices(
        now(),
        ledger=opened.ledger(upgrade=False),
        standards=opened.standards(),
        sender=sender(opened.settings),
        slug=slug,
        printer=open_printer(),
    )
    if output_format is Format.JSON:
        emit_json(notices_json(plans))
    else:
        emit(notices_text(plans))
    return FINDINGS if any(plan.timing.late_days or plan.withheld for plan in plans) else 0


def _watched(seen: Underway) -> Receipt:
    from policyctl.core.notices.underway import Step
    from policyctl.reports.receipt_v1 import Receipt

    counts = tuple((step.value, seen.count(step)) for step in Step if seen.count(step))
    return Receipt("notify --watch", dry_run=True, counts=counts)


def _cancel(
    opened: Opened, version: VersionKey, kind: NoticeKind | None, output_format: Format, *, yes: bool
) -> int:
    from policyctl.actions.mailing.recall import recall
    from policyctl.wiring import sender
    from policyctl.wiring.mail import open_mailer

    what = f"the {kind.value} notice" if kind else "every notice"
    confirm(f"Recall {what} of {version}? Those who have not got it will not.", yes=yes)
    ledger = opened.ledger()
    require_own(opened, ledger)
    mailer = open_mailer(opened.settings)
    opened.stack.callback(mailer.close)
    done = recall(
        version,
        kind,
        now=now(),
        ledger=ledger,
        mailer=mailer,
        sender=sender(opened.settings),
        clock=now,
    )
    print_receipt(_recalled(done, version, kind), output_format)
    return 0 if done.complete else FINDINGS


def _recalled(done: Recalled, version: VersionKey, kind: NoticeKind | None) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    named = (("recalled", done.recalled), ("left before", done.left), ("not called off", done.open))
    counts = tuple((name, number) for name, number in named if number or name == "recalled")
    same = f"{version}{f' --kind {kind.value}' if kind else ''}"
    remarks = []
    if done.stopped:
        remarks.append(done.stopped)
    if done.left:
        remarks.append("what has left cannot be called back: publish a correction as the next version")
    if done.open and done.until is None:
        remarks.append("it is too late to call off the rest: it leaves, or is in doubt until reports come")
    if done.until:
        remarks.append(f"the rest can be called off until {done.until:%H:%M} UTC")
    following = f"policyctl notify --cancel {same}" if done.until else f"policyctl status {version.slug}"
    return Receipt("notify --cancel", counts=counts, remarks=tuple(remarks), next=following)


def _plan_again(
    opened: Opened, version: VersionKey, kind: NoticeKind | None, output_format: Format, *, yes: bool
) -> int:
    from policyctl.actions.mailing.recall import plan_again
    from policyctl.reports.receipt_v1 import Receipt

    what = f"the {kind.value} notice" if kind else "every notice"
    confirm(f"Plan {what} of {version} again, to be sent by the next `notify`?", yes=yes)
    count = plan_again(version, kind, now=now(), ledger=opened.ledger())
    print_receipt(
        Receipt("notify --again", counts=(("planned again", count),), next="policyctl notify --dry-run"),
        output_format,
    )
    return 0


def _try(opened: Opened, slug: str | None, address: str) -> tuple[Trial, ...]:
    from policyctl.actions.mailing.notify import send_test
    from policyctl.wiring import open_printer, sender
    from policyctl.wiring.mail import open_mailer

    mailer = open_mailer(opened.settings)
    opened.stack.callback(mailer.close)
    return send_test(
        now(),
        address,
        ledger=opened.ledger(),
        mailer=mailer,
        sender=sender(opened.settings),
        slug=slug,
        printer=open_printer(),
    )


def _previewed(opened: Opened, slug: str | None, folder: Path) -> Receipt:
    from policyctl.actions.mailing.preview import preview
    from policyctl.reports.receipt_v1 import Receipt
    from policyctl.wiring import open_printer, sender

    done = preview(
        now(),
        folder,
        ledger=opened.ledger(upgrade=False),
        history=opened.history(),
        standards=opened.standards(),
        sender=sender(opened.settings),
        slug=slug,
        printer=open_printer(),
        url=opened.settings.web.url,
    )
    counts = (("mails", len(done.written) // 2),)
    return Receipt("notify --preview", counts=counts, written=done.written, remarks=done.remarks)


def _tell_trials(trials: tuple[Trial, ...], output_format: Format) -> int:
    from policyctl.reports.receipt_v1 import Receipt

    rows = [(f"{t.version} {t.kind.value}", type(t.outcome).__name__.lower(), t.outcome) for t in trials]
    remarks = tuple(
        f"{name}: {word}{': ' + reason if (reason := getattr(outcome, 'reason', '')) else ''}"
        for name, word, outcome in rows
    )
    good = all(word == "accepted" for _, word, _ in rows)
    print_receipt(
        Receipt("notify --test", counts=(("test mails", len(rows)),), remarks=remarks), output_format
    )
    return 0 if good else FINDINGS


def _would_send(planned: Planned) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    counts = tuple((f"{owed.version} {owed.kind} {owed.state}", owed.count) for owed in planned.owed)
    due = tuple(
        (f"{one.version} reminders of {one.of} ({one.lead_days} days before)", one.count)
        for one in planned.reminders
    )
    return Receipt("notify", dry_run=True, counts=(*counts, *due), remarks=_held(planned))


def _held(planned: Planned | Notified) -> tuple[str, ...]:
    return tuple(f"{w.version} {w.kind.value} is withheld: {w.reason}" for w in planned.withheld)


def _sent(sent: Notified, told: Receipted) -> Receipt:
    from policyctl.reports.receipt_v1 import Receipt

    named = (
        ("accepted", sent.accepted),
        ("reminders planned", sent.reminders),
        ("postponed", sent.postponed),
        ("rejected", sent.rejected),
        ("in doubt", sent.in_doubt),
        ("receipts", told.accepted),
        ("receipts put off", told.failed),
    )
    counts = tuple((name, number) for name, number in named if number or name == "accepted")
    stopped = (f"stopped: {sent.stopped}",) if sent.stopped else ()
    return Receipt("notify", counts=counts, remarks=(*_held(sent), *stopped), next="policyctl status")
