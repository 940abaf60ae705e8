# SPDX-License-Identifier: Apache-2.0
"""The chain of the ledger followed link by link, and held against what was kept outside of it.

1. Entries are numbered without a gap: a number that is not there is missing.
2. What is on record of an entry has the digest that its link was made with, or is under a cut (cuts.py).
3. The root of a link is the SHA-256 of the root before it and its digest. After a bad link the walk goes on
   from the root that is on record, so that every link is judged by itself.
4. A head that was kept outside (heads.py) is that of the entry it names. An entry that is not there any more
   means an older state was put back; another root, that the chain was written anew, or is another ledger's.
5. What stands at one number and was written at another has changed places.

Nothing is read here: the caller brings the links in order, one at a time, however many there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from policyctl.core.proof.cuts import CutWalk
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.heads import START, Anchor, LedgerHead

MOST = 100
"""Bad entries that are looked at more closely; more are only counted."""

RESTORE = "restore the ledger from a backup that verifies"


@dataclass(frozen=True, slots=True)
class Suspect:
    """An entry that is not as it was written. ``digest`` is that of its link, ``found`` that of what is
    there; ``as_if`` gives the digests that the content could have had at another number; ``counts`` how
    many rows of each table there are now.
    """

    seq: int
    kind: str
    digest: bytes
    found: bytes
    as_if: Callable[[int], Sequence[bytes]]
    counts: dict[str, int]


@dataclass(slots=True)
class ChainWalk:
    """Follows one chain from its first entry."""

    anchors: Sequence[Anchor] = ()
    cuts: CutWalk = field(default_factory=lambda: CutWalk(()))
    server: int = 0
    head: LedgerHead = field(default_factory=lambda: LedgerHead(0))
    flaws: list[Flaw] = field(default_factory=list)
    bad: list[Suspect] = field(default_factory=list)
    bad_count: int = 0
    _at: dict[int, list[Anchor]] = field(default_factory=dict)
    _root: bytes | None = START

    def __post_init__(self) -> None:
        held = defaultdict(list)
        for anchor in self.anchors:
            held[anchor.head.entry].append(anchor)
        self._at = dict(held)

    def take(self, seq: int, found: bytes, digest: bytes | None, root: bytes | None) -> bool:
        """The next entry; False where it is not as it was written, which the caller then tells of by
        :meth:`suspect`.
        """
        if seq != self.head.entry + 1:
            self._gap(seq)
        good = self.cuts.take(seq, found) or found == digest
        if digest is None or root is None:
            self._flaw(FlawKind.MISSING, seq, "chain", f"the link of entry {seq} is missing")
        elif self._root is not None and sha256(self._root + digest).digest() != root:
            self._flaw(
                FlawKind.ALTERED, seq, "chain", f"the link of entry {seq} does not follow from the last"
            )
        self._root = root
        self.head = LedgerHead(seq, root or START)
        if self._at:
            self._compare(seq, root)
        return good or digest is None

    def _gap(self, seq: int) -> None:
        first, last = self.head.entry + 1, seq - 1
        which = f"entry {first} is" if first == last else f"entries {first} to {last} are"
        self._flaw(FlawKind.MISSING, first, "entry", f"{which} missing")
        self._root = None  # the link before was taken out too, so there is nothing to follow from

    def _compare(self, seq: int, root: bytes | None) -> None:
        for anchor in self._at.pop(seq, ()):
            if root != anchor.head.root:
                message = (
                    f"the root at entry {seq} is not the one that {anchor.source} holds: what is up to this "
                    "entry was written anew, or this is another ledger"
                )
                self._flaw(FlawKind.ALTERED, seq, "chain", message)

    def _flaw(self, kind: FlawKind, seq: int, table: str, message: str) -> None:
        self.flaws.append(Flaw(kind, f"entry {seq}", message, RESTORE, table, seq, self.server))

    def suspect(self, entry: Suspect) -> None:
        """Keep an entry that is not as it was written, to be looked at when all have been read."""
        self.bad_count += 1
        if len(self.bad) < MOST:
            self.bad.append(entry)

    def end(self) -> None:
        """After the last entry: anchors that lie beyond it, cuts whose rest is another."""
        last = self.head.entry
        for entry, anchors in sorted(self._at.items()):
            if entry > last:
                sources = ", ".join(dict.fromkeys(anchor.source for anchor in anchors))
                message = (
                    f"the ledger ends at entry {last}, and {sources} holds the root of entry {entry}: an "
                    "older state was put back"
                )
                self._flaw(FlawKind.ROLLED_BACK, last + 1, "entry", message)
        for cut in self.cuts.wrong():
            message = (
                f"entries {cut.first} to {cut.last} were cut ({cut.rule}), and what is left is not what the "
                "cut record says"
            )
            self._flaw(FlawKind.ALTERED, cut.first, "entry", message)


def places_changed(bad: Sequence[Suspect]) -> dict[int, int]:
    """Which of the bad entries hold what was written at another one of them: number to number (5)."""
    wanted = {entry.digest: entry.seq for entry in bad}
    found = {}
    for entry in bad:
        others = (seq for seq in wanted.values() if seq != entry.seq)
        match = next((seq for seq in others if _is_of(entry, seq, wanted)), None)
        if match is not None:
            found[entry.seq] = match
    return found


def _is_of(entry: Suspect, seq: int, wanted: dict[bytes, int]) -> bool:
    digests = (entry.found, *entry.as_if(seq))
    return any(wanted.get(digest) == seq for digest in digests)
