# SPDX-License-Identifier: Apache-2.0
"""Who signed a tag object, by git's own ``verify-tag``, and by the verifier's keys only.

1. git is run in an empty repository that shares the objects of the one that is checked, so nothing of its
   configuration is read: neither whom it trusts nor which program it would have verify.
2. Allowed ssh signers stand in a file (``ssh-keygen(1)``, ALLOWED SIGNERS) outside of the work tree and of
   its ``.git``: what is checked must not say whom to believe.
3. gpg looks into the keyring of whoever verifies. A key counts as allowed when its owner trust there is full
   or ultimate: that it lies in the keyring says nothing.
4. Good is what git calls good. What it refuses is read from the words of ssh-keygen and from gpg's status
   lines, and is never better than a stranger's.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from policyctl.adapters.repository.run import GitRunner
from policyctl.core.proof.refs import Signature, Signed
from policyctl.errors import CannotCompareError, UsageError

_BEGINS = re.compile(rb"^-----BEGIN (PGP|SSH|SIGNED) (SIGNATURE|MESSAGE)-----$", re.MULTILINE)
_SSH_GOOD = re.compile(r'Good "git" signature for (?P<signer>.+) with \S+ key (?P<key>SHA256:\S+)')
_SSH_FITS = re.compile(r'Good "git" signature with \S+ key (?P<key>SHA256:\S+)')
_OTHER_USE = "not permitted for use in signature namespace"
_TRUSTED = ("TRUST_FULLY", "TRUST_ULTIMATE")
_GPG_WHY = {
    "EXPKEYSIG": "its key has expired",
    "REVKEYSIG": "its key was revoked",
    "EXPSIG": "it has expired",
}
_LONGEST = 1_000_000


class SignatureChecker:
    """Checks the tag objects of one repository. ``allowed_signers`` is None where no list was given."""

    def __init__(self, runner: GitRunner, allowed_signers: Path | None) -> None:
        self._runner = runner
        self._signers = allowed_signers

    @property
    def has_list(self) -> bool:
        """Whether a list says who may sign."""
        return self._signers is not None

    def check(self, oid: str) -> Signature:
        """The signature of a tag object by its full id."""
        found = self._runner.read(oid, _LONGEST)
        kinds = [match[1] for match in _BEGINS.finditer(found[1])] if found else []
        if not kinds:
            return Signature(Signed.NONE)
        if kinds[-1] == b"SIGNED":  # the last one counts, as it does for git
            return Signature(Signed.STRANGER, why="signatures by certificate (X.509) are not checked here")
        status, said = self._verify(oid)
        return _of_gpg(status, said) if kinds[-1] == b"PGP" else self._of_ssh(status, said)

    def _verify(self, oid: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(prefix="policyctl-verify-") as folder:
            place = {
                "GIT_DIR": folder,
                "GIT_COMMON_DIR": folder,
                "GIT_WORK_TREE": folder,
                "GIT_TEMPLATE_DIR": "",
            }
            self._runner.call("init", "--quiet", "--template=", env=place)
            signers = ("-c", f"gpg.ssh.allowedSignersFile={self._signers or '/dev/null'}")
            reply = self._runner.ask(*signers, "verify-tag", "--raw", oid, env=place)
        if "cannot run" in reply.said:
            raise CannotCompareError(
                "a signature could not be checked: its program is not installed",
                hint="install ssh-keygen and gpg",
            )
        return reply.status, reply.said

    def _of_ssh(self, status: int, said: str) -> Signature:
        good, fits = _SSH_GOOD.search(said), _SSH_FITS.search(said)
        if status == 0 and good:
            return Signature(Signed.GOOD, good["signer"], good["key"])
        if fits and self._signers is None:
            return Signature(Signed.NO_LIST, key=fits["key"])
        if fits:
            return Signature(Signed.STRANGER, key=fits["key"], why=_why(said))
        if _OTHER_USE in said:
            return Signature(Signed.STRANGER, why="the list allows its key for other uses only")
        return Signature(Signed.BAD)


def _why(said: str) -> str:
    if "has expired" in said:
        return "its key had expired by the day of the tag"
    if "not yet valid" in said:
        return "its key was not valid yet on the day of the tag"
    return ""


def _of_gpg(status: int, said: str) -> Signature:
    lines = [line.split(" ") for line in said.splitlines() if line.startswith("[GNUPG:] ")]
    words = {line[1]: line[2:] for line in lines if len(line) > 1}
    key = words.get("VALIDSIG", words.get("ERRSIG", [""]))[0]
    if "BADSIG" in words or not lines:
        return Signature(Signed.BAD)
    if status == 0 and "GOODSIG" in words and any(word in words for word in _TRUSTED):
        return Signature(Signed.GOOD, " ".join(words["GOODSIG"][1:]), key)
    if "GOODSIG" in words:
        return Signature(
            Signed.STRANGER, " ".join(words["GOODSIG"][1:]), key, "your keyring does not trust this key"
        )
    if "NO_PUBKEY" in words:
        return Signature(
            Signed.STRANGER, key=words["NO_PUBKEY"][0], why="your keyring does not hold this key"
        )
    why = next((_GPG_WHY[word] for word in _GPG_WHY if word in words), "")
    return Signature(Signed.STRANGER, key=key, why=why) if why else Signature(Signed.BAD)


def find_allowed_signers(runner: GitRunner, named: str) -> Path | None:
    """The list of allowed signers: the one ``named``, else the one of the user's or the system's git; None
    where there is none. UsageError for a file that is not there or that lies in what is checked.
    """
    said = named or _configured(runner)
    if not said:
        return None
    path = Path(said).expanduser()
    if not path.is_file() and not named:
        return None  # git is set up with a list that was never written
    if not path.is_file():
        raise UsageError(f"the list of allowed signers {said} is not there", hint="name a file that you keep")
    plain = Path(os.path.abspath(path))  # noqa: PTH100 - without following links, as those may change
    for inside in (runner.root, runner.git_dir, runner.common_dir):
        if path.resolve().is_relative_to(inside.resolve()) or plain.is_relative_to(inside.absolute()):
            raise UsageError(
                f"the list of allowed signers {said} lies in the repository that is checked",
                hint="keep it outside: what is checked must not say whom to believe",
            )
    return plain


def _configured(runner: GitRunner) -> str:
    """``gpg.ssh.allowedSignersFile`` of the user or the system, never of the repository."""
    for scope in ("--global", "--system"):
        reply = runner.ask_as_user("config", scope, "--type=path", "--get", "gpg.ssh.allowedSignersFile")
        if reply.status == 0 and reply.text:
            return reply.text
    return ""
