# SPDX-License-Identifier: Apache-2.0
"""Before mails are handed over, the ledger is told what they are made by: so that years later a mail can be
written again, and be held against the hash of the one that was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from policyctl.actions.mailing.run import Run
from policyctl.core.notices.notice import Addressee
from policyctl.core.notices.outbox import Chunk, SentForm


def forms_of(run: Run, chunk: Chunk, people: Sequence[tuple[int, Addressee]]) -> list[SentForm]:
    """The forms of the mails to ``people``, who are named with their places, in order."""
    forms = []
    for _, group in groupby(people, key=lambda each: _given(each[1])):
        alike = list(group)
        found, values = run.writer.kept(chunk.notice, alike[0][1], run.occasion)
        forms.append(SentForm(alike[0][0], alike[-1][0], found, values))
    return forms


def _given(addressee: Addressee) -> tuple[str, bool, bool, bool, bool, bool]:
    """What the mails of two addressees have in common, where it is the same."""
    page, _, query = addressee.page.partition("?")
    given = (addressee.name, addressee.account, page, query, addressee.stop_reminders)
    name, account, has_page, has_query, stop = map(bool, given)
    return addressee.locale, name, account, has_page, has_query, stop
