# SPDX-License-Identifier: Apache-2.0
"""Rebuilds both texts of every revision of the histories from the other one and the emitted diff.

    python bench/roundtrip.py [SHARE]      SHARE: every how-manyth revision (default 10; 1: all)

The slowest revisions are timed again, cold, and the best of three turns counts.
"""

from __future__ import annotations

import sys
import time

from figures import figure, milliseconds
from histories import all_pairs

from policyctl.core.diff.compare import compare
from policyctl.core.diff.rebuild import rebuild_new, rebuild_old
from policyctl.core.text.parse import parse

SLOWEST = 5


def main() -> int:
    share = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    chosen = all_pairs()[::share]
    failed, slowest, begun = [], [], time.perf_counter()
    for pair, old, new in chosen:
        name = f"{pair.path} {pair.old[:10]}..{pair.new[:10]}"
        start = time.perf_counter()
        revision = compare(parse(old), parse(new))
        slowest = sorted([*slowest, (time.perf_counter() - start, name, old, new)])[-SLOWEST:]
        if rebuild_new(old, revision) != new or rebuild_old(new, revision) != old:
            failed.append(name)
    if not chosen:
        return 0
    spent = time.perf_counter() - begun
    figure("revisions not rebuilt", len(failed), 0, "", f"of {len(chosen)}, both directions, {spent:.0f} s")
    print(*(f"  {name}" for name in failed), sep="\n")
    worst = max((best(old, new), name) for _, name, old, new in slowest)
    figure("slowest revision", worst[0], 500, "ms", worst[1])
    return 1 if failed else 0


def best(old: str, new: str) -> float:
    """Milliseconds of the best of three comparisons."""
    return min(milliseconds(lambda: compare(parse(old), parse(new))) for _ in range(3))


if __name__ == "__main__":
    sys.exit(main())
