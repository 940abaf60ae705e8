# SPDX-License-Identifier: Apache-2.0
"""How truthful the judgement is on labelled real revisions, beside a keyword baseline and a peer.

    python bench/judgement.py [--list] [--install-peer]

Everything is judged in one process over ``../shared/corpus/revisions`` and counted by the functions of
``../shared/tools/score_judgement.py``; without these folders it says so and ends well. Pairs marked as
borderline are left out but in the row "all". The companies are cut in two by a hash of their name: the
word lists and thresholds were tuned on half A alone, so B shows what was learned by heart.

keywords    a revision is material when a word it adds or drops is one of a short list
GovernDiff  0.6.0, by its breaking findings of medium confidence and more, as its command ``breaking``
            shows them. It is no dependency: it is looked for on the path or where POLICYCTL_GOVERNDIFF
            points; ``--install-peer`` puts it into a virtual environment of its own for this run.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

from policyctl.adapters.catalogue import load_catalogue
from policyctl.core.diff.compare import compare
from policyctl.core.judge.findings import Confidence
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.text.parse import parse
from policyctl.core.text.words import folded

SHARED = Path(__file__).resolve().parents[2] / "shared"
CORPUS = SHARED / "corpus" / "revisions"
PEER = "governdiff==0.6.0"
# fmt: off
KEYWORDS = frozenset({
    "collect", "collects", "collected", "share", "shares", "shared", "sell", "sells", "sold",
    "disclose", "disclosed", "third", "parties", "partners", "advertisers", "advertising", "retain",
    "retained", "retention", "delete", "deleted", "consent", "opt", "children", "transfer",
    "transfers", "purpose", "purposes", "biometric", "location", "train", "training", "security",
    "encrypted",
})
# fmt: on
Row = dict[str, Any]
Judge = Callable[[str, str], Row]


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score_judgement", SHARED / "tools" / "score_judgement.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def half(group: str) -> str:
    """A or B, the same on every machine."""
    return "AB"[hashlib.sha256(group.encode()).digest()[0] % 2]


def ours() -> Judge:
    catalogue, plain = load_catalogue(), JudgeContext(None, None, {}, date(2027, 1, 4))

    def answer(old: str, new: str) -> Row:
        judgement = judge(compare(parse(old), parse(new)), catalogue=catalogue, context=plain)
        found = [finding for finding in judgement.findings if finding.material]
        return {
            "material": judgement.verdict.material,
            "direction": str(judgement.verdict.direction),
            "categories": list(judgement.verdict.categories),
            "findings": [{"before": f.before, "after": f.after, "material": True} for f in found],
            "undecided": sum(f.confidence is Confidence.UNDECIDED for f in found),
            "messages": [f"{f.rule} {f.message}" for f in found],
        }

    return answer


def by_keywords(old: str, new: str) -> Row:
    before, after = Counter(folded(old)), Counter(folded(new))
    touched = (before - after) | (after - before)
    return _only(material=bool(KEYWORDS & touched.keys()))


def by_peer(program: str) -> Judge:
    def answer(old: str, new: str) -> Row:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("old.md", old), ("new.md", new)):
                Path(folder, name).write_text(text, "utf-8")
            command = [program, "breaking", "--format", "json", f"{folder}/old.md", f"{folder}/new.md"]
            run = subprocess.run(command, capture_output=True, text=True, check=False)
        try:
            report = json.loads(run.stdout)
        except ValueError:
            return _only(material=False) | {"failed": run.stderr.strip()[-120:] or f"exit {run.returncode}"}
        return _only(material=bool(report["selection"]["selected_finding_count"]))

    return answer


def _only(*, material: bool) -> Row:
    return {"material": material, "direction": "", "categories": [], "findings": []}


def rows(answer: Judge) -> list[Row]:
    """The answer for every labelled pair, with its label."""
    return [{"label": label, **answer(old, new)} for label, old, new in labelled()]


def labelled() -> Iterator[tuple[Mapping[str, Any], str, str]]:
    for line in (CORPUS / "labels.jsonl").read_text("utf-8").splitlines():
        label = json.loads(line)
        old, new = (
            (CORPUS / label["id"] / name).read_text("utf-8", errors="replace")
            for name in ("old.md", "new.md")
        )
        yield label, old, new


def groups(found: Sequence[Row]) -> dict[str, list[Row]]:
    clear = [row for row in found if not row["label"]["borderline"]]
    return {
        "all": list(found),
        "clear": clear,
        "half A (tuned)": [row for row in clear if half(row["label"]["group"]) == "A"],
        "half B (held out)": [row for row in clear if half(row["label"]["group"]) == "B"],
    }


def show(name: str, found: Sequence[Row], score: ModuleType, *, whole: bool) -> None:
    s = score.summary(found)
    print(
        f"{name:26} {s['pairs']:3}  P {s['material_p']:.3f}  R {s['material_r']:.3f}"
        f"  F1 {s['material_f1']:.3f}  noise {s['noise']:.3f}",
        end="",
    )
    if whole:
        print(
            f"  categories {s['categories_f1']:.3f}  direction {s['direction']:.3f}"
            f"  evidence {s['evidence']:.3f}",
            end="",
        )
    print()


def complain(found: Sequence[Row], judged: set[str]) -> None:
    """Every wrong answer, with what was seen."""
    for row in found:
        label, mark = row["label"], " (borderline)" if row["label"]["borderline"] else ""
        want, got = set(label["categories"]) & judged, set(row["categories"]) & judged
        if label["material"] != row["material"]:
            print(f"{'MISSED' if label['material'] else 'FALSE'} {label['id']}{mark}: {label['rationale']}")
            print(*(f"    {message}" for message in row["messages"][:6]), sep="\n")
        elif label["material"] and (want != got or label["direction"] != row["direction"]):
            print(
                f"       {label['id']}{mark}: {label['direction']} called {row['direction']};"
                f" missing {sorted(want - got)}, too much {sorted(got - want)}"
            )


def peer(*, install: bool, folder: str) -> str | None:
    """The program, installed into ``folder`` when asked for; None when it is not there."""
    found = os.environ.get("POLICYCTL_GOVERNDIFF") or shutil.which("governdiff")
    if found or not install:
        return found
    venv.create(folder, with_pip=True)
    program = Path(folder, "bin", "python")
    subprocess.run([str(program), "-m", "pip", "install", "-q", PEER], check=True)
    return str(Path(folder, "bin", "governdiff"))


def main() -> int:
    parser = argparse.ArgumentParser(description=re.split(r"\n", __doc__ or "")[0])
    parser.add_argument("--list", action="store_true", help="list the wrong answers")
    parser.add_argument("--install-peer", action="store_true", help=f"install {PEER} for this run")
    args = parser.parse_args()
    if not (CORPUS / "labels.jsonl").exists():
        print(f"no labelled revisions in {CORPUS}: nothing measured")
        return 0
    score = scorer()
    found = rows(ours())
    for name, part in groups(found).items():
        show(name, part, score, whole=True)
    undecided = sum(row["undecided"] for row in found)
    print(f"findings: {sum(len(row['findings']) for row in found)}, for a person to decide: {undecided}")
    show("keywords, clear", groups(rows(by_keywords))["clear"], score, whole=False)
    with tempfile.TemporaryDirectory() as folder:
        program = peer(install=args.install_peer, folder=folder)
        if program is None:
            print("GovernDiff is not installed: no peer beside (see --install-peer)")
        else:
            theirs = rows(by_peer(program))
            show("GovernDiff 0.6.0, clear", groups(theirs)["clear"], score, whole=False)
            print(f"pairs GovernDiff could not read: {sum('failed' in row for row in theirs)}")
    if args.list:
        complain(found, score.JUDGED)
    return 0


if __name__ == "__main__":
    sys.exit(main())
