# SPDX-License-Identifier: Apache-2.0
"""Is every character of every text of the histories in one block, and every word a reader sees?

    python bench/coverage.py [SHARE]      SHARE: every how-manyth text (default 1: all)

The words are those that markdown-it renders (nesting limit raised): an independent reading.
Ends with 1 when a character stands in no block or in two, or a rendered word in none.
"""

from __future__ import annotations

import sys
from collections import Counter
from itertools import islice

from histories import all_texts

from policyctl.core.policy import Document
from policyctl.core.text.coverage import unseen
from policyctl.core.text.parse import parse


def tiled(document: Document) -> bool:
    """The blocks follow each other without a gap from the front matter to the end."""
    place = document.body
    for clause in document.clauses:
        for block in clause.blocks:
            if block.start != place or block.end <= place:
                return False
            place = block.end
        if clause.end != place:
            return False
    return place == len(document.text)


def main() -> int:
    share = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = characters = 0
    torn: list[str] = []
    missing: dict[str, Counter[str]] = {}
    for name, text in islice(all_texts(), 0, None, share):
        document = parse(text)
        count += 1
        characters += len(text)
        torn += [] if tiled(document) else [name]
        if lost := unseen(document):
            missing[name] = lost
    print(f"{count} texts, {characters / 1e6:.0f} million characters")
    print(f"texts with a character in no block or in two: {len(torn)}", *torn[:10], sep="\n  ")
    print(f"texts with a rendered word in no block: {len(missing)}")
    for name, lost in list(missing.items())[:20]:
        print(f"  {name}: {dict(lost.most_common(8))}")
    return 1 if torn or missing else 0


if __name__ == "__main__":
    sys.exit(main())
