# SPDX-License-Identifier: Apache-2.0
"""Alignment on texts with known truth: real texts of the histories, changed by heavy operations.

    python bench/mutate.py [CASES] [SEED] [--worst K]        (default 200 cases, seed 1)

Each case takes the newest text of a document that no case of the corpus comes from, cuts it by the
corpus's own definition (a cutter of this file, not the parser), applies 1 to 25 operations (reword,
rename, relevel, move, swap, delete, add, split, merge, and for the whole text renumber, restyle, retype,
repeated boilerplate), and scores what ``compare`` says with the corpus's scorer. It needs
``../shared/tools`` and the histories; without them it says so and ends well.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
import sys
from collections import defaultdict
from types import ModuleType
from typing import Any

from histories import PLACE, all_texts
from mutations import BOILERPLATE, NUMBER, WHOLE, Mutator, Unit, cut, paragraphs, render, whole

from policyctl.core.diff.compare import compare
from policyctl.core.policy import Clause
from policyctl.core.text.parse import parse

SHARED = PLACE.parent


def torn(units: list[Unit]) -> bool:
    """The parts of a split do not follow each other."""
    return any(
        unit.part and (place == 0 or units[place - 1].olds != unit.olds) for place, unit in enumerate(units)
    )


def chain(weights: list[tuple[int, float]]) -> set[int]:
    """Places of the heaviest rising subsequence of ``(place in the old text, weight)``."""
    best: list[tuple[float, int]] = []
    for i, (place, weight) in enumerate(weights):
        total, back = weight, -1
        for j in range(i):
            if weights[j][0] < place and best[j][0] + weight > total:
                total, back = best[j][0] + weight, j
        best.append((total, back))
    at = max(range(len(best)), key=lambda i: best[i][0], default=-1)
    kept = set()
    while at >= 0:
        kept.add(at)
        at = best[at][1]
    return kept


def truth_of(old: list[Unit], new: list[Unit]) -> dict[str, Any]:
    groups: dict[int, list[int]] = defaultdict(list)
    for n, unit in enumerate(new):
        if unit.olds:
            groups[unit.olds[0]].append(n)
    heads = sorted(groups.items(), key=lambda item: item[1][0])
    weight = [
        (old_first, 0.001 if new[ns[0]].picked else 1.0 + sum(len(new[n].body.split()) for n in ns))
        for old_first, ns in heads
    ]
    kept = chain(weight)
    links = []
    for place, (_, ns) in enumerate(heads):
        kinds = set(new[ns[0]].kinds) | (set() if place in kept else {"moved"})
        links.append({"old": new[ns[0]].olds, "new": ns, "kinds": sorted(kinds or {"unchanged"})})
    gone = set(range(len(old))) - {o for link in links for o in link["old"]}
    links += [{"old": [o], "new": [], "kinds": ["removed"]} for o in sorted(gone)]
    links += [{"old": [], "new": [n], "kinds": ["added"]} for n, u in enumerate(new) if not u.olds]
    swaps = [
        [[heads[i][0]], [heads[j][0]]]
        for i in range(len(heads))
        for j in (i - 1, i + 1)
        if i not in kept and 0 <= j < len(heads)
    ]
    return {"alignment": links, "swaps": swaps, "same_text": {"old": same(old), "new": same(new)}}


def same(units: list[Unit]) -> list[list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for i, unit in enumerate(units):
        groups[re.sub(r"[\W_]+", "", NUMBER.sub("", unit.title) + "|" + unit.body)].append(i)
    return [group for group in groups.values() if len(group) > 1]


def make(
    name: str, text: str, donors: list[Unit], chance: random.Random
) -> tuple[str, str, dict[str, Any]] | None:
    headed = cut(text)
    how = parse(text).cut_at  # which of the two is a matter of taste; where to cut is not
    units = headed if how == "headings" else paragraphs(text)
    if not 6 <= len(units) <= 150:
        return None
    if how == "paragraphs":
        donors = [u for unit in donors for u in paragraphs(unit.body)[:2] if len(u.body.split()) > 8]
    edits = chance.choice([1, 2, 3, 5, 8, 12, 18, 25])
    ways = [way for way in WHOLE if edits > 3 and chance.random() < 0.25]
    if "boilerplate" in ways:
        for unit in chance.sample(units, min(4, len(units))) if how == "headings" else ():
            unit.body += f"\n\n{BOILERPLATE}"
    old_text, old_listed = render(units)
    old = [Unit([], u.title, u.level, u.body) for u in units]
    mutator = Mutator(units, donors, chance)
    mutator.run(edits)
    for way in ways:
        whole(way, mutator.units)
    new_text, new_listed = render(mutator.units)
    if torn(mutator.units) or [c.line for c in parse(old_text).clauses] != [u["line"] for u in old_listed]:
        return None  # parts that do not stand together, or the parser cuts otherwise: not the matter here
    truth = truth_of(old, mutator.units)
    truth |= {"old_clauses": old_listed, "new_clauses": new_listed, "segmentation": how, "edits": edits,
              "name": name, "units": (old, mutator.units)}  # fmt: skip
    return old_text, new_text, truth


def refs(clauses: tuple[Clause, ...]) -> list[dict[str, int]]:
    return [{"line": clause.line, "end_line": clause.end_line} for clause in clauses]


def said(old: str, new: str) -> dict[str, Any]:
    revision = compare(parse(old), parse(new))
    return {
        "clauses": [
            {
                "kinds": sorted(change.kinds), "old": refs(change.old), "new": refs(change.new),
                "by": change.matched_by, "margin": change.margin,
            }
            for change in revision.clauses
        ]
    }  # fmt: skip


def scorer() -> ModuleType | None:
    place = SHARED / "tools" / "score_alignment.py"
    if not place.is_file():
        print(f"no scorer at {place}: nothing measured")
        return None
    spec = importlib.util.spec_from_file_location("score_alignment", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sources() -> dict[str, str]:
    """The newest text of every document that the corpus's cases do not use."""
    listed = SHARED / "corpus" / "alignment" / "cases.jsonl"
    used = (
        {json.loads(row)["source"] for row in listed.read_text("utf-8").splitlines()}
        if listed.is_file()
        else set()
    )
    newest = {name.rsplit(" ", 1)[0]: text for name, text in all_texts()}
    return {name: text for name, text in sorted(newest.items()) if name not in used and len(text) > 3000}


