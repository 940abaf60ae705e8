# SPDX-License-Identifier: Apache-2.0
"""What the keeper of a ledger does with the whole of it or with one person: values of erasure,
instances and backups.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person erased, or to be erased. ``known`` False: nobody has the id, so nothing is done.

    ``addresses`` and ``names`` (of records) are destroyed with the salt; ``withheld`` notices that were
    still owed are not sent any more; ``under_way`` ones are with the mail service already, and may arrive.
    ``waits``: old pages of the file still hold some of it while others read them; ``policyctl ledger scrub``.
    """

    known: bool
    addresses: int = 0
    names: int = 0
    withheld: int = 0
    under_way: int = 0
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Scrub:
    """What was done so that no byte of what was erased stays in the database's files. ``rewritten``: the file
    was laid anew, as old pages still held some. ``waits``: others read old pages, which go when they end.
    """

    rewritten: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Instance:
    """Which ledger this is. ``here``: this is the place from which it may send, and no copy.

    ``lost_up_to``: heads kept outside up to this entry are known to be lost, and whoever keeps the ledger
    took that into account; 0 for none. ``erasures``: the digest of the list of erasures that it has seen.
    """

    id: str
    here: bool
    lost_up_to: int = 0
    erasures: str = ""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Proof that was taken out, or would be: of how many people, rows by table, and how many cut records it
    left.
    """

    people: int = 0
    rows: tuple[tuple[str, int], ...] = ()
    cuts: int = 0
