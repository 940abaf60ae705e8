# SPDX-License-Identifier: Apache-2.0
"""What is called moved, renamed, split and merged on labelled pairs of real policies.

    python bench/labelled_kinds.py [CORPUS]      a folder with labels.jsonl and <id>/old.md, new.md

named     each such call of a label, and what is said of the clauses that hold its evidence or heading:
          "clause" where the very kind is said of the clause (the strict count), "block" where it is
          said of a paragraph, item or row of it, or of its number or level (with these: the wide count)
unnamed   each clause that is called moved, split, merged or restructured where the label says nothing
missed    evidence of a changed clause that stands in no changed run (must be 0)

The labels are not part of this repository; they are looked for in ``../shared/corpus/revisions``.
Without them the script says so and ends well.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policyctl.core.diff.compare import compare
from policyctl.core.policy import Clause
from policyctl.core.revision import ClauseChange, Kind, Op, Revision
from policyctl.core.text.parse import parse, title_of
from policyctl.core.text.visible import folded, visible

CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "corpus" / "revisions"
ORDER = ("moved", "renamed", "split", "merged")
SAYS = {
    "moved": {Kind.MOVED},
    "renamed": {Kind.RENAMED},
    "split": {Kind.SPLIT, Kind.RESTRUCTURED},
    "merged": {Kind.MERGED, Kind.RESTRUCTURED},
}
OURS = {Kind.MOVED, Kind.SPLIT, Kind.MERGED, Kind.RESTRUCTURED}
SHORT = 12  # words of a line that may be a heading
Label = dict[str, Any]


def letters(text: str | None) -> str:
    """Letters and digits only: quotes leave out marks, and white space in them is free."""
    return re.sub(r"[\W_]+", "", folded(visible(text or "")).casefold())


def bare(title: str) -> str:
    """Letters of a title without its number, or numbers: ``3. A. Use``."""
    while title_of(title) != title:
        title = title_of(title)
    return letters(title)


def names(clause: Clause) -> list[str]:
    """Its heading, and each short block, which may work as a heading."""
    return [clause.heading, *(b.visible for b in clause.blocks if len(b.visible.split()) <= SHORT)]


def said(clauses: tuple[Clause, ...]) -> str:
    return letters(" ".join(block.visible for clause in clauses for block in clause.blocks))


def touches(change: ClauseChange, entry: Label) -> bool:
    """The link holds the entry's evidence on a side, or has its heading."""
    for side, clauses in (("old", change.old), ("new", change.new)):
        quote = letters(entry["evidence"][side])
        if quote and quote in said(clauses):
            return True
        title = bare(entry[f"{side}_heading"] or "")
        if title and title in {bare(name) for clause in clauses for name in names(clause)}:
            return True
    return False


def strictly(change: ClauseChange, entry: Label) -> bool:
    """The kind itself is said of a clause that holds the evidence, or whose own heading is named."""
    if not change.kinds & SAYS[entry["kind"]]:
        return False
    for side, clauses in (("old", change.old), ("new", change.new)):
        quote, title = letters(entry["evidence"][side]), bare(entry[f"{side}_heading"] or "")
        if (quote and quote in said(clauses)) or (title and title in {bare(c.heading) for c in clauses}):
            return True
    return False


def finds(change: ClauseChange, kind: str) -> bool:
    """The kind, of the clause or of a block; to a label another number or level is another name."""
    if change.kinds & SAYS[kind]:
        return True
    if kind == "moved":
        return any(block.moved for block in change.blocks)
    of_blocks = {each for block in change.blocks for each in block.kinds}
    if kind == "renamed":
        return "number" in change.format or bool(
            (change.kinds | of_blocks) & {Kind.RELEVELLED, Kind.RENAMED, Kind.RENUMBERED}
        )
    return bool(of_blocks & SAYS[kind])


def kinds_of(change: ClauseChange) -> str:
    form = f" ({', '.join(change.format)})" if change.format else ""
    return " ".join(sorted(change.kinds)) + form


def line(change: ClauseChange) -> str:
    names = [
        "; ".join(f"{c.line}: {c.heading or c.id}"[:60] for c in side) or "-"
        for side in (change.old, change.new)
    ]
    return f"{kinds_of(change)} [{change.matched_by} {change.margin:.2f}] {names[0]} -> {names[1]}"


def changed_letters(revision: Revision, side: str) -> list[str]:
    """Letters of each changed block with its changes, by side; adjoining ones are read together."""
    skip = Op.INSERT if side == "old" else Op.DELETE
    found: list[str] = []
    going_on = False
    for change in revision.clauses:
        for block in change.blocks:
            if not block.runs:
                going_on = False
                continue
            text = letters("".join(run.text for run in block.runs if run.op is not skip))
            found = [*found[:-1], found[-1] + text] if going_on else [*found, text]
            going_on = True
    return found


def missed(revision: Revision, entries: list[Label]) -> Iterator[tuple[Label, str]]:
    """Evidence that stands in no changed block; what only moved stands in a moved one."""
    for side in ("old", "new"):
        changed = "\n".join(changed_letters(revision, side))
        moved = "\n".join(
            said(change.old if side == "old" else change.new)
            for change in revision.clauses
            if change.kinds & OURS or any(block.moved for block in change.blocks)
        )
        for entry in entries:
            if entry["kind"] == {"old": "added", "new": "removed"}[side]:
                continue  # what it quotes there stayed
            quote = letters(entry["evidence"][side])
            if quote and quote not in changed and not (entry["kind"] in SAYS and quote in moved):
                yield entry, side


def main() -> int:
    corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    if not (corpus / "labels.jsonl").is_file():
        print(f"no labels in {corpus}: nothing measured")
        return 0
    found, strict = dict.fromkeys(ORDER, 0), dict.fromkeys(ORDER, 0)
    named = dict.fromkeys(ORDER, 0)
    unnamed: list[str] = []
    lost: list[str] = []
    for row in (corpus / "labels.jsonl").read_text("utf-8").splitlines():
        label = json.loads(row)
        old, new = ((corpus / label["id"] / f"{side}.md").read_bytes().decode() for side in ("old", "new"))
        revision = compare(parse(old), parse(new))
        entries = label["changed_clauses"]
        for entry in (entry for entry in entries if entry["kind"] in ORDER):
            kind = entry["kind"]
            near = [change for change in revision.clauses if touches(change, entry)]
            ok = any(finds(change, kind) for change in near)
            named[kind] += 1
            found[kind] += ok
            sure = any(strictly(change, entry) for change in near)
            strict[kind] += sure
            print(f"{'clause' if sure else 'block ' if ok else 'MISSED'} {label['id']} {kind}: "
                  f"{entry['old_heading']} -> {entry['new_heading']}")  # fmt: skip
            for change in near if not ok else []:
                print(f"         {line(change)}")
        calls = [entry for entry in entries if entry["kind"] in ORDER]
        unnamed += [
            f"{label['id']}: {line(change)}"
            for change in revision.clauses
            if change.kinds & OURS and not any(touches(change, e) and finds(change, e["kind"]) for e in calls)
        ]
        lost += [
            f"{label['id']} {e['kind']} {side}: {e['evidence'][side]}"
            for e, side in missed(revision, entries)
        ]
    for how, count in (("strict", strict), ("wide", found)):
        told = ", ".join(f"{k} {count[k]} of {named[k]}" for k in ORDER)
        print(f"named by a label and found, {how}: {told}")
    print(f"said without a label: {len(unnamed)}", *unnamed, sep="\n  ")
    print(f"evidence in no changed place: {len(lost)}", *lost, sep="\n  ")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
