# SPDX-License-Identifier: Apache-2.0
"""Rebuilds both texts of every revision of the histories from the other one and the emitted diff.

python bench/roundtrip.py [SHARE]      SHARE: every how-manyth revision (default 1: all)
"""

from __future__ import annotations

import sys
import time

from histories import all_pairs

from policyctl.core.diff.compare import compare
from policyctl.core.diff.rebuild import rebuild_new, rebuild_old
from policyctl.core.text.parse import parse


def main() -> int:
    share = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    chosen = all_pairs()[::share]
    failed, worst, begun = [], (0.0, ""), time.perf_counter()
    for pair, old, new in chosen:
        start = time.perf_counter()
        revision = compare(parse(old), parse(new))
        worst = max(worst, (time.perf_counter() - start, f"{pair.path} {pair.new[:10]}"))
        if rebuild_new(old, revision) != new or rebuild_old(new, revision) != old:
            failed.append(f"{pair.path} {pair.old[:10]}..{pair.new[:10]}")
    spent = time.perf_counter() - begun
    print(f"round trip: {len(chosen)} revisions, both directions, {len(failed)} failed, {spent:.0f} s")
    if chosen:
        print(f"slowest revision: {worst[0]:.2f} s, {worst[1]}")
    print("\n".join(failed[:20]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
