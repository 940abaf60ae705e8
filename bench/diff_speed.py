# SPDX-License-Identifier: Apache-2.0
"""Time of a comparison in process, as a ratio to one ``git diff --word-diff`` process in the same run.

    python bench/diff_speed.py [PAIRS]      PAIRS: random pairs of each kind (default 200)

S1 all documents; S2 privacy policies whose words differ. ``cold``: both texts parsed, nothing
remembered. ``history``: the old text was parsed before, as when a history is walked. Ours and git's
take turns, and the best of three turns counts, so that a slow moment of the machine falls on neither.

Peers, on every tenth pair: ``lines``, difflib over lines and then over the words of the lines that
were replaced, as wikidiff2 works; ``words``, difflib over all words, on texts of up to 20,000 words.
Guides: long made-up texts, in milliseconds; they also show how time grows with size.
"""

from __future__ import annotations

import difflib
import gc
import random
import statistics
import subprocess
import sys

from figures import figure, milliseconds
from histories import Pair, all_pairs

from policyctl.core.diff.compare import compare
from policyctl.core.policy import Document
from policyctl.core.revision import Kind
from policyctl.core.text.cutting import cut, heading_words
from policyctl.core.text.parse import number_of, parse, slug, title_of
from policyctl.core.text.visible import folded, visible

MEMOS = (cut, visible, folded, slug, title_of, number_of, heading_words)
TURNS = 3
BARS = {"S1": {"cold": 3.0, "history": 1.0}, "S2": {"cold": 5.0, "history": 1.5}}
MOST_WORDS = 20_000  # beyond that difflib over words takes minutes

Item = tuple[Pair, str, str]


def forget() -> None:
    for memo in MEMOS:
        memo.cache_clear()


def git(item: Item) -> float:
    pair = item[0]
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
    return milliseconds(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def compare_fully(old: Document, new: Document) -> None:
    """Compare, and ask for the redlines of all clauses that changed, which are made when asked for."""
    for change in compare(old, new).clauses:
        if change.kinds != {Kind.UNCHANGED}:
            len(change.blocks)


def from_scratch(old: str, new: str) -> float:
    forget()
    return milliseconds(lambda: compare_fully(parse(old), parse(new)))


def cold(item: Item) -> float:
    return from_scratch(item[1], item[2])


def in_history(item: Item) -> float:
    forget()
    known = parse(item[1])
    for clause in known.clauses:
        len(clause.blocks)
    return milliseconds(lambda: compare_fully(known, parse(item[2])))


def by_lines(item: Item) -> float:
    def work() -> None:
        old, new = item[1].splitlines(), item[2].splitlines()
        for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
            if tag == "replace":
                words = " ".join(old[a:b]).split(), " ".join(new[c:d]).split()
                difflib.SequenceMatcher(None, *words).get_opcodes()

    return milliseconds(work)


def by_words(item: Item) -> float:
    matcher = difflib.SequenceMatcher(None, item[1].split(), item[2].split())
    return milliseconds(matcher.get_opcodes)


def measure(name: str, chosen: list[Item]) -> None:
    sides = {"git": git, "cold": cold, "history": in_history}
    times: dict[str, list[float]] = {side: [] for side in sides}
    for item in chosen:
        turns = [{side: clock(item) for side, clock in sides.items()} for _ in range(TURNS)]
        for side, each in times.items():
            each.append(min(turn[side] for turn in turns))
    unit, mean = statistics.median(times["git"]), statistics.mean(times["git"])
    print(f"{name}: {len(chosen)} pairs; git median {unit:.2f} ms, mean {mean:.2f} ms")
    for label in ("cold", "history"):
        own = times[label]
        late = sorted(own)[int(len(own) * 0.95)]
        note = f"{statistics.median(own):.2f} ms; mean {statistics.mean(own) / mean:.2f} x, p95 {late:.0f} ms"
        figure(f"{name} {label}, median", statistics.median(own) / unit, BARS[name][label], note=note)
    peers(chosen[::10], times["history"][::10])


def peers(chosen: list[Item], own: list[float]) -> None:
    """How much longer the peers of the standard library take on the same pairs, in the mean."""
    lines = [by_lines(item) for item in chosen]
    print(f"      lines, then words (difflib)  {sum(lines) / sum(own):6.1f} x ours on {len(chosen)} pairs")
    short = [i for i, item in enumerate(chosen) if max(len(item[1]), len(item[2])) < 6 * MOST_WORDS]
    words = [by_words(chosen[i]) for i in short]
    print(f"      words (difflib)              {sum(words) / sum(own[i] for i in short):6.1f} x ours")


def long_texts() -> None:
    """Guides: texts of 500 to 4,000 clauses, all reworded or one of them, and one long paragraph."""
    dice = random.Random(7)  # noqa: S311 - a fixed sample, not a secret
    vocabulary = [f"w{n}" for n in range(3000)]

    def reworded(words: list[str]) -> list[str]:
        return [dice.choice(vocabulary) if dice.random() < 0.1 else word for word in words]

    print("clauses     size   all reworded   one of them reworded")
    spent = {}
    for clauses in (500, 1000, 2000, 4000):
        bodies = [[dice.choice(vocabulary) for _ in range(140)] for _ in range(clauses)]
        old, new = (
            "\n".join(f"## Clause {n}\n\n{' '.join(body)}\n" for n, body in enumerate(side))
            for side in (bodies, map(reworded, bodies))
        )
        one = old.replace("## Clause 5\n\n", "## Clause 5\n\nNew here. ", 1)
        every, single = (best(old, other) for other in (new, one))
        spent[clauses] = every, single
        print(f"{clauses:7} {len(old) / 1e6:5.1f} MB {every:11.0f} ms {single:16.0f} ms")
    figure("2,000 clauses all reworded", spent[2000][0] / 1000, 2.0, "s")
    figure("8 times the size, one clause reworded", spent[4000][1] / spent[500][1] / 8, 1.5, note="1: linear")
    words = [dice.choice(vocabulary) for _ in range(10_000)]
    paragraphs = " ".join(words), " ".join(reworded(words))
    figure("10,000-word paragraph", best(*paragraphs), 50, "ms")


def best(old: str, new: str) -> float:
    """Milliseconds of the best of three cold comparisons."""
    return min(from_scratch(old, new) for _ in range(TURNS))


def substantive(item: Item) -> bool:
    changes = compare(parse(item[1]), parse(item[2])).clauses
    return any(not {"unchanged", "format-only"} & {str(kind) for kind in change.kinds} for change in changes)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    everything = all_pairs()
    gc.freeze()  # the corpus in memory is not part of what is measured
    compare(parse("# A\n\nb c\n"), parse("# A\n\nc\n"))  # imports are not measured here
    if everything:
        dice = random.Random(11)  # noqa: S311 - a fixed sample, not a secret
        measure("S1", dice.sample(everything, count))
        private = [x for x in everything if "Privacy Policy" in x[0].path]
        dice.shuffle(private)
        real = (item for item in private if substantive(item))
        measure("S2", [item for item, _ in zip(real, range(count), strict=False)])
    long_texts()
    return 0


if __name__ == "__main__":
    sys.exit(main())
