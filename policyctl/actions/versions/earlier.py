# SPDX-License-Identifier: Apache-2.0
"""Which two texts ``diff`` compares.

1. Two texts named: these.
2. One text named: with what it was before. ``SLUG`` with its last published version, ``SLUG@v3`` with
   ``SLUG@v2``, a file of the work tree with the one at HEAD, ``REV:path`` with the commit before REV.
3. One text and ``--since``: with what it was then, however many steps lie between. For a policy that is
   ``v1``, ``SLUG@v1`` or a revision; for any other text a revision, or ``REV:path`` under its old name.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace

from policyctl.actions.places import is_there
from policyctl.actions.versions.sources import TEXT, Reading, Source, load_committed, load_source, repository
from policyctl.adapters.repository.names import version_key
from policyctl.core.policy import VersionKey
from policyctl.errors import CannotCompareError, UsageError

_VERSION = re.compile(r"v[1-9][0-9]{0,5}", re.ASCII)


def both_sides(old: str, new: str | None, since: str | None, *, reading: Reading) -> tuple[Source, Source]:
    """The earlier and the later text. CannotCompareError or InputError when one cannot be read,
    UsageError when the names cannot be meant.
    """
    if new is not None and since is not None:
        raise UsageError(
            "with two texts named there is nothing left for --since to say",
            hint="name the later text alone, or leave --since out",
        )
    if new is not None:
        return _read(old, reading), _read(new, reading)
    later = _read(old, reading)
    earlier = _before(old, later, reading) if since is None else _since(since, old, later, reading)
    return earlier, later


def _read(spec: str, reading: Reading) -> Source:
    here, history, limit = reading.here, reading.history, reading.max_bytes
    return load_source(spec, here=here, history=history, taxonomy=reading.taxonomy, max_bytes=limit)


def _before(spec: str, later: Source, reading: Reading) -> Source:
    key = version_key(spec)
    if key is not None:
        return _read(str(_version_before(key)), reading)
    if later.slug:
        return _read(str(_last_version(later.slug, reading)), reading)
    if is_there(reading.here / spec):
        return _then("HEAD", _path_of(spec, reading), reading)
    name, _, path = spec.partition(":")
    try:
        repository(reading).resolve(f"{name}~1")
    except CannotCompareError as error:
        raise CannotCompareError(
            f"nothing comes before {name}, so there is nothing to compare it with",
            hint="name two texts, or an earlier revision with --since",
        ) from error
    return _then(f"{name}~1", path, reading)


def _version_before(key: VersionKey) -> VersionKey:
    if key.number == 1:
        raise CannotCompareError(
            f"{key} is the first version, so there is nothing to compare it with",
            hint=f"see what changed after it with `policyctl diff {key.slug} --since v1`",
        )
    return VersionKey(key.slug, key.number - 1)


def _last_version(slug: str, reading: Reading) -> VersionKey:
    published = repository(reading).published(slug)
    if not published:
        raise CannotCompareError(
            f"no version of {slug} is published yet",
            hint=f"compare it with a commit: `policyctl diff {slug} --since HEAD`",
        )
    return published[-1].key


def _since(since: str, spec: str, later: Source, reading: Reading) -> Source:
    if version_key(since) is not None or ":" in since:
        return _read(since, reading)
    if not later.slug:
        path = _path_of(spec, reading) if is_there(reading.here / spec) else spec.partition(":")[2]
        return _then(since, path, reading)
    if _VERSION.fullmatch(since):
        wanted, key = VersionKey(later.slug, int(since[1:])), version_key(spec)
        if key is not None and wanted >= key:
            raise UsageError(f"{since} is not before {key}", hint="name an earlier version with --since")
        return _read(str(wanted), reading)
    commit = repository(reading).resolve(since)
    source = load_committed(later.slug, commit, reading)
    return replace(source, side=replace(source.side, source=f"{since}:policies/{later.slug}/{TEXT}"))


def _then(revision: str, path: str, reading: Reading) -> Source:
    """The file at a revision."""
    history = repository(reading)
    if history.entry(history.resolve(revision), path) is None:
        raise CannotCompareError(
            f"there is no {path} at {revision}",
            hint="name it as it was called then, such as --since HEAD~3:old/name.md",
        )
    return _read(f"{revision}:{path}", reading)


def _path_of(spec: str, reading: Reading) -> str:
    """A file's path from the top of the repository."""
    root = repository(reading).root
    path = os.path.relpath(os.path.normpath(reading.here / spec), root)
    if path.startswith(".."):
        raise CannotCompareError(
            f"{spec} is not in the repository at {root}", hint="name the text to compare it with"
        )
    return path
