# SPDX-License-Identifier: Apache-2.0
"""Insertions that meet at the end of a paragraph which stays.

LibreOffice (seen in 7.4) takes an insertion that ends a paragraph and one that begins the next for
one, with the end of the paragraph between them, and joins the two when the changes are rejected. The
same changes can be written so that nothing has to be told apart there:

1. Paragraphs inserted behind such an end: the end that stays goes to the last of them, as if someone
   had typed on behind the text. It takes its old style back when the changes are rejected.
2. A paragraph that stays and begins with inserted words: its first kept word is deleted and inserted
   again with them, so that it begins with a deletion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from policyctl.reports.docx.values import Mark, Paragraph, Stretch

_WORD = re.compile(r"\s*\S+\s*")


def told_apart(flow: Sequence[Paragraph]) -> tuple[Paragraph, ...]:
    """The same changes, no two insertions meeting at the end of a paragraph that stays."""
    written: list[Paragraph] = []
    at = 0
    while at < len(flow):
        paragraph = _begun(written, flow[at])
        last = at + 1
        while _open_ended(paragraph) and last < len(flow) and flow[last].is_new:
            last += 1
        written += _typed_on(paragraph, flow[at + 1 : last])
        at = last
    return tuple(written)


def _open_ended(paragraph: Paragraph) -> bool:
    return paragraph.end is Mark.KEPT and _ends_inserted(paragraph)


def _ends_inserted(paragraph: Paragraph) -> bool:
    return bool(paragraph.stretches) and paragraph.stretches[-1].mark is Mark.INSERTED


def _typed_on(paragraph: Paragraph, new: Sequence[Paragraph]) -> Iterator[Paragraph]:
    """1. ``paragraph``, and the new ones behind it, the last with its end."""
    if not new:
        yield paragraph
        return
    before = paragraph.was or paragraph.style
    yield replace(paragraph, end=Mark.INSERTED, was=None)
    yield from new[:-1]
    yield replace(new[-1], end=Mark.KEPT, was=before if before != new[-1].style else None)


def _begun(written: Sequence[Paragraph], paragraph: Paragraph) -> Paragraph:
    """2. ``paragraph`` as it may stand behind the last one written."""
    stays = written and written[-1].end in {Mark.KEPT, Mark.DELETED} and _ends_inserted(written[-1])
    count = next((n for n, each in enumerate(paragraph.stretches) if each.mark is not Mark.INSERTED), 0)
    if not stays or not count:
        return paragraph
    inserted, follows, rest = (
        paragraph.stretches[:count],
        paragraph.stretches[count],
        paragraph.stretches[count + 1 :],
    )
    if follows.mark is Mark.DELETED:
        return replace(paragraph, stretches=(follows, *inserted, *rest))
    word = _WORD.match(follows.text)
    if follows.mark is not Mark.KEPT or word is None:
        return paragraph
    deleted, again = (Stretch(mark, word[0], follows.face) for mark in (Mark.DELETED, Mark.INSERTED))
    kept = (replace(follows, text=follows.text[word.end() :]),) if follows.text[word.end() :] else ()
    return replace(paragraph, stretches=(deleted, *inserted, again, *kept, *rest))
