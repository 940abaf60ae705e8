# SPDX-License-Identifier: Apache-2.0
"""The list of erasures: who was erased, kept outside of the ledger, so that an older copy of it can be told.

A line is the time, a keyed digest, and the head of the ledger before the erasure; of a ledger on several
servers also which of them it was, from 0, unless it was the first. The digest is of the seal that
stays in the ledger: without the key it leads to nobody, and in a copy that still has the person it finds the
one row. A line is on disk before the erasure is, so one that was asked for is never forgotten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b, sha256
from pathlib import Path

from policyctl.core.proof.heads import Anchor, LedgerHead, read_head
from policyctl.errors import InputError, Place, RefusedError

_PARTS = {3, 4}


@dataclass(frozen=True, slots=True)
class ErasureList:
    """The list in one file; none there is an empty one. ``server``: which of several it is that asks."""

    path: Path
    key: bytes
    server: int = 0

    def digest(self, seal: bytes) -> str:
        """What stands in the list for the subject with this seal."""
        return blake2b(seal, key=self.key, digest_size=32, person=b"policyctl.erased").hexdigest()

    def content(self) -> bytes:
        """The file as it is. RefusedError where it cannot be read: who was erased must not come back."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise RefusedError(
                f"the list of erasures cannot be read: {error.strerror}", hint=f"look at {self.path}"
            ) from error

    def mark(self, content: bytes) -> str:
        """What a ledger keeps of the list that it has seen; empty for an empty one."""
        return sha256(content).hexdigest() if content else ""

    def lines(self, content: bytes) -> Iterator[tuple[str, LedgerHead, int]]:
        """(digest, head of the ledger before, its server) of each erasure. InputError for what is no line of
        it.
        """
        # A last line without an end was cut off before its erasure began.
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.decode("ascii", "replace").splitlines(), start=1):
            parts = line.split()
            try:
                if len(parts) not in _PARTS:
                    raise ValueError  # noqa: TRY301 - as a head that is none
                yield parts[1], read_head(parts[2]), int(parts[3]) if parts[3:] else 0
            except ValueError as error:
                raise InputError(
                    "no line of a list of erasures",
                    hint="put the list back from a copy; an erasure that is not in it may come back",
                    place=Place(str(self.path), number),
                ) from error

    def digests(self, content: bytes) -> frozenset[str]:
        """Who was erased."""
        return frozenset(digest for digest, *_ in self.lines(content))

    def anchors(self, server: int = 0) -> tuple[Anchor, ...]:
        """The newest head that the list holds of a server: one that does not reach it is an older copy."""
        heads = [head for _, head, of in self.lines(self.content()) if of == server]
        return (Anchor("the list of erasures", max(heads), server),) if heads else ()

    def add(self, seal: bytes, head: LedgerHead, now: datetime) -> None:
        """One more, on disk when this returns."""
        of = f" {self.server}" if self.server else ""
        line = f"{now:%Y-%m-%dT%H:%M:%SZ} {self.digest(seal)} {head}{of}\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(handle, "r+b") as file:
                end = file.read().rfind(b"\n") + 1
                file.truncate(end)
                file.seek(end)
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RefusedError(
                f"the list of erasures cannot be written: {error.strerror}",
                hint=f"look at {self.path}: nobody is erased without it",
            ) from error
