# SPDX-License-Identifier: Apache-2.0
"""Is a version ref what it says it is? A signature alone does not tell: it covers the tag object and not the
name that leads to it, nor whether that name led elsewhere before.

For each ref, first to last, and one answer each:

1. The ref holds an annotated tag object that can be read.
2. The inner name of the tag object is the ref's own. Else it is another version's, under another name,
   however good its signature is.
3. The tag object is signed, its signature fits its bytes, and the signer is one of the allowed.
4. It leads where it led before: to the commit that the ledger recorded, and it is the tag object that the
   next version's message names.
5. The files at the commit have the hashes that the message holds.
6. A time stamp in the message is one of this message.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policyctl.core.formats.version_note import VersionNote
from policyctl.core.policy import VersionKey
from policyctl.core.proof.flaws import Flaw, FlawKind
from policyctl.core.proof.stamps import Stamp, Stamped

_UNSTAMPED = Stamp(Stamped.NONE)


class Signed(StrEnum):
    """What was found of a signature. ``no-list``: it fits, and nobody told us whom to believe."""

    GOOD = "good"
    NONE = "unsigned"
    BAD = "bad-signature"
    STRANGER = "stranger"
    NO_LIST = "no-list"


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a tag object. ``signer`` is who the list of allowed signers, or the key, says it is;
    ``key`` its fingerprint; ``why`` what is wrong, in words.
    """

    state: Signed
    signer: str = ""
    key: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class FoundRef:
    """A version ref as a repository holds it. ``inner`` is the name in the tag object, ``commit`` the
    commit that it leads to; both empty where it holds none. ``note`` is None where the message is none of
    ours: ``unread`` says why. ``damaged``: the object that it names is not there, or not what its id says.
    ``files`` are the SHA-256 of ``policy.md`` and ``practices.yaml`` at the commit, hex, empty for one that
    is not there; None where the commit could not be read. ``digest`` is what a time stamp would be of,
    ``reply`` the one in the message, ``stamp`` what was found of it.
    """

    key: VersionKey
    oid: str
    inner: str
    commit: str
    signature: Signature
    note: VersionNote | None
    unread: str = ""
    damaged: bool = False
    files: tuple[str, str] | None = None
    digest: bytes = b""
    reply: bytes | None = None
    stamp: Stamp = _UNSTAMPED

    @property
    def name(self) -> str:
        """What the ref is called."""
        return self.key.ref.removeprefix("refs/tags/")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a version from elsewhere: ``commit`` and ``text_sha256`` from the ledger, ``tag``
    from the message of the version after it. Empty: nothing.
    """

    commit: str = ""
    text_sha256: str = ""
    tag: str = ""


_FETCH = "fetch the ref again from where it was published, and ask who moved it"
_SIGN = "set git up to sign (docs/how-to/sign-and-verify.md); or accept it with --allow-unsigned"
_TRUST = "ask for the key by another way, then add it to your list of allowed signers"


def judge_ref(ref: FoundRef, expected: Expected) -> tuple[Flaw, ...]:
    """What is wrong with a version ref; nothing where it holds."""
    if ref.damaged:
        return (_flaw(ref, FlawKind.MISSING, f"its object {ref.oid[:12]} {ref.unread}", _FETCH),)
    if not ref.inner:
        return (_flaw(ref, FlawKind.UNSIGNED, f"nobody can have signed it: {ref.unread}", _FETCH),)
    if ref.inner != ref.name:
        return (_other_name(ref),)
    signed = signature_flaw(ref.name, ref.signature)
    found = [*_target(ref, expected), *_content(ref, expected)]
    if ref.stamp.state is Stamped.OTHER:
        found.append(_flaw(ref, FlawKind.ALTERED, "its time stamp is not one of this message", _FETCH))
    return (signed, *found) if signed else tuple(found)


def _flaw(ref: FoundRef, kind: FlawKind, message: str, hint: str) -> Flaw:
    return _flaw_of(ref.name, kind, message, hint)


def _flaw_of(name: str, kind: FlawKind, message: str, hint: str) -> Flaw:
    return Flaw(kind, name, f"{name}: {message}", hint)


def _other_name(ref: FoundRef) -> Flaw:
    good = "a good signature, but " if ref.signature.state is Signed.GOOD else ""
    message = f"{good}the tag object in it is {ref.inner}: it was hung under another name"
    return _flaw(ref, FlawKind.OTHER_NAME, message, _FETCH)


def signature_flaw(name: str, found: Signature) -> Flaw | None:
    """What is wrong with the signature of a version ref; None where it is good (3)."""
    if found.state is Signed.NONE:
        return _flaw_of(name, FlawKind.UNSIGNED, "nobody has signed it", _SIGN)
    if found.state is Signed.BAD:
        message = f"its signature does not fit what it signs{_because(found)}"
        return _flaw_of(name, FlawKind.BAD_SIGNATURE, message, _FETCH)
    if found.state is Signed.NO_LIST:
        message = (
            f"it is signed by {_whom(found)}, and there is no list of allowed signers to tell who that is"
        )
        return _flaw_of(name, FlawKind.NO_LIST, message, "name one with --allowed-signers FILE")
    if found.state is Signed.STRANGER:
        message = f"it is signed by {_whom(found)}, who is not an allowed signer{_because(found)}"
        return _flaw_of(name, FlawKind.STRANGER, message, _TRUST)
    return None


def _because(found: Signature) -> str:
    return f" ({found.why})" if found.why else ""


def _whom(found: Signature) -> str:
    return " ".join(part for part in (found.signer, found.key) if part) or "a key that is not known here"


def _target(ref: FoundRef, expected: Expected) -> list[Flaw]:
    if expected.commit and expected.commit != ref.commit:
        old, new = expected.commit[:12], ref.commit[:12]
        message = f"it was moved: the ledger recorded commit {old}, now it leads to {new}"
        return [_flaw(ref, FlawKind.MOVED, message, _FETCH)]
    if expected.tag and expected.tag != ref.oid:
        message = (
            f"it was moved: the next version names tag object {expected.tag[:12]}, now it is {ref.oid[:12]}"
        )
        return [_flaw(ref, FlawKind.MOVED, message, _FETCH)]
    return []


def _content(ref: FoundRef, expected: Expected) -> list[Flaw]:
    note = ref.note
    if note is None:
        message = f"its message is not one that publishing wrote: {ref.unread}"
        return [_flaw(ref, FlawKind.ALTERED, message, _FETCH)]
    if expected.text_sha256 and expected.text_sha256 != note.text_sha256:
        return [
            _flaw(ref, FlawKind.ALTERED, "the ledger recorded another text than its message holds", _FETCH)
        ]
    if ref.files is None:
        message = (
            f"the commit {ref.commit[:12]} or its policy is not in this clone, or is damaged: {ref.unread}"
        )
        return [
            _flaw(ref, FlawKind.MISSING, message, "fetch it from another clone, then look with `git fsck`")
        ]
    said = (("policy.md", note.text_sha256), ("practices.yaml", note.practices_sha256))
    pairs = zip(said, ref.files, strict=True)
    return [
        _flaw(ref, FlawKind.ALTERED, f"{name} is not the one that was published: its hash is another", _FETCH)
        for (name, wanted), found in pairs
        if wanted != found
    ]


def missing_ref(slug: str, number: int, why: str) -> Flaw:
    """The flaw of a version that ought to have a ref."""
    name = f"policy/{slug}/v{number}"
    hint = "fetch it from where it was published with `git fetch --tags`"
    return Flaw(FlawKind.MISSING, name, f"{name}: there is no such version ref, {why}", hint)


def unrecorded(ref: FoundRef) -> Flaw:
    """The flaw of a version that the ledger does not hold."""
    message = f"{ref.name}: the ledger does not hold this version yet"
    return Flaw(FlawKind.UNRECORDED, ref.name, message, "run `policyctl sync`")
