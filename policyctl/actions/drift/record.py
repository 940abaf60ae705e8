# SPDX-License-Identifier: Apache-2.0
"""The ledger against the version refs, and whether its database keeps what it is given.

1. Every version ref is on record with the same commit and text, and every version on record has its ref.
2. The ledger has come at least as far as the version refs say it had: one that was put back from an
   older copy has not. `verify` looks at each entry; this is quick.
3. A version that is dated before the one before it, or ahead of the clock here, was published by a wrong one.
4. PostgreSQL says itself whether a commit is on its disk. SQLite is asked whenever it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from policyctl.actions.drift.checks import ERROR, OK, WARNING, Check, few
from policyctl.adapters.ledger import Ledger
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.policy import VersionKey
from policyctl.core.proof.heads import LedgerHead, read_heads
from policyctl.core.records import VersionRecord

_SKEW = timedelta(minutes=10)


def record_checks(marked: Sequence[MarkedVersion], ledger: Ledger, now: datetime) -> Iterator[Check]:
    """The ledger against the version refs."""
    refs, known = {mark.key: mark for mark in marked}, {row.key: row for row in ledger.versions()}
    troubles = [*_absent(refs, known), *_other(refs, known)]
    yield from troubles or [Check("versions on record", OK, f"{len(known)}, as the version refs have them")]
    yield from _clock(marked, now)
    yield _head(marked, ledger)


def _absent(refs: dict[VersionKey, MarkedVersion], known: dict[VersionKey, VersionRecord]) -> Iterator[Check]:
    name = "versions on record"
    if missing := [str(key) for key in sorted(refs.keys() - known.keys())]:
        seen = f"the ledger lacks {few(missing)}, so nobody is told"
        yield Check(name, ERROR, seen, "run `policyctl sync`")
    if strays := [str(key) for key in sorted(known.keys() - refs.keys())]:
        seen = f"{few(strays)} of the ledger has no version ref here"
        yield Check(name, ERROR, seen, "fetch it from where it was published with `git fetch --tags`")


def _other(refs: dict[VersionKey, MarkedVersion], known: dict[VersionKey, VersionRecord]) -> Iterator[Check]:
    moved = [
        str(key)
        for key in sorted(refs.keys() & known.keys())
        if (refs[key].commit, refs[key].note.text_sha256) != (known[key].commit, known[key].text_sha256)
    ]
    if moved:
        seen = f"the version ref of {few(moved)} was moved since it was recorded"
        yield Check("versions on record", ERROR, seen, "run `policyctl verify`, and put the ref back")


def _clock(marked: Sequence[MarkedVersion], now: datetime) -> Iterator[Check]:
    """The number says which version came later, whatever the clock said; but notices name its day."""
    for mark in marked:
        if mark.published_at > now + _SKEW:
            seen = f"{mark.key} is dated {mark.published_at:%Y-%m-%d %H:%M} UTC, which is ahead of this clock"
            yield Check("clock", WARNING, seen, "mend the clock that is wrong; versions go by their numbers")
    for before, after in pairwise(marked):
        if before.key.slug == after.key.slug and after.published_at < before.published_at:
            seen = f"{after.key} is dated before {before.key}: a clock was wrong when one was published"
            yield Check("clock", WARNING, seen, "mend the clock; versions go by their numbers")


def _head(marked: Sequence[MarkedVersion], ledger: Ledger) -> Check:
    """Heads in version refs are older than the ledger, unless it was put back. Each of several servers has
    one there; where one alone is looked at, it is held against its own.
    """
    heads = ledger.heads()
    for mark in marked:
        kept = _heads_of(mark)
        if len(heads) == 1 < len(kept):
            kept = kept[ledger.server : ledger.server + 1]
        if len(kept) == len(heads):
            for now, then in zip(heads, kept, strict=True):
                if now.entry < then.entry or (now.entry == then.entry and now.root != then.root):
                    seen = f"at entry {now.entry}, and {mark.key} saw entry {then.entry}: put back or altered"
                    mend = "run `policyctl verify`; restore the newest backup before anything is sent"
                    return Check("ledger head", ERROR, seen, mend)
    return Check("ledger head", OK, ", ".join(str(head.entry) for head in heads))


def _heads_of(mark: MarkedVersion) -> tuple[LedgerHead, ...]:
    try:
        return read_heads(mark.note.ledger_head)
    except ValueError:
        return ()  # verify says so


def durability_checks(ledger: Ledger) -> Iterator[Check]:
    """What the database says of its own settings."""
    settings = ledger.durability()
    lax = [f"{name} = {value}" for name, value in settings if value == "off"]
    if lax:
        mend = "set it to on in postgresql.conf (or by ALTER SYSTEM, ALTER DATABASE, ALTER ROLE)"
        yield Check("durability", ERROR, f"{few(lax)}: what was recorded may be lost with the power", mend)
        return
    local = [f"{name} = {value}" for name, value in settings if value == "local"]
    state = WARNING if local else OK
    mend = "a standby may lack what was recorded: set synchronous_commit = on" if local else ""
    yield Check("durability", state, ", ".join(f"{name} = {value}" for name, value in settings), mend)


def leftover_checks(ledger: Ledger) -> Iterator[Check]:
    """What a restore that was killed left beside the ledger: people are in it, erased ones too."""
    found = [name for part in ledger.parts for name in part.custody.left_over()]
    if found:
        mend = "remove it; or run the restore or backup again, which does"
        yield Check("left over", WARNING, f"{few(found)}: from a restore or backup that was cut off", mend)
    else:
        yield Check("left over", OK, "nothing of a restore or backup that was cut off")
