# SPDX-License-Identifier: Apache-2.0
"""Signatures of tag objects that come as bytes: checked in an empty repository made for it, which goes
again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from policyctl.adapters.repository.run import GitRunner
from policyctl.adapters.repository.signatures import SignatureChecker, find_allowed_signers
from policyctl.core.proof.refs import Signature


class TagSignatures:
    """Open while it is entered. ``named``: the list of allowed signers, empty for the one of the user's
    git.
    """

    def __init__(self, named: str = "") -> None:
        self._named = named
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._runner: GitRunner | None = None
        self._checker: SignatureChecker | None = None

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="policyctl-bundle-")
        self._runner = GitRunner(_empty(Path(self._folder.name)))
        self._checker = SignatureChecker(self._runner, find_allowed_signers(self._runner, self._named))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            self._runner.close()
        if self._folder is not None:
            self._folder.cleanup()

    def check(self, tag: bytes) -> Signature:
        """Who signed it."""
        if self._runner is None or self._checker is None:
            raise RuntimeError("not entered")
        # As it is: what git would not take for a tag of its own is judged by its signature all the same.
        oid = self._runner.call("hash-object", "-w", "-t", "tag", "--literally", "--stdin", stdin=tag).text
        return self._checker.check(oid)


def _empty(folder: Path) -> Path:
    """A repository with nothing in it, nobody's template and nobody's settings."""
    for name in ("objects", "refs"):
        (folder / ".git" / name).mkdir(parents=True)
    (folder / ".git/HEAD").write_text("ref: refs/heads/main\n", "utf-8")
    (folder / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = false\n", "utf-8")
    return folder
