# SPDX-License-Identifier: Apache-2.0
"""What a clause says is done with data: category x purpose x recipients x retention x choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ChoiceMode(StrEnum):
    """How a subject's choice bears on a practice."""

    NONE = "none"
    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"


@dataclass(frozen=True, slots=True)
class Term:
    """A data category, purpose or recipient class. Ids are dotted: an id covers all that start
    with it and a dot (``user.contact`` covers ``user.contact.email``).

    ``label`` is plain words for a notice; ``dpv`` the W3C Data Privacy Vocabulary term beside it.
    """

    id: str
    label: str
    sensitive: bool = False
    dpv: str = ""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The terms a repository may use, by id: those of the package and local ones of its settings."""

    categories: Mapping[str, Term]
    purposes: Mapping[str, Term]
    recipients: Mapping[str, Term]


def covers(ancestor: str, term: str) -> bool:
    """True when ``ancestor`` is ``term`` or stands above it in the dotted tree."""
    return term == ancestor or term.startswith(ancestor + ".")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who data is disclosed to: a class of recipients, and a named party where the text names one."""

    kind: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Practice:
    """A declared fact, tied to a clause. ``id`` is unique in its ``practices.yaml``.

    ``retention`` is an ISO 8601 duration (``P2Y``), plain words, or empty where nothing is said.
    ``keep_existing``: data collected under an earlier version stays governed by that version even
    after this practice is narrowed or withdrawn (``existing: keep``).
    """

    id: str
    clause: str
    categories: tuple[str, ...]
    purpose: str
    recipients: tuple[Recipient, ...] = ()
    retention: str = ""
    choice: ChoiceMode = ChoiceMode.NONE
    keep_existing: bool = False
    line: int = 0
