# SPDX-License-Identifier: Apache-2.0
"""Linked clauses -> the kinds of their change, and with what a change of form was made.

A section number alone is form, not a kind of its own that would stand beside the others: one
inserted section renumbers all that follow (``format`` says ``number``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations

from policyctl.core.diff.pieces import body_of
from policyctl.core.diff.redline import common_ends
from policyctl.core.policy import Clause, Document
from policyctl.core.revision import Kind
from policyctl.core.text.parse import BOLD_LEVEL, number_of, title_of
from policyctl.core.text.visible import LINK, folded, plain

_REORDERED = 3  # members of a link whose orders are all tried
_BOLD_AS = 4  # a bold line stands where others write a heading of the fourth level
_TARGET = re.compile(  # its first character is looked for quickly; without it nothing has to be tried
    r"[\]hHmM](?:(?<=\])\(\s*<?((?:[^()\s<>]|\([^()\s]*\))+)|(?i:(?<=h)ttps?://|(?<=m)ailto:)[^\s()<>\[\]\"]+)"
)
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/@\s]*@)?(?:www\.)?([^/:?#\s]+)", re.IGNORECASE)


def kinds_of(
    old: Document, new: Document, before: tuple[Clause, ...], after: tuple[Clause, ...], *, moved: bool
) -> tuple[frozenset[Kind], tuple[str, ...]]:
    """The kinds, never empty, and the ways in which form changed."""
    if not before or not after:
        kind = Kind.REMOVED if before else Kind.ADDED
        return frozenset({kind} if any(map(_words_of, before + after)) else {kind, Kind.FORMAT_ONLY}), ()
    kinds = {Kind.MOVED} if moved else set()
    raw_old, raw_new = _raw(old, before), _raw(new, after)
    if raw_old == raw_new:
        return frozenset(kinds or {Kind.UNCHANGED}), ()
    kinds |= _shape(before, after) | _wording(before, after)
    raw_old, raw_new = _differing(raw_old, raw_new)
    form = forms(raw_old, raw_new, before[0].heading, after[0].heading)
    if kinds & {Kind.REWORDED, Kind.RENAMED}:
        return frozenset(kinds), form
    if not kinds - {Kind.MOVED}:
        kinds.add(Kind.FORMAT_ONLY)
    return frozenset(kinds), form + looks(raw_old, raw_new, otherwise=bool(form))


def _raw(document: Document, clauses: tuple[Clause, ...]) -> str:
    return "".join([document.text[c.start : c.end] for c in clauses])


def _differing(raw_old: str, raw_new: str) -> tuple[str, str]:
    """The lines from the first that differs to the last."""
    head, tail = common_ends(raw_old, raw_new)
    head = raw_old.rfind("\n", 0, head) + 1
    stop = raw_old.find("\n", len(raw_old) - tail)
    tail = len(raw_old) - stop if stop >= 0 else 0
    return raw_old[head : len(raw_old) - tail], raw_new[head : len(raw_new) - tail]


def _shape(before: tuple[Clause, ...], after: tuple[Clause, ...]) -> set[Kind]:
    if len(before) > 1 and len(after) > 1:
        return {Kind.RESTRUCTURED}
    if len(before) > 1:
        return {Kind.MERGED}
    return {Kind.SPLIT} if len(after) > 1 else set()


def _wording(before: tuple[Clause, ...], after: tuple[Clause, ...]) -> set[Kind]:
    kinds = set()
    if not same_words(before, after):
        kinds.add(Kind.REWORDED)
    one, other = namesakes(before, after) or (before[0], after[0])
    if (one.level or other.level) and _title(one) != _title(other):
        kinds.add(Kind.RENAMED)
    if one.level and other.level and _rank(one) != _rank(other):
        kinds.add(Kind.RELEVELLED)
    return kinds


def namesakes(before: Sequence[Clause], after: Sequence[Clause]) -> tuple[Clause, Clause] | None:
    """The first old and new clause of a link that have one title: where clauses were merged or split,
    the one that kept its title need not be the first.
    """
    return next(((one, other) for one in before for other in after if _title(one) == _title(other)), None)


def _title(clause: Clause) -> str:
    return folded(title_of(clause.heading))


def same_words(before: Sequence[Clause], after: Sequence[Clause]) -> bool:
    """The bodies say the same. Where clauses were split or merged, a heading may have been a line
    of the text before, so the words are also compared with the headings counted in.
    """
    if _joined(before, body_of) == _joined(after, body_of):
        return True
    if len(before) == len(after) == 1:
        return False
    if _joined(before, _words_of) == _joined(after, _words_of):
        return True
    if max(len(before), len(after)) > _REORDERED:
        return False
    wholes = {_joined(way, body_of) for way in permutations(after)}  # parts may stand in another order
    return any(_joined(way, body_of) in wholes for way in permutations(before))


def _joined(clauses: Sequence[Clause], read: Callable[[Clause], str]) -> str:
    return folded(" ".join(filter(None, map(read, clauses))))


def _words_of(clause: Clause) -> str:
    """All the visible words, heading included, section number not."""
    words = body_of(clause)
    return f"{title_of(clause.heading)} {words}".strip() if clause.level else words


def cosmetic_as_a_whole(before: Sequence[Clause], after: Sequence[Clause]) -> bool:
    """The clauses, though cut differently, hold the same words in the same order."""
    return _joined(before, _words_of) == _joined(after, _words_of)


def _rank(clause: Clause) -> int:
    return _BOLD_AS if clause.level == BOLD_LEVEL else clause.level


def forms(raw_old: str, raw_new: str, heading_old: str, heading_new: str) -> tuple[str, ...]:
    """``link-domain``, ``link-target``, ``number``, ``typography``, ``markup``, ``white-space``."""
    found = []
    links_old, links_new = Counter(targets(raw_old)), Counter(targets(raw_new))
    if links_old != links_new:
        same = _hosts(links_old) == _hosts(links_new)
        found.append("link-target" if same else "link-domain")
    if number_of(heading_old) != number_of(heading_new):
        found.append("number")
    return tuple(found)


def looks(raw_old: str, raw_new: str, *, otherwise: bool) -> tuple[str, ...]:
    """How texts of the same words differ beside links and numbers; ``otherwise``: they do in those."""
    one, other = ("[".join(LINK.split(raw)) for raw in (raw_old, raw_new))  # no target, but where links are
    if one == other:
        return ()
    bare_one, bare_other = plain(one).replace(" ", ""), plain(other).replace(" ", "")
    if bare_one == bare_other:
        return ("white-space",)
    if folded(bare_one) == folded(bare_other):
        return ("typography",)
    letters = [re.sub(r"[\W_]+", "", bare) for bare in (bare_one, bare_other)]
    return ("markup",) if letters[0] == letters[1] or not otherwise else ()


def targets(text: str) -> list[str]:
    """Where the links of a text lead, in order."""
    return [found[1] or found[0] for found in _TARGET.finditer(text)]


def _hosts(links: Counter[str]) -> set[str]:
    return {m[1].casefold() for link in links if (m := _HOST.match(link))}
