# SPDX-License-Identifier: Apache-2.0
"""PC251: ids, links, levels, empty clauses, and what was left over from writing."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from policyctl.core.judge.findings import Direction, Finding, Severity
from policyctl.core.judge.rules.rule import Draft, Rule, View
from policyctl.core.policy import ChangeClass, Clause, Document
from policyctl.core.text.parse import clause_at

Found = tuple[Finding, ...]
_MOST = 20
_CLAIMED = re.compile(r"\{#([^}\s]+)\}\s*#*\s*$")
_ANCHOR = re.compile(r"\]\(#([^)\s]+)\)")
_TARGET = re.compile(
    r"\]\(\s*<?([^)>\n]{1,400})|^ {0,3}\[[^\]\n]{1,200}\]:\s*<?(\S{1,400})"
    r"|<([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>]{1,400})>"
    r"|\b(?:href|src|action)\s*=\s*[\"']?([^\"'>\n]{1,400})",
    re.MULTILINE | re.IGNORECASE,
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):")
_PLAIN_SCHEMES = frozenset({"https", "mailto", "tel"})
_RUNNING = frozenset({"javascript", "vbscript", "data", "file", "blob", "livescript", "jar"})
_RESIDUE = re.compile(
    r"\{\{|\}\}|\{%|%\}|<%|%>|\$\{\w"
    r"|\[(?:insert|your company|company name|name of company|date)\b[^\]\n]{0,60}\](?![(\[])"
    r"|\blorem ipsum\b|^<{7}\s",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--(.*?)(?:-->|\Z)", re.DOTALL)
_LETTERS = re.compile(r"[^\W\d_]{2}")
_DEEPEST = 6  # levels of Markdown headings; bold lines stand beside them


def structure(view: View, _: Found) -> Iterator[Draft]:
    """Ids claimed twice, links that lead nowhere or run something, clauses without text, skipped levels,
    template marks, comments. Plain Markdown is asked for running links only: it never promised the rest.
    """
    yield from islice(_running_links(view), _MOST)
    if view.context.new is None:
        return
    yield from _of_the_whole(view.revision.new)
    yield from islice(_of_fresh_lines(view), _MOST)
    yield from islice(_comments(view), _MOST)


def _of_the_whole(document: Document) -> Iterator[Draft]:
    ids = {clause.id for clause in document.clauses}
    yield from _twice(document)
    for target in dict.fromkeys(_ANCHOR.findall(document.text)):
        if target not in ids:
            yield _flaw(f"A link leads to \u201c#{target}\u201d, which is no clause.")
    above = 0
    for clause, after in zip(document.clauses, (*document.clauses[1:], None), strict=True):
        if _is_empty(clause, after):
            yield _flaw(f"The clause \u201c{clause.heading}\u201d has no text.", clause)
        if 0 < clause.level <= _DEEPEST:
            if above and clause.level > above + 1:
                yield _flaw(
                    f"The heading \u201c{clause.heading}\u201d skips from level {above} to {clause.level}.",
                    clause,
                )
            above = clause.level


def _is_empty(clause: Clause, after: Clause | None) -> bool:
    """No words of its own, and no clause below it either."""
    bare = all(block.kind == "heading" or not block.visible for block in clause.blocks)
    return bool(clause.heading) and bare and not (after and after.level > clause.level)


def _twice(document: Document) -> Iterator[Draft]:
    """Anchors that two headings claim, also in another case or spelled with look-alike forms of a letter;
    the parser gives the second clause another id, so it is asked here.
    """
    seen: set[str] = set()
    for clause in document.clauses:
        line = document.text[clause.start : clause.end].split("\n", 1)[0]
        anchor = _CLAIMED.search(line)
        name = unicodedata.normalize("NFKC", anchor[1]).casefold() if anchor else ""
        if anchor and name in seen:
            flaw = _flaw(f"The clause id \u201c{anchor[1]}\u201d stands twice.", clause)
            yield replace(flaw, severity=Severity.ERROR)
        if anchor:
            seen.add(name)


def _targets(line: str) -> Iterator[str]:
    """What the links of a line lead to, as a browser reads it: entities read, white space left out."""
    for found in _TARGET.finditer(line):
        written = next(filter(None, found.groups()))
        yield re.sub(r"[\x00-\x20\u200b\u00ad]", "", html.unescape(written)).lower()


def _running_links(view: View) -> Iterator[Draft]:
    for number, line in view.fresh_lines():
        for target in _targets(line) if ":" in line or "&" in line else ():
            found = _SCHEME.match(target)
            if found and found[1] in _RUNNING:
                what = f"A link runs or opens something instead of leading to a page ({found[1]}:)."
                yield replace(_at(view, number, what), severity=Severity.ERROR)


def _of_fresh_lines(view: View) -> Iterator[Draft]:
    for number, line in view.fresh_lines():
        for target in _targets(line):
            found = _SCHEME.match(target)
            if found and found[1] not in _PLAIN_SCHEMES | _RUNNING:
                yield _at(view, number, f"A link is not https: {target[:80]}.")
            elif re.match(r"[/\\]{2}", target):
                yield _at(view, number, f"A link leads to another host without saying https: {target[:80]}.")
        if residue := _RESIDUE.search(line):
            what = f"A mark of a template or of a merge was left in the text: {residue[0].strip()}"
            yield replace(_at(view, number, f"{what}."), severity=Severity.ERROR)


def _comments(view: View) -> Iterator[Draft]:
    fresh = {number for number, _ in view.fresh_lines()}
    text, line, place = view.revision.new.text, 1, 0
    for found in _COMMENT.finditer(text):
        line, place = line + text.count("\n", place, found.start()), found.start()
        touched = range(line, line + found[0].count("\n") + 1)
        if _LETTERS.search(found[1]) and not fresh.isdisjoint(touched):
            yield _at(view, line, "A comment is in the file and not in what readers see.")


def _at(view: View, line: int, message: str) -> Draft:
    clause = clause_at(view.revision.new, line)
    return Draft(
        f"{message[:-1]}, on line {line}.", Direction.NEUTRAL, ("structure",),
        clause=clause.id if clause else None, line=line,
    )  # fmt: skip


def _flaw(message: str, clause: Clause | None = None) -> Draft:
    return Draft(
        message,
        Direction.NEUTRAL,
        ("structure",),
        clause.id if clause else None,
        clause.line if clause else None,
    )


RULES = (
    Rule(
        "PC251",
        "structure",
        "Ids claimed twice, links that lead nowhere or run something, clauses without text, skipped heading "
        "levels, marks of a template, comments.",
        "Practices, links and choices hang on the ids of clauses; readers hang on what they are shown.",
        "",
        "Give each clause its own anchor, mend the link or the level, fill in or remove what is left over.",
        structure,
        ChangeClass.EDITORIAL,
        material=False,
    ),
)
