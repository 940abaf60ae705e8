# SPDX-License-Identifier: Apache-2.0
"""Mails written once and filled for each, against each rendered by itself: how many in the time of one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policyctl.actions.mailing.mails import MailWriter
from policyctl.core.notices.notice import Addressee, Notice, NoticeKind, Occasion
from policyctl.reports.mails.mail import render
from tests.core.notice_samples import SENDER, notice_of
from tests.reports.test_mail_size import many

AT = Occasion(datetime(2027, 1, 2, tzinfo=UTC))


def person(number: int) -> Addressee:
    return Addressee(f"n{number}", f"a{number}@example.org", f"Person {number}", "en", f"account-{number}")


def main() -> None:
    compare("the sample", notice_of(NoticeKind.REVISION))
    compare("200 changed clauses", notice_of(NoticeKind.REVISION, clauses=many(200, 60, range(20))))


def compare(name: str, notice: Notice) -> None:
    writer = MailWriter(SENDER)
    writer.write(notice, person(0), AT)
    alone = _seconds(lambda n: render(notice, addressee=person(n), sender=SENDER, occasion=AT), 5)
    filled = _seconds(lambda n: writer.write(notice, person(n), AT), 2000)
    print(f"{name}: rendered {1 / alone:,.0f}/s, filled {1 / filled:,.0f}/s, ratio {alone / filled:,.0f}")


def _seconds(step: Callable[[int], object], times: int) -> float:
    started = time.perf_counter()
    for number in range(times):
        step(number)
    return (time.perf_counter() - started) / times


if __name__ == "__main__":
    main()
