# SPDX-License-Identifier: Apache-2.0
"""The Python API: the same question as ``policyctl may-use``, asked from a program.

    from policyctl import may_use

    decision = may_use("u-17", "user.contact.email", "marketing.communications.email", root="/srv/policies")
    if decision.answer is UseAnswer.PERMITTED: ...

``UseAnswer.UNDECIDED`` is to be treated as no.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from policyctl.core.use.decision import Decision, UseRequest
from policyctl.errors import UsageError


def may_use(
    subject: str,
    category: str,
    purpose: str,
    *,
    recipient: str | None = None,
    at: datetime | None = None,
    policy: str | None = None,
    root: str | Path = ".",
) -> Decision:
    """May data of ``category`` about ``subject`` be used for ``purpose``?

    ``subject`` is your own id of the person; ``recipient`` who would get the data (None: nobody
    outside); ``at`` an aware time (None: now); ``policy`` needed only to ask one of several;
    ``root`` the policy repository or a folder in it. Raises a PolicyctlError where the question cannot
    be asked at all: no repository, no ledger, no key. What is not known is an answer: undecided.
    """
    from policyctl.actions.decide import decide_use
    from policyctl.settings import load_settings
    from policyctl.wiring import open_ledger

    # An entrance like the command line: here, too, a question without a time means now.
    moment = datetime.now(UTC) if at is None else at  # noqa: TID251
    if moment.tzinfo is None:
        raise UsageError("`at` has no time zone", hint="pass an aware datetime, such as datetime.now(UTC)")
    request = UseRequest(subject, category, purpose, moment.astimezone(UTC), recipient, policy)
    with closing(open_ledger(load_settings(Path(root)))) as ledger:
        return decide_use(request, ledger=ledger)