def cases(count: int, seed: int) -> list[tuple[str, str, dict[str, Any]]]:
    texts = sources()
    names = list(texts)
    made: list[tuple[str, str, dict[str, Any]]] = []
    number = seed * 100_000
    while names and len(made) < count:
        number += 1
        chance = random.Random(number)  # noqa: S311 - cases, not secrets
        name, other = chance.sample(names, 2)
        donors = [u for u in cut(texts[other]) if u.title and 8 < len(u.body.split()) < 400]
        if len(donors) >= 3 and name.split("/")[-1] != other.split("/")[-1]:
            case = make(f"{number} {name}", texts[name], donors, chance)
            made += [case] if case else []
    return made


def main() -> int:
    score = scorer()
    arguments = [a for a in sys.argv[1:] if a.isdigit()]
    worst = int(sys.argv[sys.argv.index("--worst") + 1]) if "--worst" in sys.argv else 0
    count, seed = (
        (int(a) for a in [*arguments, "200", "1"][:2]) if len(arguments) < 2 else map(int, arguments[:2])
    )
    if score is None:
        return 0
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    bad = []
    for old, new, truth in cases(count, seed):
        row = score.score_case(truth, said(old, new))
        edits = truth["edits"]
        size = "edits 1-3" if edits <= 3 else "edits 4-8" if edits <= 8 else "edits 9+"
        for name in ("all", truth["segmentation"], size):
            groups[name].append(row)
        bad += [] if row["exact"] else [(truth["name"], edits, row)]
    for name, rows in groups.items():
        s = score.summary(rows)
        print(f"{name:11} cases {s['cases']:3}  pairs F1 {s['pairs_f1']:.4f}  ends F1 {s['ends_f1']:.4f}  "
              f"kinds {s['kinds']:.4f}  exact {s['exact']:.3f}")  # fmt: skip
    for name, edits, row in bad[:worst]:
        print(f"  not exact: {name}, {edits} edits: {row}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
