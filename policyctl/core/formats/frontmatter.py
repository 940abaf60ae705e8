# SPDX-License-Identifier: Apache-2.0
"""``policy.md`` -> ``PolicyText``: the front matter as values, and the document below it.

The keys (docs/reference/files.md): ``title`` (required), ``language``, ``effective``, and ``change`` with
``class``, ``decided_by``, ``summary``, ``impact``, ``transition``, ``waivers`` and ``assessments``.
Unknown keys are refused. Whether a summary or a date may be absent is for the rules to say: a draft has
neither.
"""

from __future__ import annotations

import re
from datetime import date

from policyctl.core.formats.complaints import Complaints, dotted
from policyctl.core.formats.yamltext import YamlMap, YamlNode, read_yaml
from policyctl.core.policy import Assessment, ChangeClass, ChangeDecision, PolicyText, Transition, Waiver
from policyctl.core.suggest import did_you_mean
from policyctl.core.text.parse import parse
from policyctl.errors import InputError, Place

KEYS = ("title", "language", "effective", "change")
CHANGE_KEYS = ("class", "decided_by", "summary", "impact", "transition", "waivers", "assessments")
TRANSITION_KEYS = ("old_controller", "new_controller", "on")
ASSESSMENT_WORDS = ("link", "context", "nature", "consequences", "safeguards")
ASSESSMENT_KEYS = ("practice", *ASSESSMENT_WORDS, "author", "date")
WAIVER_KEYS = ("rule", "clause", "reason", "approved_by", "expires")

_FENCE = "---"
_END = "..."
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_RULE = re.compile(r"PC\d{3}", re.ASCII)
_SHAPE = "open the file with a line ---, then title: and effective:, then another line ---"


def read_policy(text: str, *, file: str) -> PolicyText:
    """Read a policy. Raises ``InputError``, or ``InputErrors`` with all complaints, each with its
    file, line, key and mend.
    """
    fields = _fields(text, file)
    complaints = Complaints(file)
    complaints.unknown_keys(fields, KEYS, under="")
    title = complaints.line(fields, "title", under="", hint="write title: and the name of the policy")
    language = _language(fields, complaints)
    effective = complaints.day(fields, "effective", under="", required=False)
    change = _change(fields, complaints)
    if change is not None and change.transition is not None:
        _require_one_day(fields, effective, change.transition, complaints)
    complaints.settle()
    return PolicyText(title, effective, change, parse(text, file=file), language)


def front_lines(text: str, *, file: str) -> str | None:
    """The YAML between the two ``---`` at the head of ``text``; None when it does not open with one.

    Raises ``InputError`` when the first ``---`` is never closed.
    """
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[0].rstrip() != _FENCE:
        return None
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() in {_FENCE, _END}:
            return "\n".join(lines[1:number])
    hint = "put a line --- between the front matter and the policy's text"
    raise InputError("the front matter is never closed", hint=hint, place=Place(file, 1))


def _fields(text: str, file: str) -> YamlMap:
    """The front matter as a mapping, or an error that says how to write one."""
    if not text.strip().strip("\ufeff"):
        raise InputError("an empty file", hint=_SHAPE, place=Place(file, 1))
    front = front_lines(text, file=file)
    if front is None:
        raise InputError("no front matter", hint=_SHAPE, place=Place(file, 1))
    node = read_yaml(front, file=file, first_line=2)
    if node is None:
        raise InputError("empty front matter", hint=_SHAPE, place=Place(file, 2))
    if not isinstance(node, YamlMap):
        raise InputError("the front matter is not a set of keys", hint=_SHAPE, place=Place(file, node.line))
    return node


def _language(fields: YamlMap, complaints: Complaints) -> str:
    """The language that the text is written in, as a tag of BCP 47; empty where it does not say."""
    hint = "write a language tag such as en, de or fr-CH"
    tag = complaints.text(fields, "language", under="", hint=hint, required=False)
    if tag and not _LANGUAGE.fullmatch(tag):
        complaints.add(fields.lines["language"], "language", f"{tag!r} is no language tag", hint)
        return ""
    return tag


def _change(fields: YamlMap, complaints: Complaints) -> ChangeDecision | None:
    """Legal's decision, None when there is none yet."""
    hint = "write change: and below it, indented, class: and decided_by:"
    node = complaints.mapping(fields, "change", under="", hint=hint)
    if node is None:
        return None
    complaints.unknown_keys(node, CHANGE_KEYS, under="change")
    decided = _class(node, complaints)
    who = complaints.line(node, "decided_by", under="change", hint="name who decided the class")
    transition = _transition(node, complaints, decided)
    waivers, assessments = _waivers(node, complaints), _assessments(node, complaints)
    if decided is None:
        return None
    return ChangeDecision(
        decided,
        who,
        _words(node, "summary", complaints),
        _words(node, "impact", complaints),
        transition,
        waivers,
        fields.lines["change"],
        assessments,
    )


def _class(node: YamlMap, complaints: Complaints) -> ChangeClass | None:
    known = [each.value for each in ChangeClass]
    choices = "write one of: " + ", ".join(known)
    word = complaints.text(node, "class", under="change", hint=choices)
    if word in known:
        return ChangeClass(word)
    if word:
        hint = did_you_mean(word, known, choices)
        complaints.add(node.lines["class"], "change.class", f"{word!r} is not a class", hint)
    return None


