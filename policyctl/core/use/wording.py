# SPDX-License-Identifier: Apache-2.0
r"""The words of a cell: written once, and filled in for each tag that falls into it.

Nearly all that an answer says follows from where the subject stands (core/use/cells.py). What does not
stands in a *slot*: the record, the day of an answer, the day a notice arrived, the end of the time to
answer. The rules write both into their sentences, the slot's name and what belongs there this time:

    record \0record='crm-1'\0 (user.contact.email) was collected under fax@v1

:func:`plain` gives the sentence, :func:`template_of` what another tag of the same cell can be put into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from policyctl.core.policy import VersionKey
from policyctl.core.records import Tag
from policyctl.core.use.question import Explanation, Finding, Reason

# In no name that the rules put into a sentence; a record is shown by repr, which escapes it.
_MARK = "\0"
RECORD, ANSWERED, TOLD, OVER = "record", "answered", "told", "over"

# Words and names of slots in turn.
Template = tuple[str, ...]
# What belongs into a slot, by its name.
Filler = Callable[[str], str]


def slot(name: str, value: str) -> str:
    """What differs between the tags of a cell, for the text of a reason."""
    return f"{_MARK}{name}={value}{_MARK}"


def plain(text: str) -> str:
    """The text without its slots' names."""
    parts = text.split(_MARK)
    parts[1::2] = [part.partition("=")[2] for part in parts[1::2]]
    return "".join(parts)


def template_of(text: str) -> Template:
    """The text without what stood in its slots."""
    parts = text.split(_MARK)
    parts[1::2] = [part.partition("=")[0] for part in parts[1::2]]
    return tuple(parts)


def fill(template: Template, value: Filler) -> str:
    """The text with what belongs there for one tag."""
    if len(template) == 1:
        return template[0]
    parts = list(template)
    parts[1::2] = map(value, parts[1::2])
    return "".join(parts)


class Wording:
    """What a cell holds: what was found, and what is said of it. The reasons are numbered from one and
    have the texts of the first tag; those of any, and of what is ``missing``, have slots. ``of_tag``: not
    of a gap, about which the tags are not asked one by one.
    """

    __slots__ = ("finding", "missing", "of_tag", "reasons", "texts")

    def __init__(
        self, finding: Finding, reasons: Iterable[Reason], missing: Iterable[str], *, of_tag: bool
    ) -> None:
        said = tuple(reasons)
        self.finding = finding
        self.texts = tuple(template_of(reason.text) for reason in said)
        self.missing = tuple(template_of(text) for text in missing)
        self.reasons = tuple(
            replace(reason, number=number, text=plain(reason.text)) for number, reason in enumerate(said, 1)
        )
        self.of_tag = of_tag

    def said(self, value: Filler, after: int = 0) -> list[Reason]:
        """The reasons about one tag; ``after`` how many others."""
        return [
            reason
            if len(text) == 1 and not after
            else Reason(
                reason.number + after,
                reason.rule,
                fill(text, value),
                reason.version,
                reason.clause,
                reason.practice,
                reason.code,
            )
            for reason, text in zip(self.reasons, self.texts, strict=True)
        ]


# The wording of a tag's cell, the values of the tag (as core/records.Tag has them), and its slots'.
TagValues = tuple[str, str, str, datetime, VersionKey | None, str, str]
Spoken = tuple[Wording, TagValues, Filler]


class Told:
    """The words of a decision about some tags, each with the wording of its cell; worked out when read."""

    __slots__ = ()

    def spoken(self) -> list[Spoken]:
        """Of each tag, in the order in which the rules look at them."""
        raise NotImplementedError

    def __call__(self) -> Explanation:
        """The words, as :func:`policyctl.core.use.decision.decide` says them."""
        reasons: list[Reason] = []
        missing: list[str] = []
        spoken = self.spoken()
        for wording, _, value in spoken:
            reasons += wording.said(value, len(reasons))
            missing += [fill(text, value) for text in wording.missing]
        tags = tuple(Tag(*values) for _, values, _ in spoken)
        return Explanation(tuple(reasons), tags, tuple(dict.fromkeys(missing)))
