# SPDX-License-Identifier: Apache-2.0
"""PC221 to PC251: the text itself: how changes are announced, its language, letters and structure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace

from policyctl.core.judge.findings import Confidence, Direction, Finding, Severity
from policyctl.core.judge.rules.rule import Draft, Rule, View, from_words
from policyctl.core.policy import ChangeClass, Clause, Document

Found = tuple[Finding, ...]
_NEITHER = Direction.NEUTRAL
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_HIDDEN = re.compile("(?<=[A-Za-z])[\u200b\u2060\ufeff\u00ad]+(?=[A-Za-z])|[\U000e0000-\U000e007f]")
_CLAIMED = re.compile(r"\{#([^}\s]+)\}\s*#*\s*$")
_WORD = re.compile(r"[^\W\d_]{3,}")
_ANCHOR = re.compile(r"\]\(#([^)\s]+)\)")


def change_process_missing(view: View, _: Found) -> Iterator[Draft]:
    """The policy no longer says how changes are announced."""
    for shift in view.words("process", Direction.EXPANDS):
        yield from_words(shift, "How changes are announced is no longer said", main="other")


def check_back(view: View, _: Found) -> Iterator[Draft]:
    """The advice "check this page regularly" stands in for telling people."""
    for shift in view.words("check_back", _NEITHER):
        yield from_words(shift, "Readers are sent to look for changes themselves", main="other")


def locale_drift(view: View, _: Found) -> Iterator[Draft]:
    """The two texts are in different languages, or in one that cannot be read here."""
    if view.language == view.old_language and view.language:
        return
    if view.revision.old.text[view.revision.old.body :] == view.revision.new.text[view.revision.new.body :]:
        return
    switched = view.language != view.old_language
    yield Draft(
        "The text is in another language than before; a person must compare the two."
        if switched
        else "No word list knows the language of this text; a person must judge the changes.",
        _NEITHER,
        ("other",),
        line=1,
        confidence=Confidence.UNDECIDED,
        material=not switched,
    )


def deceptive_text(view: View, _: Found) -> Iterator[Draft]:
    """Characters that make the text read other than it displays, new with this revision."""
    old = view.revision.old.text
    for number, line in enumerate(view.revision.new.text.split("\n"), start=1):
        if line in old:
            continue
        for what in filter(None, (_controls(line), _mixed(line))):
            yield Draft(f"{what} on line {number}.", _NEITHER, ("structure",), line=number)


def _controls(line: str) -> str:
    found = _BIDI.search(line) or _HIDDEN.search(line)
    return f"An invisible character (U+{ord(found[0][0]):04X})" if found else ""


def _mixed(line: str) -> str:
    """A word of Latin letters with Cyrillic or Greek ones among them."""
    if line.isascii():
        return ""
    for word in _WORD.findall(line):
        scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in word if not letter.isascii()}
        if scripts & {"CYRILLIC", "GREEK"} and any(letter.isascii() for letter in word):
            return f"The word \u201c{word}\u201d mixes alphabets"
    return ""


def structure(view: View, _: Found) -> Iterator[Draft]:
    """Duplicate ids, links to clauses that are not there, clauses without text."""
    if view.context.new is None:
        return
    clauses = view.revision.new.clauses
    ids = {clause.id for clause in clauses}
    yield from _twice(view.revision.new)
    for target in dict.fromkeys(_ANCHOR.findall(view.revision.new.text)):
        if target not in ids:
            yield _flaw(f"A link leads to \u201c#{target}\u201d, which is no clause.", None)
    for clause, after in zip(clauses, (*clauses[1:], None), strict=True):
        if _is_empty(clause, after):
            yield _flaw(f"The clause \u201c{clause.heading}\u201d has no text.", clause)


def _is_empty(clause: Clause, after: Clause | None) -> bool:
    """No words of its own, and no clause below it either."""
    bare = all(block.kind == "heading" or not block.visible for block in clause.blocks)
    return bool(clause.heading) and bare and not (after and after.level > clause.level)


def _twice(document: Document) -> Iterator[Draft]:
    """Anchors that two headings claim; the parser gives the second clause another id, so it is asked here."""
    seen: set[str] = set()
    for clause in document.clauses:
        line = document.text[clause.start : clause.end].split("\n", 1)[0]
        anchor = _CLAIMED.search(line)
        if anchor and anchor[1] in seen:
            flaw = _flaw(f"The clause id \u201c{anchor[1]}\u201d stands twice.", clause)
            yield replace(flaw, severity=Severity.ERROR)
        if anchor:
            seen.add(anchor[1])


def _flaw(message: str, clause: Clause | None) -> Draft:
    return Draft(
        message, _NEITHER, ("structure",), clause.id if clause else None, clause.line if clause else None
    )


RULES = (
    Rule(
        "PC221",
        "change-process-missing",
        "The policy no longer says how changes are announced.",
        "People must know how they will learn of a change.",
        "CalOPPA 22575(b)(3)",
        "Put back how changes are announced.",
        change_process_missing,
        material=False,
    ),
    Rule(
        "PC222",
        "check-back",
        "\u201cCheck this page regularly\u201d stands in for telling people.",
        "Looking for changes is not the reader's duty.",
        "WP260 para 29",
        "Say how people are told.",
        check_back,
        ChangeClass.EDITORIAL,
        material=False,
    ),
    Rule(
        "PC231",
        "locale-drift",
        "The text changed its language, or is in one that cannot be judged here.",
        "What nobody compared may say anything.",
        "Minnesota 325M.16 subd. 1(c)",
        "Let a person who reads both languages compare them.",
        locale_drift,
        material=False,
    ),
    Rule(
        "PC241",
        "deceptive-text",
        "Invisible or look-alike characters make the text read other than it displays.",
        "A reviewer approves what is shown, not what is stored.",
        "",
        "Remove the character; write the word anew.",
        deceptive_text,
        ChangeClass.EDITORIAL,
        forced=True,
        material=False,
        severity=Severity.ERROR,
    ),
    Rule(
        "PC251",
        "structure",
        "Duplicate ids, links to clauses that are not there, clauses without text.",
        "Practices, links and choices hang on the ids of clauses.",
        "",
        "Give each clause its own anchor, mend the link, or remove the empty clause.",
        structure,
        ChangeClass.EDITORIAL,
        material=False,
    ),
)