def _words(node: YamlMap, key: str, complaints: Complaints) -> str:
    hint = f"write {key}: | and plain words for the reader below it, indented"
    return complaints.text(node, key, under="change", hint=hint, required=False)


def _transition(node: YamlMap, complaints: Complaints, decided: ChangeClass | None) -> Transition | None:
    """From whom, to whom, when: all three, and only where the class is ``transition``."""
    hint = "write transition: with old_controller:, new_controller: and on: below it"
    part = complaints.mapping(node, "transition", under="change", hint=hint)
    if part is None:
        if decided is ChangeClass.TRANSITION and "transition" not in node.items:
            message = "class transition, but not from whom to whom"
            complaints.add(node.lines["class"], "change.transition", message, hint)
        return None
    under = "change.transition"
    complaints.unknown_keys(part, TRANSITION_KEYS, under=under)
    if decided not in {None, ChangeClass.TRANSITION}:
        mend = "write class: transition, or remove transition:"
        complaints.add(node.lines["transition"], under, f"a transition of class {decided}", mend)
    old = complaints.line(part, "old_controller", under=under, hint="name the company responsible until then")
    new = complaints.line(
        part, "new_controller", under=under, hint="name the company responsible from then on"
    )
    if old and old.casefold() == new.casefold():
        mend = "name the company that takes over"
        complaints.add(part.lines["new_controller"], f"{under}.new_controller", "it is the old one", mend)
    day = complaints.day(part, "on", under=under, required=True)
    return None if day is None else Transition(old, new, day)


def _require_one_day(
    fields: YamlMap, effective: date | None, transition: Transition, complaints: Complaints
) -> None:
    """What is collected from the day of the transfer on has the new controller's promise, and nothing before
    it has: the version takes effect on that very day. That day keeps the lead time with it.
    """
    if effective not in {None, transition.on}:
        complaints.add(
            fields.lines["effective"],
            "effective",
            f"the version takes effect on {effective}, but control passes on {transition.on}",
            f"write effective: {transition.on}, or mend change.transition.on",
        )


def _waivers(node: YamlMap, complaints: Complaints) -> tuple[Waiver, ...]:
    hint = "write waivers: as a list, each with rule, reason, approved_by and expires"
    items = complaints.listing(node, "waivers", under="change", hint=hint)
    read = (_waiver(item, f"change.waivers[{i}]", complaints) for i, item in enumerate(items, start=1))
    return tuple(waiver for waiver in read if waiver is not None)


def _waiver(node: YamlNode, under: str, complaints: Complaints) -> Waiver | None:
    """An exception counts only with a reason, a name and an end."""
    if not isinstance(node, YamlMap):
        hint = "write {rule: PC203, reason: ..., approved_by: ..., expires: 2027-03-01}"
        complaints.add(node.line, under, "a waiver is a set of keys", hint)
        return None
    complaints.unknown_keys(node, WAIVER_KEYS, under=under)
    rule = complaints.text(node, "rule", under=under, hint="name the rule that is waived, such as PC203")
    if rule and not _RULE.fullmatch(rule):
        complaints.add(node.lines["rule"], dotted(under, "rule"), f"{rule!r} is not a rule's id", _RULE_HINT)
    clause = complaints.text(node, "clause", under=under, hint="name a clause's id", required=False)
    reason = complaints.text(node, "reason", under=under, hint="say why the rule shall not apply here")
    approver = complaints.text(node, "approved_by", under=under, hint="name who approved the waiver")
    expires = complaints.day(node, "expires", under=under, required=True)
    return None if expires is None else Waiver(rule, clause or None, reason, approver, expires, node.line)


def _assessments(node: YamlMap, complaints: Complaints) -> tuple[Assessment, ...]:
    hint = f"write assessments: as a list, each with {', '.join(ASSESSMENT_KEYS)}"
    items = complaints.listing(node, "assessments", under="change", hint=hint)
    read = (
        _assessment(item, f"change.assessments[{i}]", complaints) for i, item in enumerate(items, start=1)
    )
    return tuple(assessment for assessment in read if assessment is not None)


def _assessment(node: YamlNode, under: str, complaints: Complaints) -> Assessment | None:
    """A use counts as compatible only where all five questions are answered, by name and on a day."""
    if not isinstance(node, YamlMap):
        hint = f"write below each other: {': ..., '.join(ASSESSMENT_KEYS)}: ..."
        complaints.add(node.line, under, "an assessment is a set of keys", hint)
        return None
    complaints.unknown_keys(node, ASSESSMENT_KEYS, under=under)
    practice = complaints.text(node, "practice", under=under, hint="name the practice's id")
    link, context, nature, consequences, safeguards = (
        complaints.text(node, key, under=under, hint=_ASSESSED[key]) for key in ASSESSMENT_WORDS
    )
    author = complaints.text(node, "author", under=under, hint="name who made the assessment")
    day = complaints.day(node, "date", under=under, required=True)
    if day is None:
        return None
    return Assessment(practice, link, context, nature, consequences, safeguards, author, day, node.line)


_ASSESSED = {
    "link": "say how the new purpose follows from the one the data was collected for",
    "context": "say in which relation to the reader the data was collected, and what they may expect",
    "nature": "say what kind of data it is, sensitive kinds above all",
    "consequences": "say what may follow for the reader",
    "safeguards": "say what protects the reader, such as pseudonyms or a right to object",
}
_RULE_HINT = "ids look like PC203; policyctl rules lists them"
