# SPDX-License-Identifier: Apache-2.0
"""The history of every clause of a text: of the published versions of a policy, or of any file in git.

1. ``SLUG`` stands for its published versions; where there are none, for its commits up to HEAD.
2. ``SLUG@v3`` stands for the versions up to that one.
3. ``REV:path`` stands for the commits up to that revision, along first parents, renames followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from policyctl.actions.versions.sources import (
    TEXT,
    Reading,
    load_version,
    missing_policy,
    repository,
    slugs_in_tree,
)
from policyctl.adapters.files import decode
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.names import shown, version_key
from policyctl.adapters.repository.walk import FileState, walk
from policyctl.core.diff.clause_history import ClauseHistory, Lineage, State, follow
from policyctl.core.formats.slugs import check_slug
from policyctl.core.policy import Document
from policyctl.core.suggest import nearest
from policyctl.core.text.parse import parse
from policyctl.errors import CannotCompareError, InputError, UsageError

_REMEMBERED = 8  # parsed texts; histories go back and forth between few


@dataclass(frozen=True, slots=True)
class Traced:
    """What was followed: the source as the user named it, its lineage, and what was left out."""

    source: str
    lineage: Lineage
    remarks: tuple[str, ...] = ()


def lineage(spec: str, *, reading: Reading, words: bool = False) -> Traced:
    """Follow the clauses of what ``spec`` names through its history; with ``words`` its sentences too.
    CannotCompareError when there is no such thing, or the clone does not hold all of its history.
    """
    history = repository(reading)
    remarks: list[str] = []
    found = follow(_states(spec, history, reading, remarks), words=words)
    if not found.points:
        raise CannotCompareError(f"{spec} has no readable text", hint="; ".join(remarks))
    return Traced(spec, found, tuple(remarks))


def clause_named(traced: Traced, name: str) -> ClauseHistory:
    """The clause with that id (one it has or had) or heading; those that still stand come first."""
    clauses = traced.lineage.clauses
    for known in (
        lambda each: name == each.id,
        lambda each: name in each.names,
        lambda each: _same(each, name),
    ):
        found = next(filter(known, clauses), None)
        if found is not None:
            return found
    near = nearest(name, [each.id for each in clauses])
    hint = f"did you mean {near!r}?" if near else "list the clauses with `policyctl log` and no clause"
    raise UsageError(f"{traced.source} has and had no clause {name!r}", hint=hint)


def _same(history: ClauseHistory, heading: str) -> bool:
    return history.clause.heading.casefold() == heading.casefold()


def _states(spec: str, history: History, reading: Reading, remarks: list[str]) -> Iterator[State]:
    key = version_key(spec)
    if key is not None:
        history.version(key)
        yield from _versions(key.slug, key.number, history, reading)
    elif ":" in spec:
        name, _, path = spec.partition(":")
        yield from _commits(history, history.resolve(name), path, reading, remarks)
    elif history.versions(_slug(spec)):
        yield from _versions(spec, None, history, reading)
    else:
        yield from _unpublished(spec, history, reading, remarks)


def _slug(spec: str) -> str:
    if "/" in spec or "." in spec:
        raise UsageError(
            f"{spec!r} is no policy and no file of a revision",
            hint=f"write HEAD:{spec.removeprefix('./')} for a file in git",
        )
    return check_slug(spec)


def _unpublished(slug: str, history: History, reading: Reading, remarks: list[str]) -> Iterator[State]:
    path = f"policies/{slug}/{TEXT}"
    head = history.head()
    if history.entry(head, path) is None:
        raise missing_policy(slug, slugs_in_tree(history))
    yield from _commits(history, head, path, reading, remarks)


def _versions(slug: str, last: int | None, history: History, reading: Reading) -> Iterator[State]:
    for marked in history.published(slug):
        number = marked.key.number
        if last is None or number <= last:
            source = load_version(marked, reading)
            yield State(f"v{number}", marked.published_at, source.file, source.side.sha256, source.document)


def _commits(
    history: History, commit: str, path: str, reading: Reading, remarks: list[str]
) -> Iterator[State]:
    if history.is_shallow:
        raise CannotCompareError(
            "this clone is shallow, so the beginning of the history is missing",
            hint="fetch the rest with `git fetch --unshallow`",
        )
    history.read(commit, path, max_bytes=reading.max_bytes)  # says what is wrong with the path, if anything
    parsed: dict[str, Document] = {}
    for each in walk(history.runner, commit, path):
        document = parsed.pop(each.blob, None) or _document(each, history, reading, remarks)
        if document is None:
            continue
        parsed[each.blob] = document
        if len(parsed) > _REMEMBERED:
            del parsed[next(iter(parsed))]
        yield State(each.commit[:12], each.at, each.path, each.blob, document)


def _document(state: FileState, history: History, reading: Reading, remarks: list[str]) -> Document | None:
    """None, and a remark, for a state that is no text: nobody can mend what is committed long ago."""
    file = f"{state.commit[:12]}:{state.path}"
    try:
        data = history.blob(state.blob, shown(state.path), max_bytes=reading.max_bytes)
        return parse(decode(data, file=file), file=file)
    except InputError as error:
        remarks.append(f"left out: {error}")
        return None
