# SPDX-License-Identifier: Apache-2.0
"""The Python API: tag data when it is collected, ask before it is used.

    from policyctl.api import open_ledger

    with open_ledger("/srv/policies") as ledger:
        ledger.tag("u-17", "user.contact.email", "crm-1")  # when it is collected
        decision = ledger.may_use("u-17", "user.contact.email", "marketing.communications.email")
        if decision.answer is UseAnswer.PERMITTED: ...
        ledger.end_tag("u-17", "user.contact.email", "crm-1")  # when it is deleted

``UseAnswer.UNDECIDED`` is to be treated as no. Where the answer only guards a piece of code, it is
shorter to have the code not run:

    @requires_use("user.contact.email", "marketing.communications.email", ledger=ledger)
    def send_newsletter(subject): ...

    with ledger.using("u-17", "user.contact.email", "essential.service"): ...
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from policyctl.core.use.decision import Decision, UseAnswer, UseRequest
from policyctl.errors import USE_REFUSED, PolicyctlError, UnreachableError, UsageError

if TYPE_CHECKING:
    from policyctl.adapters.ledger import Ledger
    from policyctl.core.custody import Erasure


_P = ParamSpec("_P")
_R = TypeVar("_R")


class NotPermittedError(PolicyctlError):
    """Data must not be used for that: the answer is refused or undecided. ``decision`` says why."""

    exit_code = USE_REFUSED

    def __init__(self, decision: Decision) -> None:
        why = "; ".join(reason.text for reason in decision.reasons)
        super().__init__(f"{decision.answer.value}: {why}", hint="; ".join(decision.missing))
        self.decision = decision


def open_ledger(root: str | Path = ".") -> OpenLedger:
    """The ledger of the policy repository at ``root`` (or above it), to be used many times.

    Raises a PolicyctlError where there is no repository or no key; a ledger that was not set up yet is
    told of at the first use.
    """
    from policyctl import wiring
    from policyctl.settings import load_settings

    opened = wiring.open_ledger(load_settings(Path(root)))
    for part in opened.parts:
        with suppress(UnreachableError):
            part.custody.reapply(_now())
    return OpenLedger(opened)


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
        from policyctl.actions.recording.tagging import Tagging, add_tag

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

    def end_tag(
        self,
        subject: str,
        category: str,
        record: str,
        *,
        ended_at: datetime | None = None,
        customer: str | None = None,
    ) -> bool:
        """Say that a piece of data was deleted: its tags, whatever policy they name, count no more from
        ``ended_at`` on (aware; None: now). Asked about it alone, the answer is undecided from then on.

        False when that was said before. InputError for data that is not tagged, and for a time in the
        future or before the data was collected.
        """
        from policyctl.actions.recording.ending import Deleted, end_tags

        at = None if ended_at is None else _aware(ended_at, "ended_at")
        one = Deleted(subject, category, record, at)
        return end_tags([one], now=_now(), ledger=self._ledger, customer=customer).added == 1

    def erase(self, subject: str, *, customer: str | None = None) -> Erasure:
        """Erase a person: the key of the pseudonym, addresses, names of records. It cannot be undone; every
        answer about the person is undecided from then on, and what is owed is not sent.

        ``Erasure.known`` False: nobody is known by this id, so nothing was done. ``waits``: run `policyctl
        ledger scrub` once nobody reads the ledger. UsageError where several customers have the id.
        """
        from policyctl.actions.custody.erase import erase

        done, scrub = erase(subject, now=_now(), ledger=self._ledger, customer=customer)
        return replace(done, waits=scrub.waits)

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
        from policyctl.actions.deciding.decide import decide_use

        moment = _now() if at is None else _aware(at, "at")
        request = UseRequest(subject, category, purpose, moment, recipient, policy, customer)
        return decide_use(request, ledger=self._ledger)

    @contextmanager
    def using(
        self,
        subject: str,
        category: str,
        purpose: str,
        *,
        recipient: str | None = None,
        policy: str | None = None,
        customer: str | None = None,
    ) -> Iterator[Decision]:
        """Run the body of a ``with`` only where :meth:`may_use` permits it, now; else NotPermittedError."""
        yield _permitted(
            self.may_use(subject, category, purpose, recipient=recipient, policy=policy, customer=customer)
        )


def _permitted(decision: Decision) -> Decision:
    if decision.answer is not UseAnswer.PERMITTED:
        raise NotPermittedError(decision)
    return decision


def requires_use(
    category: str,
    purpose: str,
    *,
    subject: str = "subject",
    ledger: OpenLedger | Callable[[], OpenLedger] | None = None,
    recipient: str | None = None,
    policy: str | None = None,
    customer: str | None = None,
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """A decorator: the function runs only where the data of its argument ``subject`` may be used, asked
    anew at every call; else NotPermittedError, and nothing of it runs.

    ``ledger``: one that is open, or what gives one at the call; None: the repository of the working
    folder, opened for each call. An ``async`` function asks in a thread. UsageError at once for a function
    without that argument.
    """

    def ask(who: str) -> None:
        found = ledger() if callable(ledger) else ledger
        asked = may_use if found is None else found.may_use
        _permitted(asked(who, category, purpose, recipient=recipient, policy=policy, customer=customer))

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        who = _reader(function, subject)
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def waiting(*args: _P.args, **kwargs: _P.kwargs) -> Any:
                await asyncio.to_thread(ask, who(args, kwargs))
                return await function(*args, **kwargs)

            return cast("Callable[_P, _R]", waiting)

        @wraps(function)
        def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            ask(who(args, kwargs))
            return function(*args, **kwargs)

        return guarded

    return decorate


def _reader(function: Callable[..., Any], name: str) -> Callable[[Any, Any], str]:
    """What finds the argument called ``name`` in a call of ``function``."""
    signature = inspect.signature(function)
    if name not in signature.parameters:
        raise UsageError(
            f"{function.__qualname__} has no argument {name!r}", hint="name the one that is the subject's id"
        )

    def who(args: Any, kwargs: Any) -> str:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        found = bound.arguments[name]
        if not isinstance(found, str):
            raise UsageError(f"{name!r} is no subject's id: it is no text", hint="pass your id of the person")
        return found

    return who


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
