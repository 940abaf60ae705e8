# SPDX-License-Identifier: Apache-2.0
"""The mails of a publication as files to look at: every kind in every language, sent to nobody.

1. A text that is committed and not published yet is shown as the version it would become; else the
   newest notices of the policy.
2. Each kind that is owed, and the reminder that would follow of a choice, in every language there is.
   The addressee is invented; the links to his own pages lead nowhere.
3. What would be withheld is shown all the same, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.mailing.notify import newest_notices
from policyctl.actions.versions.publish import NothingNewError, plan_publication
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.message import is_address, message_bytes
from policyctl.adapters.new_files import replace_file
from policyctl.adapters.pdf import Printer
from policyctl.adapters.repository.history import History
from policyctl.core.judge.standards import Standards
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion, Sender
from policyctl.core.notices.reminder import reminder_of
from policyctl.errors import CannotCompareError, PolicyctlError
from policyctl.reports.phrases import LANGUAGES
from policyctl.reports.words import one_line

_PAGE = "https://example.com/preview"
_NOBODY = "not-set-yet@example.com"


@dataclass(frozen=True, slots=True)
class Previewed:
    """Paths of the files, two a mail; remarks on what would not be sent as it is."""

    written: tuple[str, ...]
    remarks: tuple[str, ...]


def preview(
    now: datetime,
    folder: Path,
    *,
    ledger: Ledger,
    history: History,
    standards: Standards,
    sender: Sender,
    slug: str | None = None,
    printer: Printer | None = None,
    url: str = "",
) -> Previewed:
    """Write the mails of one policy or of all into ``folder``, over those of an earlier preview. ``url``:
    where the service gives pages to answer on, empty for none; the links of a preview open nothing there.

    Raises CannotCompareError where there is nothing to show.
    """
    slugs = (slug,) if slug else _slugs(history)
    remarks: list[str] = []
    notices = [
        notice for each in slugs for notice in _notices(each, now, ledger, history, standards, remarks)
    ]
    if not notices:
        raise CannotCompareError(
            "there is no notice to preview" + "".join(f"; {remark}" for remark in remarks),
            hint="the first version of a policy is announced to nobody: commit a change of it",
        )
    real = MailWriter(sender, printer)
    remarks += [reason for notice in notices if (reason := _unfit(notice, real))]
    if printer is None:
        remarks.append("administrators get no PDF: policyctl[pdf], or the Pango it needs, is not installed")
    writer = MailWriter(_complete(sender), printer)
    files = [path for notice in notices for path in _write(notice, now, folder, writer, url)]
    return Previewed(tuple(files), tuple(dict.fromkeys(remarks)))


def _slugs(history: History) -> tuple[str, ...]:
    return tuple(dict.fromkeys(mark.key.slug for mark in history.published()))


def _notices(
    slug: str,
    now: datetime,
    ledger: Ledger,
    history: History,
    standards: Standards,
    remarks: list[str],
) -> Iterator[Notice]:
    """1. The notices that publishing HEAD would bring, or those of the last version that owed any."""
    draft: tuple[Notice, ...] = ()
    try:
        plan = plan_publication(slug, now=now, history=history, ledger=ledger, standards=standards)
        draft = tuple(planned.notice for planned, _ in plan.audience)
        if plan.blocking:
            remarks.append(f"{plan.version} is not shown: findings are in its way; see policyctl check")
    except NothingNewError:
        pass
    except PolicyctlError as error:
        remarks.append(f"the text at HEAD is not shown: {error.message}")
    found = draft or tuple(newest_notices(ledger, slug))
    yield from found
    yield from filter(None, map(_reminder, found))


def _reminder(notice: Notice) -> Notice | None:
    if notice.kind is not NoticeKind.CHOICE:
        return None
    return reminder_of(notice, {offer.change for offer in notice.choices})


def _unfit(notice: Notice, writer: MailWriter) -> str:
    try:
        writer.require_fit(notice)
    except PolicyctlError as error:
        return f"{notice.version} {notice.kind.value} would be withheld: {error.message}"
    return ""


def _complete(sender: Sender) -> Sender:
    """A sender that a mail can be written from, where the settings do not name one yet."""
    return replace(
        sender,
        from_name=one_line(sender.from_name),
        from_address=sender.from_address if is_address(sender.from_address) else _NOBODY,
        reply_to=sender.reply_to if is_address(sender.reply_to) else _NOBODY,
    )


def _write(notice: Notice, now: datetime, folder: Path, writer: MailWriter, url: str) -> Iterator[str]:
    for language in LANGUAGES:
        name = f"{notice.version.slug}-v{notice.version.number}-{notice.kind}-{language}"
        mail = writer.write(notice, _somebody(notice, language, url), Occasion(now))
        for path, data in (
            (folder / f"{name}.eml", message_bytes(mail)),
            (folder / f"{name}.html", mail.html.encode()),
        ):
            replace_file(path, data)
            yield str(path)


def _somebody(notice: Notice, language: str, url: str) -> Addressee:
    stop = f"{_PAGE}/stop-reminders" if notice.kind is NoticeKind.REMINDER else ""
    page = f"{url}/answers/preview" if url else ""
    account = "example-account" if notice.kind is NoticeKind.REVISION else ""
    return Addressee("preview", "ada@example.com", "Ada Example", language, account, page, stop)
