# SPDX-License-Identifier: Apache-2.0
"""One text and the changes -> the other text. The proof that a redline loses nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from policyctl.core.diff.redline import new_text, old_text
from policyctl.core.revision import BlockChange, Revision, Run, Span


def rebuild_new(text: str, revision: Revision) -> str:
    """The new text from the old one; of the revision only spans and runs are read."""
    front = new_text(revision.front) if revision.front else text[: revision.old.body]
    return front + _rebuilt(text, revision, lambda block: block.new, lambda block: block.old, new_text)


def rebuild_old(text: str, revision: Revision) -> str:
    """The old text from the new one."""
    front = old_text(revision.front) if revision.front else text[: revision.new.body]
    return front + _rebuilt(text, revision, lambda block: block.old, lambda block: block.new, old_text)


def _rebuilt(
    text: str,
    revision: Revision,
    wanted: Callable[[BlockChange], Span | None],
    given: Callable[[BlockChange], Span | None],
    read: Callable[[tuple[Run, ...]], str],
) -> str:
    """The pieces of the wanted side in their order; a change without runs repeats the given text."""
    pieces: list[tuple[int, str]] = []
    for block in _blocks(revision):
        target, source = wanted(block), given(block)
        if target and (block.runs or source):
            kept = text[source.start : source.end] if source else ""
            pieces.append((target.start, read(block.runs) if block.runs else kept))
    return "".join(piece for _, piece in sorted(pieces, key=lambda item: item[0]))


def _blocks(revision: Revision) -> Iterable[BlockChange]:
    return chain.from_iterable(change.blocks for change in revision.clauses)
