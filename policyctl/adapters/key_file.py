# SPDX-License-Identifier: Apache-2.0
"""The file of API keys: JSON, digests only, for its owner's eyes.

It is read again whenever it has changed, so a key that was revoked opens nothing from the next request on.
Who changes it holds a lock from the reading to the writing, so that of two at once neither loses a key.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from policyctl.core.access import ApiKey, Scope
from policyctl.errors import CannotCompareError, InputError, Place, RefusedError

_FORM = "policyctl.api-keys/1"


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, int, int]
    keys: dict[str, ApiKey]


class KeyFile:
    """The keys in the file at ``path``; none where there is no file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: _Read | None = None

    def all(self) -> dict[str, ApiKey]:
        """Every key by id. RefusedError when others may read the file, InputError when it is damaged."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unreadable(error) from error
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        last = self._read
        if last is None or last.stamp != stamp:
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RefusedError(
                    f"{self.path.name} can be read by others", hint=f"run `chmod 600 {self.path.name}`"
                )
            last = self._read = _Read(stamp, self._parse())
        return last.keys

    @contextmanager
    def changing(self) -> Iterator[dict[str, ApiKey]]:
        """The keys by id, to be changed in place: saved when the block ends well, whole or not at all.
        Another that changes them waits.
        """
        with self._alone():
            keys = dict(self.all())
            yield keys
            self._save(keys.values())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The kernel lets go of the lock when its holder dies, so none is ever left over."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f".{self.path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _save(self, keys: Iterable[ApiKey]) -> None:
        text = json.dumps({_FORM: [_out(key) for key in keys]}, indent=2)
        fresh = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _parse(self) -> dict[str, ApiKey]:
        try:
            raw = json.loads(self.path.read_text("utf-8"))
            keys = [_in(entry) for entry in raw[_FORM]]
        except OSError as error:
            raise self._unreadable(error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                "this is not a file of API keys",
                hint="put a copy of it back, or move it away and run `policyctl keys new`",
                place=Place(self.path.name),
            ) from error
        return {key.id: key for key in keys}

    def _unwritable(self, error: OSError) -> CannotCompareError:
        return CannotCompareError(
            f"{self.path.name} cannot be written: {error.strerror}", hint="check [web] keys"
        )

    def _unreadable(self, error: OSError) -> CannotCompareError:
        return CannotCompareError(
            f"{self.path.name} cannot be read: {error.strerror}", hint="check [web] keys in policyctl.toml"
        )


def _out(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "sha256": key.digest,
        "scopes": sorted(key.scopes),
        "customer": key.customer,
        "made_at": key.made_at.isoformat(),
        "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
    }


def _in(entry: dict[str, Any]) -> ApiKey:
    gone, customer = entry["revoked_at"], entry["customer"]
    if not (customer is None or (isinstance(customer, str) and customer)):
        # What is not plainly everybody's must not become so.
        raise ValueError("customer")
    return ApiKey(
        id=str(entry["id"]),
        name=str(entry["name"]),
        digest=str(entry["sha256"]),
        scopes=frozenset(Scope(word) for word in entry["scopes"]),
        customer=customer,
        made_at=datetime.fromisoformat(entry["made_at"]),
        revoked_at=None if gone is None else datetime.fromisoformat(gone),
    )
