# SPDX-License-Identifier: Apache-2.0
"""The Python API: tag data when it is collected, ask before it is used.

    from policyctl.api import open_ledger

    with open_ledger("/srv/policies") as ledger:
        ledger.tag("u-17", "user.contact.email", "crm-1")
        decision = ledger.may_use("u-17", "user.contact.email", "marketing.communications.email")
        if decision.answer is UseAnswer.PERMITTED: ...

``UseAnswer.UNDECIDED`` is to be treated as no.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from policyctl.core.use.decision import Decision, UseRequest
from policyctl.errors import UsageError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger


def open_ledger(root: str | Path = ".") -> OpenLedger:
    """The ledger of the policy repository at ``root`` (or above it), to be used many times.

    Raises a PolicyctlError where there is no repository or no key; a ledger that was not set up yet is
    told of at the first use.
    """
    from policyctl import wiring
    from policyctl.settings import load_settings

    return OpenLedger(wiring.open_ledger(load_settings(Path(root))))


class OpenLedger:
    """A ledger that stays open; close it, or use it in a ``with``. Its methods may be called from
    several threads.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection."""
        self._ledger.close()

    def tag(
        self,
        subject: str,
        category: str,
        record: str,
        *,
        collected_at: datetime | None = None,
        policy: str | None = None,
        customer: str | None = None,
        version: str | None = None,
        provenance: str = "",
    ) -> bool:
        """Tag one piece of data with the version in force for its subject when it was collected.

        ``record`` is your own key of the data; ``collected_at`` an aware time (None: now); ``version``
        (``fax@v2``) is needed only for old data whose version the ledger cannot know, and then
        ``provenance`` says how it is known. False when it is tagged so already. InputError for an
        unknown subject, category or version, and for a time in the future.
        """
        from policyctl.actions.tagging import Tagging, add_tag

        now = _now()
        return add_tag(
            subject,
            category,
            record,
            now if collected_at is None else _aware(collected_at, "collected_at"),
            now=now,
            ledger=self._ledger,
            how=Tagging(policy, customer, provenance),
            version=version,
        )

    def may_use(
        self,
        subject: str,
        category: str,
        purpose: str,
        *,
        recipient: str | None = None,
        at: datetime | None = None,
        policy: str | None = None,
        customer: str | None = None,
    ) -> Decision:
        """May data of ``category`` about ``subject`` be used for ``purpose``? As :func:`may_use`."""
        from policyctl.actions.decide import decide_use

        moment = _now() if at is None else _aware(at, "at")
        request = UseRequest(subject, category, purpose, moment, recipient, policy, customer)
        return decide_use(request, ledger=self._ledger)


def _now() -> datetime:
    # An entrance like the command line: here, too, what has no time means now.
    return datetime.now(UTC)  # noqa: TID251


def _aware(at: datetime, name: str) -> datetime:
    if at.tzinfo is None:
        raise UsageError(
            f"`{name}` has no time zone", hint="pass an aware datetime, such as datetime.now(UTC)"
        )
    return at.astimezone(UTC)


def may_use(
    subject: str,
    category: str,
    purpose: str,
    *,
    recipient: str | None = None,
    at: datetime | None = None,
    policy: str | None = None,
    customer: str | None = None,
    root: str | Path = ".",
) -> Decision:
    """May data of ``category`` about ``subject`` be used for ``purpose``?

    ``subject`` is your own id of the person; ``recipient`` who would get the data (None: nobody
    outside); ``at`` an aware time (None: now); ``policy`` needed only to ask one of several,
    ``customer`` only where two customers have a subject of one id; ``root`` the policy repository or a
    folder in it. Raises a PolicyctlError where the question cannot be asked at all: no repository, no
    ledger, no key. What is not known is an answer: undecided.
    """
    with closing(open_ledger(root)) as ledger:
        return ledger.may_use(
            subject, category, purpose, recipient=recipient, at=at, policy=policy, customer=customer
        )
