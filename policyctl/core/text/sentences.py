# SPDX-License-Identifier: Apache-2.0
"""A document as a row of sentences, each knowing its clause, its line and the words that lead into it.

A list item means little alone: "We share your data with:" is what makes of "advertisers" a disclosure.
So every sentence carries the words of its lead-in (the open sentence above that ends in a colon) and of
the headings above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policyctl.core.policy import Block, Document
from policyctl.core.text.words import folded, split_sentences

_NUMBER = re.compile(r"^\(?(?:\d+(?:\.\d+)*|[a-z]|[ivx]{1,4})[.)]\)?\s+(?=\S)", re.IGNORECASE)  # of a list
_LONGEST_LEAD = 60  # words; a longer run before a colon is a paragraph of its own


@dataclass(frozen=True, slots=True)
class Sentence:
    """``words`` are in compared form; ``lead`` and ``title`` the words that lead in, in the same form."""

    text: str
    words: tuple[str, ...]
    clause: str
    line: int
    kind: str
    lead: tuple[str, ...] = ()
    title: tuple[str, ...] = ()


def sentences(document: Document) -> tuple[Sentence, ...]:
    """All sentences of a document in order; headings are sentences of the kind ``heading``."""
    return tuple(_read(document))


def _read(document: Document) -> Iterator[Sentence]:
    lead: tuple[str, ...] = ()
    for clause in document.clauses:
        title = folded(" ".join(clause.path or (clause.heading,)))
        for block in clause.blocks:
            if block.kind not in {"item", "row"} and not _continues(block):
                lead = ()
            for text in split_sentences(block.visible):
                words = folded(_NUMBER.sub("", text)) or folded(text)
                yield Sentence(text, words, clause.id, block.line, block.kind, lead, title)
                if text.endswith(":") and len(words) <= _LONGEST_LEAD:
                    lead = words


def _continues(block: Block) -> bool:
    """A paragraph that goes on with the list above: it opens in lower case or with a list number."""
    first = block.visible[:1]
    return first.islower() or first in {"(", "-", "\u2022"}
