# SPDX-License-Identifier: Apache-2.0
"""The head of a ledger, as it is written where others can keep it: a *ledger head*.

``812:9f2c...`` says: the entry numbered 812 has this root, and the root stands for every entry up to it.
It goes into the message of each version ref, the data of the site and each revision mail, so whoever
kept one can tell later that nothing before it was altered, left out or put elsewhere. A ledger that is
cut over several servers has one head a server, in their order, with commas between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_HEAD = re.compile(r"(?P<entry>0|[1-9][0-9]{0,17}):(?P<root>[0-9a-f]{64})", re.ASCII)
START = bytes(32)
"""The root before the first entry."""


@dataclass(frozen=True, slots=True, order=True)
class LedgerHead:
    """The number of an entry (0: none yet) and the root of the chain at it, 32 bytes."""

    entry: int
    root: bytes = START

    def __str__(self) -> str:
        return f"{self.entry}:{self.root.hex()}"


def read_head(text: str) -> LedgerHead:
    """One head as it was written. ValueError for any other text."""
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise ValueError("not a ledger head")
    return LedgerHead(int(match["entry"]), bytes.fromhex(match["root"]))


def heads_text(heads: tuple[LedgerHead, ...]) -> str:
    """The heads of all servers as one text; empty for none."""
    return ",".join(map(str, heads))


def read_heads(text: str) -> tuple[LedgerHead, ...]:
    """What :func:`heads_text` wrote. ValueError for any other text."""
    return tuple(read_head(part) for part in text.split(",")) if text.strip() else ()


def heads_json(heads: tuple[LedgerHead, ...]) -> list[dict[str, object]]:
    """The same for a machine: what the site's data and the feeds may show of an anchor."""
    return [{"entry": head.entry, "root": head.root.hex()} for head in heads]


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head that was kept outside of the ledger: ``source`` says where, ``server`` of which server it is
    (from 0; always 0 for a ledger in one place).
    """

    source: str
    head: LedgerHead
    server: int = 0
