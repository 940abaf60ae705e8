# SPDX-License-Identifier: Apache-2.0
"""``policyctl doctor``: is everything there that publishing and sending need, and does what was published,
recorded and posted still agree (``actions/drift``)? Reads only.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from policyctl.actions.custody.runs import last_runs
from policyctl.actions.custody.sending import ADOPT, anchors_outside, why_not
from policyctl.actions.drift.checks import ERROR, OK, WARNING, Check, looked
from policyctl.actions.drift.due import Pulse, due_checks, heartbeat_checks
from policyctl.actions.drift.posted import SiteLook, folder_checks, live_checks, wanted_pages
from policyctl.actions.drift.record import durability_checks, leftover_checks, record_checks
from policyctl.actions.drift.runs import run_checks
from policyctl.actions.status import status
from policyctl.actions.sync import shelf_of
from policyctl.adapters.ledger import Ledger
from policyctl.adapters.mail.interface import Mailer
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.write import read_identity
from policyctl.core.judge.standards import Standards
from policyctl.errors import PolicyctlError, UsageError
from policyctl.reports.words import counted

__all__ = ["Check", "Openers", "Question", "doctor"]

PACKAGES = ("policyctl", "gitpython", "sqlalchemy", "alembic", "markdown-it-py", "rapidfuzz", "sendgrid")
_OLDEST_GIT = (2, 36)
"""The first with ``core.fsync``."""


@dataclass(frozen=True, slots=True)
class Openers:
    """How to come by what is looked at. Each may raise a PolicyctlError, which is then what was seen.

    ``settings`` gives the path of the file that was read.
    """

    settings: Callable[[], str]
    history: Callable[[], History]
    ledger: Callable[[], Ledger]
    mailer: Callable[[], Mailer]
    standards: Callable[[], Standards]
    site: Callable[[History], SiteLook]
    pulse: Callable[[], Pulse] = Pulse


@dataclass(frozen=True, slots=True)
class Question:
    """When it is asked, aware UTC. ``live``: an address below which the pages are posted and are to be looked
    at, by what gives it; None: nothing is fetched.
    """

    now: datetime
    live: Callable[[], str] | None = field(default=None)


def doctor(openers: Openers, question: Question) -> tuple[Check, ...]:
    """Look at everything; one thing that is missing does not keep the rest from being looked at."""
    return (
        _versions(),
        *looked("policyctl.toml", lambda: [Check("policyctl.toml", OK, openers.settings())]),
        *looked("git repository", lambda: _git(openers)),
        *looked("ledger", lambda: _ledger(openers)),
        *looked("sending", lambda: _sending(openers)),
        *looked("mailer", lambda: _mailer(openers)),
        *_drift(openers, question),
    )


def _drift(openers: Openers, question: Question) -> list[Check]:
    """Where what was published, recorded and posted part. What cannot be opened was told of above."""
    asked: list[Check] = []
    with suppress(PolicyctlError), closing(openers.history()) as history:
        marked, standards = history.published(), openers.standards()
        if marked:
            asked += _posted(history, standards, openers, question)
        elif question.live:
            asked.append(_not_looked("no version is published yet"))
        with suppress(PolicyctlError), closing(openers.ledger()) as ledger:
            ledger.versions()
            asked += _recorded(history, ledger, standards, openers, question)
    return asked


def _recorded(
    history: History, ledger: Ledger, standards: Standards, openers: Openers, question: Question
) -> Iterator[Check]:
    yield from looked(
        "versions on record", lambda: [*record_checks(history.published(), ledger, question.now)]
    )
    yield from looked("durability", lambda: [*durability_checks(ledger)])
    yield from looked("left over", lambda: [*leftover_checks(ledger)])
    yield from _of_one_server("duties", lambda: _due(history, ledger, standards, question.now))
    yield from looked(
        "runs", lambda: [*run_checks(last_runs(ledger), openers.pulse().expected, question.now)]
    )
    yield from looked("heartbeat", lambda: [*heartbeat_checks(ledger, openers.pulse(), question.now)])


def _due(history: History, ledger: Ledger, standards: Standards, now: datetime) -> list[Check]:
    return [*due_checks(status(None, now=now, history=history, ledger=ledger), standards, now)]


def _of_one_server(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    """A ledger that is cut over several servers says how it is looked at: that is no trouble."""

    def one() -> list[Check]:
        try:
            return look()
        except UsageError as error:
            return [Check(name, WARNING, str(error), error.hint)]

    return looked(name, one)


def _posted(history: History, standards: Standards, openers: Openers, question: Question) -> Iterator[Check]:
    marked, shelf, today = history.published(), shelf_of(history, standards), question.now.date()
    pages: dict[str, bytes] = {}

    def folder() -> list[Check]:
        site = openers.site(history)
        pages.update(wanted_pages(marked, shelf, site, today))
        return [*folder_checks(pages, site.folder)]

    yield from looked("site", folder)
    if (live := question.live) is not None and not pages:
        yield _not_looked("the pages cannot be made from the version refs")
    elif live is not None:
        yield from looked("posted", lambda: [*live_checks(live(), pages, marked, shelf, today)])


def _not_looked(why: str) -> Check:
    return Check("posted", ERROR, f"nothing was looked at: {why}", "see to that first")


def _versions() -> Check:
    found = [f"Python {platform.python_version()}", *(f"{name} {_installed(name)}" for name in PACKAGES)]
    return Check("packages", OK, ", ".join(found))


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git(openers: Openers) -> list[Check]:
    with closing(openers.history()) as history:
        parts: tuple[tuple[str, Callable[[], list[Check]]], ...] = (
            ("git", lambda: [_git_version(history)]),
            ("git identity", lambda: [_identity(history)]),
            ("branch", lambda: [_branch(history)]),
            ("locks", lambda: list(_locks(history))),
            ("version refs", lambda: [_refs(history)]),
        )
        return [check for name, look in parts for check in looked(name, look)]


def _git_version(history: History) -> Check:
    seen = history.runner.call("version").text
    numbers = tuple(int(part) for part in seen.split()[2].split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_GIT:
        return Check("git", ERROR, f"{seen} cannot flush what it writes", "install git 2.36 or newer")
    return Check("git", OK, seen)


def _identity(history: History) -> Check:
    read_identity(history.runner)
    return Check("git identity", OK, "user.name and user.email are set")


def _branch(history: History) -> Check:
    history.head()
    reply = history.runner.ask("symbolic-ref", "--quiet", "HEAD")
    if reply.status:
        return Check(
            "branch", WARNING, "HEAD is detached", "go to a branch before publishing: git switch main"
        )
    return Check("branch", OK, reply.text.removeprefix("refs/heads/"))


def _locks(history: History) -> Iterator[Check]:
    """Git removes its locks; one that is still there stops every later write."""
    places = {history.runner.git_dir, history.runner.common_dir}
    found = {lock for place in places for lock in place.glob("*.lock")}
    found |= set((history.runner.common_dir / "refs").rglob("*.lock"))
    stale = sorted(str(lock.relative_to(history.root)) for lock in found if lock.name != "policyctl.lock")
    if not stale:
        yield Check("locks", OK, "none left over")
    for lock in stale:
        yield Check("locks", WARNING, f"{lock} is there", "when no git process is at work, remove it")


def _refs(history: History) -> Check:
    marked = history.published()
    slugs = {mark.key.slug for mark in marked}
    seen = f"{counted(len(marked), 'version')} of {counted(len(slugs), 'policy', 'policies')}"
    return Check("version refs", OK, f"{seen}, as publish made them")


def _ledger(openers: Openers) -> list[Check]:
    with closing(openers.ledger()) as ledger:
        held = len(ledger.versions())
    return [Check("ledger", OK, f"up to date, holds {held} versions")]


def _sending(openers: Openers) -> list[Check]:
    """Whether each server of the ledger is where it sends from, and not behind what was kept outside."""
    with closing(openers.history()) as history, closing(openers.ledger()) as ledger:
        reasons = [why_not(part, anchors_outside(part, history, part.server)) for part in ledger.parts]
    if why := next(filter(None, reasons), ""):
        return [Check("sending", WARNING, why, ADOPT)]
    return [Check("sending", OK, "notices are sent from this ledger")]


def _mailer(openers: Openers) -> list[Check]:
    with closing(openers.mailer()) as mailer:
        name = mailer.name
    if name == "folder":
        return [Check("mailer", OK, "folder: mails are written as files, nothing is sent")]
    return [Check("mailer", OK, name)]
