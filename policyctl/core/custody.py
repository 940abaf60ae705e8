# SPDX-License-Identifier: Apache-2.0
"""What the keeper of a ledger does with the whole of it or with one person: values of erasure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person erased, or to be erased. ``known`` False: nobody has the id, so nothing is done.

    ``addresses`` and ``names`` (of records) are destroyed with the salt; ``withheld`` notices that were
    still owed are not sent any more; ``under_way`` ones are with the mail service already, and may arrive.
    """

    known: bool
    addresses: int = 0
    names: int = 0
    withheld: int = 0
    under_way: int = 0


@dataclass(frozen=True, slots=True)
class Scrub:
    """What was done so that no byte of what was erased stays in the database's files. ``rewritten``: the file
    was laid anew, as old pages still held some. ``waits``: others read old pages, which go when they end.
    """

    rewritten: bool = False
    waits: bool = False
