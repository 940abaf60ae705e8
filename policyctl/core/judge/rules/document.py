# SPDX-License-Identifier: Apache-2.0
"""PC221 to PC231: the text itself: how changes are announced, its date, its languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from policyctl.core.judge.catalogue import Lexicon, find_hits
from policyctl.core.judge.findings import Confidence, Direction, Finding, Severity
from policyctl.core.judge.rules.rule import Draft, Rule, View
from policyctl.core.policy import ChangeClass, Clause, Document
from policyctl.core.revision import Kind
from policyctl.core.text.day_in_words import effective_day, without_days
from policyctl.core.text.sentences import Sentence

Found = tuple[Finding, ...]
_NEITHER = Direction.NEUTRAL
_WORDS_CHANGED = frozenset({
    Kind.REWORDED, Kind.ADDED, Kind.REMOVED, Kind.SPLIT, Kind.MERGED, Kind.RESTRUCTURED, Kind.RENAMED,
})  # fmt: skip


def change_process_missing(view: View, _: Found) -> Iterator[Draft]:
    """The old text said that readers are told of changes, and no sentence of the new one does."""
    lexicon = view.catalogue.lexicons.get(view.language)
    if lexicon is None or view.language != view.old_language:
        return
    kept = {sentence.words for sentence in view.sentences}
    gone = (sentence for sentence in view.old_sentences if sentence.words not in kept)
    before = next((sentence for sentence in gone if _tells_of_changes(sentence, lexicon)), None)
    if before and not any(_tells_of_changes(sentence, lexicon) for sentence in view.sentences):
        yield Draft(
            "The text no longer says how readers are told of changes.",
            Direction.EXPANDS,
            ("other",),
            clause=before.clause,
            before=before.text,
        )


def _tells_of_changes(sentence: Sentence, lexicon: Lexicon) -> bool:
    cues = {hit.id for hit in find_hits(sentence.words, lexicon) if hit.kind == "cue"}
    return {"announce", "notify"} <= cues


def check_back(view: View, _: Found) -> Iterator[Draft]:
    """A sentence is new that sends readers to look for changes themselves."""
    lexicon = view.catalogue.lexicons.get(view.language)
    if lexicon is None or view.language != view.old_language:
        return
    known = {sentence.words for sentence in view.old_sentences}
    if any(_sends_back(sentence, lexicon) for sentence in view.old_sentences):
        return
    for sentence in view.sentences:
        if sentence.words not in known and _sends_back(sentence, lexicon):
            yield Draft(
                "Readers are sent to look for changes themselves.",
                _NEITHER,
                ("other",),
                clause=sentence.clause,
                line=sentence.line,
                after=sentence.text,
            )


def _sends_back(sentence: Sentence, lexicon: Lexicon) -> bool:
    return any(hit.kind == "cue" and hit.id == "check_back" for hit in find_hits(sentence.words, lexicon))


def locale_drift(view: View, _: Found) -> Iterator[Draft]:
    """A translation lags; or the two texts are in different languages, or in one that cannot be read here."""
    yield from _translated(view)
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


def _translated(view: View) -> Iterator[Draft]:
    """Translations that lack a clause of the text, have one of their own, or are of another date."""
    new = view.context.new
    for translation in view.context.translations if new else ():
        file, other = translation.file, translation.policy
        if new and other.effective != new.effective:
            days = (other.effective or "no day", new.effective or "no day")
            what = f"{file} takes effect on {days[0]}, the text on {days[1]}"
            yield _drift(what, None)
        yield from _unlike(view.revision.new, other.document, file)


def _unlike(text: Document, other: Document, file: str) -> Iterator[Draft]:
    """By their anchors; where there are none, which name clauses in every language, by their number."""
    ours = {clause.id: clause for clause in text.clauses if clause.explicit_id}
    theirs = {clause.id for clause in other.clauses if clause.explicit_id}
    for name, clause in ours.items():
        if name not in theirs:
            yield _drift(f"{file} has no clause {{#{name}}}", clause)
    for name in sorted(theirs - set(ours)):
        yield _drift(f"{file} has a clause {{#{name}}}, which the text does not have", None)
    counts = [sum(bool(clause.heading) for clause in each.clauses) for each in (text, other)]
    if set(ours) == theirs and counts[0] != counts[1]:
        yield _drift(f"{file} has {counts[1]} clauses, the text {counts[0]}", None)


def _drift(what: str, clause: Clause | None) -> Draft:
    return Draft(
        f"The translation lags: {what}.",
        _NEITHER,
        ("structure",),
        clause=clause.id if clause else None,
        line=clause.line if clause else None,
        severity=Severity.ERROR,
        mend="Bring the translation up to the text: the same clauses, each with its anchor {#id}, and the "
        "same effective date.",
    )


def date_not_bumped(view: View, _: Found) -> Iterator[Draft]:
    """The words changed and the date the text shows did not; or the other way round."""
    sides = [each.text[each.body :] for each in (view.revision.old, view.revision.new)]
    before, after = map(effective_day, sides)
    if before is None or after is None or not (changed := _reworded(view)):
        return
    line = _line_of(after, view.revision.new)
    if before == after:
        told = f"The words changed, and the text still shows {after} as its date."
        yield _date(told, line, "Write the day of this version where the text shows its date.")
    elif len({tuple(without_days(" ".join(side)).split()) for side in zip(*changed, strict=True)}) == 1:
        told = f"The date shown went from {before} to {after}, and no other word changed."
        yield _date(told, line, "Leave the date as it was, or say what changed.")


def _date(message: str, line: int | None, mend: str) -> Draft:
    return Draft(message, _NEITHER, ("effective_date",), line=line, mend=mend)


def _reworded(view: View) -> list[tuple[str, str]]:
    """The visible words, before and after, of every clause whose words changed."""
    return [
        (_visible(change.old), _visible(change.new))
        for change in view.revision.clauses
        if change.kinds & _WORDS_CHANGED and Kind.FORMAT_ONLY not in change.kinds
    ]


def _visible(clauses: Iterable[Clause]) -> str:
    return " ".join(block.visible for clause in clauses for block in clause.blocks)


def _line_of(day: date, document: Document) -> int | None:
    lines = document.text[document.body :].split("\n")
    first = document.text.count("\n", 0, document.body) + 1
    return next((n for n, line in enumerate(lines, start=first) if effective_day(line) == day), None)


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
        "PC223",
        "date-not-bumped",
        "The words changed and the date the text shows did not, or the date alone changed.",
        "Readers tell by the date whether they have read this text before.",
        "",
        "Write the day of this version where the text shows its date.",
        date_not_bumped,
        ChangeClass.EDITORIAL,
        material=False,
    ),
    Rule(
        "PC231",
        "locale-drift",
        "A translation lacks a clause or its date lags; or the text is in a language that cannot be judged.",
        "What nobody compared may say anything.",
        "Minnesota 325M.16 subd. 1(c)",
        "Let a person who reads both languages compare them.",
        locale_drift,
        ChangeClass.EDITORIAL,
        material=False,
    ),
)
