# SPDX-License-Identifier: Apache-2.0
"""Files of keys, JSON for their owner's eyes: the API keys (digests only), and those that links are signed
with.

They are read again whenever they have changed, so a key that was revoked opens nothing from the next
request on. Who changes one holds a lock from the reading to the writing, so that of two at once neither
loses a key.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from policyctl.core.access import ApiKey, Scope
from policyctl.core.links import LinkKey
from policyctl.errors import CannotCompareError, InputError, Place, RefusedError

_LEAST_SECRET = 32
_SECRET_BYTES = 32
Key = TypeVar("Key", ApiKey, LinkKey)


@dataclass(frozen=True, slots=True)
class _Read(Generic[Key]):
    stamp: tuple[int, int, int, int]
    keys: dict[str, Key]


@dataclass(frozen=True, slots=True)
class _Form(Generic[Key]):
    """How keys of one kind are written. ``what`` they are, ``setting`` that names the file, ``command``
    that makes one: for complaints.
    """

    name: str
    what: str
    setting: str
    command: str
    out: Callable[[Key], dict[str, Any]]
    into: Callable[[dict[str, Any]], Key]


class _PrivateFile(Generic[Key]):
    """The keys in the file at ``path``; none where there is no file."""

    form: _Form[Key]

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: _Read[Key] | None = None

    def all(self) -> dict[str, Key]:
        """Every key by id. RefusedError when others may read the file, InputError when it is damaged."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._unreadable(error) from error
        stamp = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
        last = self._read
        if last is None or last.stamp != stamp:
            if found.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RefusedError(
                    f"{self.path.name} can be read by others", hint=f"run `chmod 600 {self.path.name}`"
                )
            last = self._read = _Read(stamp, self._parse())
        return last.keys

    @contextmanager
    def changing(self) -> Iterator[dict[str, Key]]:
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

    def _save(self, keys: Iterable[Key]) -> None:
        text = json.dumps({self.form.name: [self.form.out(key) for key in keys]}, indent=2)
        fresh = _beside(self.path)
        try:
            _write_privately(fresh, f"{text}\n")
            fresh.replace(self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise self._unwritable(error) from error

    def _parse(self) -> dict[str, Key]:
        try:
            raw = json.loads(self.path.read_text("utf-8"))
            keys = [self.form.into(entry) for entry in raw[self.form.name]]
        except OSError as error:
            raise self._unreadable(error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"this is not a file of {self.form.what}",
                hint=f"put a copy of it back, or move it away and run `{self.form.command}`",
                place=Place(self.path.name),
            ) from error
        return {key.id: key for key in keys}

    def _unwritable(self, error: OSError) -> CannotCompareError:
        return CannotCompareError(
            f"{self.path.name} cannot be written: {error.strerror}", hint=f"check {self.form.setting}"
        )

    def _unreadable(self, error: OSError) -> CannotCompareError:
        return CannotCompareError(
            f"{self.path.name} cannot be read: {error.strerror}",
            hint=f"check {self.form.setting} in policyctl.toml",
        )


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _write_privately(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _make_secret(path: Path) -> None:
    """Whole or not at all; of two processes that make it at once, one does."""
    fresh = _beside(path)
    _write_privately(fresh, secrets.token_hex(_SECRET_BYTES))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


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


def _link_out(key: LinkKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "secret": key.secret.hex(),
        "made_at": key.made_at.isoformat(),
        "retired_at": key.retired_at.isoformat() if key.retired_at else None,
    }


def _link_in(entry: dict[str, Any]) -> LinkKey:
    secret, gone = bytes.fromhex(entry["secret"]), entry["retired_at"]
    if len(secret) < _LEAST_SECRET:
        raise ValueError("secret")
    made = datetime.fromisoformat(entry["made_at"])
    return LinkKey(str(entry["id"]), secret, made, None if gone is None else datetime.fromisoformat(gone))


class KeyFile(_PrivateFile[ApiKey]):
    """The API keys: their digests."""

    form = _Form("policyctl.api-keys/1", "API keys", "[web] keys", "policyctl keys new", _out, _in)

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._secret: bytes | None = None

    def secret(self) -> bytes:
        """What the service signs with: 32 random bytes in a file of its own beside the keys, made when it
        is first asked for. RefusedError when others may read it.
        """
        if self._secret is None:
            self._secret = self._read_secret(self.path.with_name(f"{self.path.stem}.secret"))
        return self._secret

    def _read_secret(self, path: Path) -> bytes:
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                _make_secret(path)
            if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise RefusedError(f"{path.name} can be read by others", hint=f"run `chmod 600 {path.name}`")
            found = bytes.fromhex(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise CannotCompareError(
                f"{path.name} cannot be read or made", hint="check [web] keys, or move the file away"
            ) from error
        if len(found) != _SECRET_BYTES:
            raise CannotCompareError(f"{path.name} is damaged", hint="move the file away; a new one is made")
        return found


class LinkKeyFile(_PrivateFile[LinkKey]):
    """The keys that links in mails are signed with: secrets, as long as they lie here."""

    form = _Form(
        "policyctl.link-keys/1",
        "keys for links",
        "[web] link_keys",
        "policyctl links rotate",
        _link_out,
        _link_in,
    )
