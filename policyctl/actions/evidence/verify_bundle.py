# SPDX-License-Identifier: Apache-2.0
"""``policyctl verify --bundle FILE``: does a bundle of evidence hold? No network, no ledger, no repository.

1. The zip is the one that was written, to the byte (adapters/bundle_zip.py).
2. Manifest, links, rows, tags, facts, texts and tag objects fit each other (core/proof/bundle.py).
3. Signatures are checked as those of version refs are, by the verifier's own list of allowed signers.
4. Time stamps are checked by the verifier's own certificates.
5. The head is held against the heads that the verifier has from elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from policyctl.adapters.bundle_zip import read_bundle
from policyctl.adapters.repository.bundle import TagSignatures
from policyctl.adapters.timestamps import StampChecker
from policyctl.core.proof.bundle import BundleTag, CheckedBundle, check_bundle
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.heads import LedgerHead
from policyctl.core.proof.refs import Signature, signature_flaw
from policyctl.core.proof.stamps import Stamped
from policyctl.errors import IntegrityError

_TIMES = {
    Stamped.NONE: "when they were published is what their publishers say",
    Stamped.UNCHECKED: "they are stamped with a time, and no certificates were given to check that by",
    Stamped.STRANGER: "they are stamped with a time by nobody that your certificates vouch for",
}


def verify_bundle(
    path: Path,
    *,
    signers: TagSignatures,
    stamps: StampChecker | None = None,
    anchors: Sequence[LedgerHead] = (),
    allow_unsigned: bool = False,
) -> tuple[CheckedBundle, list[tuple[BundleTag, Signature]]]:
    """What is found, and the signature of each tag object. CannotCompareError where there is no file."""
    try:
        files = read_bundle(path)
    except IntegrityError as error:
        flaw = Flaw(FlawKind.ALTERED, path.name, error.message, error.hint)
        return CheckedBundle(flaws=[flaw]), []
    found = check_bundle(files)
    signatures = []
    if not any(flaw.broken for flaw in found.flaws):
        with signers as checker:
            signatures = [(tag, checker.check(tag.data)) for tag in found.tags]
        found.flaws += _stamped(found.tags, stamps or StampChecker(None))
    found.flaws += _signed(signatures, allow_unsigned=allow_unsigned)
    found.flaws += _held(found, anchors)
    return found, signatures


def _signed(signatures: Sequence[tuple[BundleTag, Signature]], *, allow_unsigned: bool) -> Iterator[Flaw]:
    for tag, signature in signatures:
        flaw = signature_flaw(tag.name, signature)
        if flaw is not None and not (allow_unsigned and flaw.kind is FlawKind.UNSIGNED):
            yield flaw


def _stamped(tags: Sequence[BundleTag], stamps: StampChecker) -> Iterator[Flaw]:
    """What the time stamps of the messages say; without a good one nobody vouches for the time."""
    states: dict[Stamped, int] = {}
    for tag in tags:
        reply, digest = tag.stamp
        state = stamps.check(reply, digest).state if reply is not None else Stamped.NONE
        states[state] = states.get(state, 0) + 1
        if state is Stamped.OTHER:
            message = f"{tag.name}: its time stamp is not one of its message"
            yield Flaw(FlawKind.ALTERED, tag.name, message, "ask who gave it to you for another copy")
    for state, words in _TIMES.items():
        if count := states.get(state, 0):
            message = f"{count} of {len(tags)} tag objects: {words}"
            yield Flaw(
                FlawKind.TIME_UNPROVEN, "version refs", message, "a revision mail has its head, and its day"
            )


def _held(found: CheckedBundle, anchors: Sequence[LedgerHead]) -> Iterator[Flaw]:
    for anchor in anchors:
        root = found.roots.get(anchor.entry)
        where = f"entry {anchor.entry}"
        if anchor.entry > found.head.entry:
            message = (
                f"the ledger of the bundle ends at entry {found.head.entry}, before the head that you gave"
            )
            yield Flaw(FlawKind.ROLLED_BACK, where, message, "ask for a bundle made since")
        elif root is None:
            message = (
                f"the bundle begins after entry {anchor.entry}, so the head that you gave tells nothing of it"
            )
            yield Flaw(FlawKind.NOT_PROVEN, where, message, "give a later head")
        elif root != anchor.root:
            message = f"the root at {where} is not the one that you gave"
            yield Flaw(FlawKind.ALTERED, where, message, "it is of another ledger, or one written anew")
