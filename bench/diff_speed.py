# SPDX-License-Identifier: Apache-2.0
"""Time of a comparison in process, as a ratio to one ``git diff --word-diff`` process in the same run.

    python bench/diff_speed.py [PAIRS]      PAIRS: random pairs of each kind (default 200)

S1 all documents; S2 privacy policies whose words differ. ``cold``: both texts parsed, nothing
remembered. ``history``: the old text was parsed before, as when a history is walked.
"""

from __future__ import annotations

import gc
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from histories import Pair, all_pairs

from policyctl.core.diff.compare import compare
from policyctl.core.text.cutting import cut
from policyctl.core.text.parse import number_of, parse, slug, title_of
from policyctl.core.text.visible import visible

MEMOS = (cut, visible, slug, title_of, number_of)


def clock(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


def forget() -> None:
    for memo in MEMOS:
        memo.cache_clear()


def git(pair: Pair) -> None:
    command = [
        "git",
        "-C",
        str(pair.repo),
        "diff",
        "--histogram",
        "--word-diff=porcelain",
        pair.old,
        pair.new,
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def measure(name: str, chosen: list[tuple[Pair, str, str]]) -> None:
    base, cold, history = [], [], []
    for pair, old, new in chosen:
        base.append(clock(lambda pair=pair: git(pair)))
        forget()
        cold.append(clock(lambda old=old, new=new: compare(parse(old), parse(new))))
        forget()
        known = parse(old)
        for clause in known.clauses:
            len(clause.blocks)
        history.append(clock(lambda known=known, new=new: compare(known, parse(new))))
    unit = statistics.median(base)
    print(f"{name}: git {unit:.2f} ms, mean {statistics.mean(base):.2f}")
    for label, times in (("cold", cold), ("history", history)):
        median, mean = statistics.median(times), statistics.mean(times)
        late, worst = sorted(times)[int(len(times) * 0.95)], max(times)
        print(
            f"  {label:8} median {median:6.2f} ms ({median / unit:.2f}x)  mean {mean:6.2f} "
            f"({mean / statistics.mean(base):.2f}x)  p95 {late:.1f}  max {worst:.0f}"
        )


def long_texts() -> None:
    """Absolute guides: 2,000 clauses all reworded, and one paragraph of 10,000 words."""
    dice = random.Random(7)  # noqa: S311 - a fixed sample, not a secret
    vocabulary = [f"w{n}" for n in range(3000)]
    for clauses in (500, 1000, 2000, 4000):
        bodies = [[dice.choice(vocabulary) for _ in range(110)] for _ in range(clauses)]
        changed = [[dice.choice(vocabulary) if dice.random() < 0.1 else w for w in body] for body in bodies]
        old, new = (
            "\n".join(f"## Clause {n}\n\n{' '.join(b)}\n" for n, b in enumerate(s)) for s in (bodies, changed)
        )
        forget()
        print(f"{clauses} clauses all reworded, {len(old) / 1e6:.1f} MB: "
              f"{clock(lambda old=old, new=new: compare(parse(old), parse(new))) / 1000:.2f} s")  # fmt: skip
        one = old.replace("## Clause 5\n\n", "## Clause 5\n\nNew here. ", 1)
        forget()
        spent = clock(lambda old=old, one=one: compare(parse(old), parse(one)))
        print(f"{clauses} clauses, one of them changed: {spent:.0f} ms")
    words = [dice.choice(vocabulary) for _ in range(10_000)]
    other = [dice.choice(vocabulary) if dice.random() < 0.1 else w for w in words]
    forget()
    spent = clock(lambda: compare(parse(" ".join(words)), parse(" ".join(other))))
    print(f"10,000-word paragraph: {spent:.0f} ms")


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    everything = all_pairs()
    gc.freeze()  # the corpus in memory is not part of what is measured
    compare(parse("# A\n\nb\n"), parse("# A\n\nc\n"))  # imports are not measured here
    dice = random.Random(11)  # noqa: S311 - a fixed sample, not a secret
    if everything:
        measure("S1", dice.sample(everything, count))
        private = [x for x in everything if "Privacy Policy" in x[0].path]
        dice.shuffle(private)
        measure("S2", [x for x in private if substantive(x)][:count])
    long_texts()
    return 0


def substantive(item: tuple[Pair, str, str]) -> bool:
    changes = compare(parse(item[1]), parse(item[2])).clauses
    return any(not {"unchanged", "format-only"} & {str(kind) for kind in change.kinds} for change in changes)


if __name__ == "__main__":
    sys.exit(main())
