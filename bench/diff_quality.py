# SPDX-License-Identifier: Apache-2.0
"""How coherent redlines are, and how silent on cosmetics, on every so manyth revision of the histories.

    python bench/diff_quality.py [SHARE [FIRST]]      every how-manyth revision (default 20), from which on

characters   changed characters other than white space / those of a longest common sequence of words
fragments    changed places / those of that sequence
overlap      changed words in runs of five and more that one block both deletes and inserts
cut          redlines that begin or end inside a number, an amount, a date or a word (must be 0)
noise        revisions whose rendered words are equal (markdown-it, an independent reading) and that
             report a change of words
missed       revisions whose rendered words differ and that report none; typography, list numbers
             and section numbers, and the address of a link torn in two, count as form
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence

from figures import figure
from histories import all_pairs
from rapidfuzz.distance import Indel

from policyctl.core.diff.compare import compare
from policyctl.core.revision import BlockChange, Kind, Op, Revision, Run
from policyctl.core.text.coverage import rendered_words
from policyctl.core.text.parse import parse
from policyctl.core.text.tokens import Interner, Words
from policyctl.core.text.visible import folded

OF_WORDS = {Kind.REWORDED, Kind.RENAMED, Kind.ADDED, Kind.REMOVED, Kind.RESTRUCTURED}
RUN = 5
TORN = re.compile(r"\]\((?:https?:|mailto:|[/#])[^\s)]*\)?")
NUMBERS = re.compile(r"\d+(?:\\?[.)])?")


def wording(rendered: str) -> str:
    """The words alone; an address left over of a link torn in two is where it leads, not wording."""
    return NUMBERS.sub("", TORN.sub("]", folded(rendered)))


def changed_blocks(revision: Revision) -> Iterator[BlockChange]:
    return (block for change in revision.clauses for block in change.blocks if block.runs)


def size(text: str) -> int:
    return len("".join(text.split()))


def optimum(old: str, new: str) -> tuple[int, int]:
    """Changed characters and changed places of a longest common sequence of words."""
    before, after = Words(old).texts, Words(new).texts
    interner = Interner()
    steps = Indel.opcodes(interner.word(before), interner.word(after))
    characters = places = 0
    inside = False
    for step in steps:
        if step.tag == "equal":
            inside = False
            continue
        places += not inside
        inside = True
        characters += sum(map(len, before[step.src_start : step.src_end]))
        characters += sum(map(len, after[step.dest_start : step.dest_end]))
    return characters, places


def ours(revision: Revision) -> tuple[int, int]:
    """The same of the revision; what is changed goes on over the borders of blocks."""
    characters = places = 0
    inside = False
    for block in (block for change in revision.clauses for block in change.blocks):
        inside = inside and bool(block.runs)
        for run in block.runs:
            if run.op is Op.EQUAL:
                inside = False
            elif run.text.strip():
                places += not inside
                inside = True
                characters += size(run.text)
    return characters, places


def spoken(text: str) -> list[str]:
    """The words of a text; an address is one word."""
    return [word for word in Words(text).texts if re.search(r"\w", word)]


def grams(texts: Sequence[str]) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        own = spoken(text)
        found.update(tuple(own[i : i + RUN]) for i in range(len(own) - RUN + 1))
    return found


def overlap(block: BlockChange) -> tuple[int, int]:
    """Words in runs that are deleted and inserted, and all changed words."""
    gone = [run.text for run in block.runs if run.op is Op.DELETE]
    come = [run.text for run in block.runs if run.op is Op.INSERT]
    changed = sum(len(spoken(text)) for text in gone + come)
    if not gone or not come:
        return 0, changed
    twice = grams(gone).keys() & grams(come).keys()
    return sum(covered(text, twice) for text in gone + come), changed


def covered(text: str, runs: set[tuple[str, ...]]) -> int:
    own = spoken(text)
    inside: set[int] = set()
    for i in range(len(own) - RUN + 1):
        if tuple(own[i : i + RUN]) in runs:
            inside.update(range(i, i + RUN))
    return len(inside)


def cuts(runs: Sequence[Run], ops: set[Op]) -> bool:
    """A border of a run of this side lies inside a token of this side."""
    edges, place = set(), 0
    for run in runs:
        if run.op in ops:
            edges.add(place)
            place += len(run.text)
    text = "".join(run.text for run in runs if run.op in ops)
    whole = Words(text)
    return any(
        start < edge < whole.ends[index]
        for index, start in enumerate(whole.starts)
        for edge in edges
        if len(whole.texts[index]) > 1
    )


def report(sample: list[tuple[str, Revision]]) -> None:
    total: Counter[str] = Counter()
    for name, revision in sample:
        best, own = optimum(revision.old.text, revision.new.text), ours(revision)
        total.update(best_characters=best[0], best_places=best[1], characters=own[0], places=own[1])
        for block in changed_blocks(revision):
            twice, changed = overlap(block)
            total.update(twice=twice, changed=changed)
            if len(block.runs) > 1 and (
                cuts(block.runs, {Op.EQUAL, Op.DELETE}) or cuts(block.runs, {Op.EQUAL, Op.INSERT})
            ):
                total["cut"] += 1
                print(f"  cut: {name} line {block.new.line if block.new else 0}")
    figure("changed characters, x optimum", total["characters"] / max(1, total["best_characters"]), 1.10)
    figure("fragments, x those of the optimum", total["places"] / max(1, total["best_places"]), 0.5)
    share = 100 * total["twice"] / max(1, total["changed"])
    figure("overlap", share, 0.5, "%", f"of {total['changed']} changed words")
    figure("words, numbers or dates cut", total["cut"], 0, "")


def main() -> int:
    share = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    chosen = all_pairs()[first::share]
    noisy, missed, cosmetic, sample = [], [], 0, []
    for pair, old, new in chosen:
        revision = compare(parse(old), parse(new))
        name = f"{pair.path} {pair.old[:10]}..{pair.new[:10]}"
        kinds = [change.kinds for change in revision.clauses]
        says = any(kind & OF_WORDS and Kind.FORMAT_ONLY not in kind for kind in kinds)
        one, other = rendered_words(old), rendered_words(new)
        if one == other:
            cosmetic += 1
            noisy += [name] if says else []
        else:
            sample.append((name, revision))
            differs = wording(one) != wording(other)
            silent = all(kind <= {Kind.UNCHANGED, Kind.FORMAT_ONLY} for kind in kinds)
            missed += [name] if differs and silent else []
    if not chosen:
        return 0
    print(f"{len(chosen)} revisions, {cosmetic} of them cosmetic")
    report(sample)
    figure("noise", 100 * len(noisy) / max(1, cosmetic), 0.2, "%", f"{len(noisy)} of {cosmetic}")
    figure("missed", len(missed), 0, "", f"of {len(sample)}")
    print(*(f"  noise: {name}" for name in noisy), *(f"  missed: {name}" for name in missed), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
