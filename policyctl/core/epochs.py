# SPDX-License-Identifier: Apache-2.0
"""What an export of an old epoch says of itself, and what the upkeep of a ledger did."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

SCHEMA = "policyctl.epoch/1"
STATES = ("valid", "corrected", "ended", "erased")
"""How a tag stood when it was exported; the last that holds."""


@dataclass(frozen=True, slots=True)
class EpochNote:
    """Which ledger a file of tags is of: ``root`` is the chain's at entry ``sequence``, hex; it holds
    ``tags`` tags, all of ``epoch`` that had entered by then.
    """

    epoch: int
    sequence: int
    root: str
    tags: int


@dataclass(frozen=True, slots=True)
class EpochNames:
    """What a ledger's numbers stand for: (policy, category), and ``fax@v3``, which is "" for none."""

    categories: Mapping[int, tuple[str, str]]
    versions: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class EpochChanges:
    """What came after tags had entered: the numbers of subjects that were erased, and the tags that were
    corrected, or ended as their data was deleted, as (subject, category, record).
    """

    erased: AbstractSet[int]
    corrected: AbstractSet[tuple[int, int, int]]
    ended: AbstractSet[tuple[int, int, int]] = frozenset()


@dataclass(frozen=True, slots=True)
class EpochPortion:
    """A portion of a file of tags in a ledger's numbers, sorted by batch and then as they stood there.

    ``batches``: (number, how many tags) of each in turn. ``columns``: subject, category, record, moment of
    collection in seconds, version; each as signed numbers of 8 bytes, the least byte first. ``changed``:
    how many tags stand otherwise now than the file says.
    """

    batches: tuple[tuple[int, int], ...]
    columns: tuple[bytes, ...]
    changed: int


@dataclass(frozen=True, slots=True)
class Compaction:
    """How many tags of an epoch lie in the order of their key now; ``before`` and ``after`` in bytes."""

    epoch: int
    tags: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Sealing:
    """How many batches got a root, and how many tags are in them."""

    batches: int
    tags: int
