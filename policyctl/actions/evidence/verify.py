# SPDX-License-Identifier: Apache-2.0
"""``policyctl verify``: is what was published still there as it was, and can anybody tell? Reads only.

1. Each version ref: its object, inner name, signature, target and message (core/proof/refs.py).
2. The files at its commit, by the hashes of the message.
3. The versions on record: each has its ref, and each ref is on record.
4. The ledger itself, entry by entry and tag by tag (core/proof/walk.py), on each of its servers.
5. The ledger against its heads that were kept outside: in the version refs, in the list of erasures, and
   those the caller was given, such as from a mail.

Nothing is believed because the repository says so: keys come from outside of it, and no key of the ledger's
is needed. What cannot be looked at is never fine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from policyctl.adapters.ledger.checking import Looked, OnRecord, Record
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.refs import find_refs
from policyctl.adapters.repository.signatures import SignatureChecker
from policyctl.adapters.timestamps import StampChecker
from policyctl.core.formats.version_note import VersionNote
from policyctl.core.policy import VersionKey
from policyctl.core.proof.flaws import Flaw, FlawKind, exit_code_of
from policyctl.core.proof.heads import Anchor, LedgerHead, read_heads
from policyctl.core.proof.refs import Expected, FoundRef, Signed, judge_ref, missing_ref, unrecorded
from policyctl.core.proof.stamps import Stamped
from policyctl.errors import CannotCompareError, PolicyctlError, UsageError
from policyctl.reports.words import counted

_FILES = ("policy.md", "practices.yaml")


@dataclass(frozen=True, slots=True)
class VerifiedRef:
    """A version ref and what is wrong with it."""

    ref: FoundRef
    flaws: tuple[Flaw, ...]


@dataclass(frozen=True, slots=True)
class Verified:
    """All that was looked at. ``ledgers`` has one for each server, none where the ledger was left out.
    ``anchors`` are the heads that the ledger was held against. ``flaws``: git's first, then the ledger's.
    """

    refs: tuple[VerifiedRef, ...]
    ledgers: tuple[Looked, ...]
    anchors: tuple[Anchor, ...]
    flaws: tuple[Flaw, ...]

    @property
    def exit_code(self) -> int:
        """0: all holds; 1: something is unproven; 5: something is broken."""
        return exit_code_of(self.flaws)

    @property
    def first(self) -> Flaw | None:
        """The first flaw that changes the exit code, what is broken before what is unproven."""
        return next(
            iter(sorted((flaw for flaw in self.flaws if flaw.counts), key=lambda f: not f.broken)), None
        )


def verify(
    slug: str | None = None,
    number: int | None = None,
    *,
    history: History,
    checker: SignatureChecker,
    records: Sequence[Record],
    anchors: Sequence[LedgerHead] = (),
    kept: Sequence[Anchor] = (),
    allow_unsigned: bool = False,
    stamps: StampChecker | None = None,
) -> Verified:
    """Verify one version, one policy or everything. ``records``: the ledger on each of its servers, in their
    order; none: only git is looked at. ``anchors``: heads that the caller has from elsewhere; ``kept``: those
    that policyctl keeps beside the ledger.
    """
    stamps = stamps or StampChecker(None)
    found = [_stamped(_with_files(ref, history), stamps) for ref in find_refs(history.runner, slug, checker)]
    known = _on_record(records, slug)
    wanted = tuple(ref for ref in found if number is None or ref.key.number == number)
    if number is not None and not wanted and VersionKey(slug or "", number) not in known:
        raise CannotCompareError(f"there is no {slug}@v{number}", hint="fetch it with `git fetch --tags`")
    refs = tuple(VerifiedRef(ref, judge_ref(ref, _expected(ref, found, known))) for ref in wanted)
    held = (*_anchors(found), *kept, *_given(anchors, records))
    looked = tuple(
        record.through([anchor for anchor in held if anchor.server == server], server=server)
        for server, record in enumerate(records)
    )
    flaws = [
        *(flaw for each in refs for flaw in each.flaws),
        *_absent(found, known, slug, number, recorded=bool(records)),
        *(flaw for each in looked for flaw in each.flaws),
        *_time(refs),
    ]
    counted = tuple(flaw for flaw in flaws if not (allow_unsigned and flaw.kind is FlawKind.UNSIGNED))
    return Verified(refs, looked, held, counted)


# --- version refs


def _with_files(ref: FoundRef, history: History) -> FoundRef:
    """With the hashes of what is at its commit."""
    if not ref.commit:
        return ref
    folder = f"policies/{ref.key.slug}"
    try:
        data = [history.find(ref.commit, f"{folder}/{name}") for name in _FILES]
    except PolicyctlError as error:
        return replace(ref, unread=ref.unread or error.message)
    text, practices = ("" if each is None else hashlib.sha256(each).hexdigest() for each in data)
    return replace(ref, files=(text, practices))


def _stamped(ref: FoundRef, stamps: StampChecker) -> FoundRef:
    """With what its time stamp says, where it has one."""
    return ref if ref.reply is None else replace(ref, stamp=stamps.check(ref.reply, ref.digest))


def _expected(ref: FoundRef, found: Sequence[FoundRef], known: dict[VersionKey, OnRecord]) -> Expected:
    record = known.get(ref.key)
    after = next((r for r in found if r.key == VersionKey(ref.key.slug, ref.key.number + 1)), None)
    return Expected(
        commit=record.commit if record else "",
        text_sha256=record.text_sha256 if record else "",
        tag=after.note.previous if after and after.note else "",
    )


def _on_record(records: Sequence[Record], slug: str | None) -> dict[VersionKey, OnRecord]:
    """The versions that the first server holds; each holds all of them."""
    rows = records[0].versions() if records else ()
    return {VersionKey(row.slug, row.number): row for row in rows if slug in {None, row.slug}}


def _absent(
    found: Sequence[FoundRef],
    known: dict[VersionKey, OnRecord],
    slug: str | None,
    number: int | None,
    *,
    recorded: bool,
) -> Iterator[Flaw]:
    """Refs that ought to be there, and refs that ought to be on record."""
    there = {ref.key for ref in found}
    for key in sorted(_ought_to_be(there, known)):
        if number in {None, key.number}:
            why = "and the ledger holds the version" if key in known else "and later ones are there"
            yield missing_ref(key.slug, key.number, why)
    if not there and slug is not None and not known:
        raise CannotCompareError(
            f"no version of {slug} is published in this clone", hint="fetch with `git fetch --tags`"
        )
    for ref in found if recorded else ():
        if ref.key not in known and number in {None, ref.key.number}:
            yield unrecorded(ref)


def _ought_to_be(there: set[VersionKey], known: dict[VersionKey, OnRecord]) -> set[VersionKey]:
    last: dict[str, int] = {}
    for key in (*there, *known):
        last[key.slug] = max(last.get(key.slug, 0), key.number)
    return {VersionKey(slug, n) for slug, end in last.items() for n in range(1, end + 1)} - there


def _time(refs: Sequence[VerifiedRef]) -> Iterator[Flaw]:
    """A signature holds no time that anybody but its maker vouches for; a stamp does."""
    hint = "have versions stamped, or keep the mails: see docs/how-to/sign-and-verify.md"
    for state, words in _UNPROVEN.items():
        if count := sum(each.ref.stamp.state is state for each in refs):
            said = words.format(counted(count, "version ref"))
            yield Flaw(FlawKind.TIME_UNPROVEN, "version refs", said, hint)


_UNPROVEN = {
    Stamped.NONE: "{}: when it was published is what the publisher says",
    Stamped.UNCHECKED: "{}: stamped with a time, and no certificates were given to check that by",
    Stamped.STRANGER: "{}: stamped with a time by nobody that your certificates vouch for",
}


# --- anchors


def _anchors(found: Sequence[FoundRef]) -> Iterator[Anchor]:
    """The heads in the messages of version refs, but for those whose signature is false."""
    for ref in found:
        if ref.note is not None and ref.signature.state is not Signed.BAD:
            for server, head in enumerate(heads_of(ref.note)):
                yield Anchor(ref.name, head, server)


def heads_of(note: VersionNote) -> tuple[LedgerHead, ...]:
    """The heads of the ledger that a version ref holds, one a server."""
    return read_heads(note.ledger_head)


def _given(anchors: Sequence[LedgerHead], records: Sequence[Record]) -> Iterator[Anchor]:
    if anchors and len(records) > 1:
        raise UsageError(
            "a head is of one server, and the ledger is cut over several", hint="check them one at a time"
        )
    for head in anchors:
        yield Anchor("the head that you gave", head)
