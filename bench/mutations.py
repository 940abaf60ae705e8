# SPDX-License-Identifier: Apache-2.0
"""Clauses of a real text and the operations that change them, for ``mutate.py``.

The cutter follows the corpus's own definition of a clause and knows nothing of the parser.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

ATX = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
BOLD = re.compile(r"(?:\*\*|__)([^*]{1,116})(?:\*\*|__)$")
NUMBER = re.compile(r"\d{1,2}\\?\.\s+")
PLAIN = re.compile(r"[^\W\d_]{3,}")
IDEOGRAPH = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
KINDS = ("reword", "reword", "rename", "relevel", "move", "move", "swap", "delete", "add", "split", "merge")
WHOLE = ("renumber", "restyle", "retype", "boilerplate")
BOILERPLATE = "For more about this, see the section with our addresses below, or ask the team that helps you."


@dataclass
class Unit:
    """One clause as it will stand in the new text, and where it comes from."""

    olds: list[int]
    title: str
    level: int
    body: str
    style: str = "atx"
    kinds: set[str] = field(default_factory=set)
    part: int = 0
    picked: bool = False
    born: int = -1


def cut(text: str) -> list[Unit]:
    """Clauses at headings, by the corpus's definition."""
    lines = text.split("\n")
    starts: list[tuple[int, int, str, int, str]] = []
    fenced = False
    for i, line in enumerate(lines):
        fenced ^= line.startswith("```")
        before = lines[i - 1].strip() if i else ""
        after = lines[i + 1].strip() if i + 1 < len(lines) else ""
        if fenced or not line.strip():
            continue
        if found := ATX.match(line):
            starts.append((i, 1, found[2], len(found[1]), "atx"))
        elif not before and re.fullmatch(r"=+|-{3,}", after) and not re.match(r"[*+>|-]|\d+[.)]\s", line):
            starts.append((i, 2, line.strip(), 1 if after[0] == "=" else 2, "setext"))
        elif not before and not after and (found := BOLD.match(line.strip(" "))):
            starts.append((i, 1, found[1], 4, "bold"))
    edges = [start[0] for start in starts] + [len(lines)]
    units = []
    if starts and any(line.strip() for line in lines[: edges[0]]):
        units.append(Unit([], "", 0, "\n".join(lines[: edges[0]]).strip()))
    for (i, size, title, level, style), end in zip(starts, edges[1:], strict=True):
        units.append(Unit([], title, level, "\n".join(lines[i + size : end]).strip("\n"), style))
    return units


def paragraphs(text: str) -> list[Unit]:
    """Clauses at blank lines; runs of list blocks are one, and short blocks go with the one before."""
    units: list[Unit] = []
    in_list = False
    for block in re.split(r"\n\s*\n", text.strip()):
        listed = bool(re.match(r"\s*(?:[-*+•]|\d{1,9}[.)])\s", block))
        goes_on = in_list and (listed or bool(re.match(r" {2,}|\t", block)))
        if units and (goes_on or len(re.findall(r"[^\W_]+", block)) < 4):
            units[-1].body += "\n\n" + block
            continue
        in_list = listed
        units.append(Unit([], "", 0, block))
    return units


def render(units: list[Unit]) -> tuple[str, list[dict[str, Any]]]:
    lines: list[str] = []
    listed = []
    for ordinal, unit in enumerate(units):
        begin = len(lines) + 1
        if unit.title and unit.style == "setext" and unit.level <= 2:
            lines += [unit.title, ("=" if unit.level == 1 else "-") * 12, ""]
        elif unit.title and unit.style == "bold" and unit.level == 4:
            lines += [f"**{unit.title}**", ""]
        elif unit.title:
            lines += ["#" * unit.level + " " + unit.title, ""]
        if unit.body:
            lines += [*unit.body.split("\n"), ""]
        listed.append({"ordinal": ordinal, "line": begin, "lines": len(lines) + 1 - begin})
    return "\n".join(lines) + "\n", listed


class Mutator:
    """Applies operations to the clauses of one text, never twice one that would hide another."""

    def __init__(self, units: list[Unit], donors: list[Unit], chance: random.Random) -> None:
        self.units, self.donors, self.chance = units, donors, chance
        self.vocabulary = [w for unit in donors for w in PLAIN.findall(unit.body)[:200]]
        self.whole: list[str] = []
        for index, unit in enumerate(units):
            unit.olds, unit.born = [index], index

    def fresh(self, *without: str) -> list[int]:
        return [
            i
            for i, u in enumerate(self.units)
            if u.olds and not u.part and not u.kinds & {"split", "merged", *without}
        ]

    def run(self, operations: int) -> None:
        for _ in range(operations):
            getattr(self, self.chance.choice(KINDS))()

    def reword(self) -> None:
        pool = [
            i
            for i, unit in enumerate(self.units)
            if unit.olds and "reworded" not in unit.kinds and len(PLAIN.findall(unit.body)) > 12
        ]
        if pool:
            unit = self.units[self.chance.choice(pool)]
            new = self.reworded(unit.body, self.chance.choice([0.05, 0.1, 0.2, 0.3, 0.45]))
            if new != unit.body:
                unit.body = new
                unit.kinds.add("reworded")

    def reworded(self, body: str, share: float) -> str:
        done = 0

        def one(found: re.Match[str]) -> str:
            nonlocal done
            if self.chance.random() > share and (done or found.start() < len(body) / 2):
                return found[0]
            done += 1
            way = self.chance.random()
            word = self.chance.choice(self.vocabulary).lower()
            return word if way < 0.6 else f"{found[0]} {word}" if way < 0.8 else word[:3] + "ly"

        quiet = re.compile(r"\]\([^)]*\)|https?://\S+|<[^>]*>|&\w+;|`[^`]*`|" + PLAIN.pattern)
        return quiet.sub(lambda m: one(m) if PLAIN.fullmatch(m[0]) else m[0], body)

    def rename(self) -> None:
        pool = [i for i in self.fresh("renamed") if self.units[i].title]
        if not pool:
            return
        unit = self.units[self.chance.choice(pool)]
        number = m[0] if (m := NUMBER.match(unit.title)) else ""
        if self.chance.random() < 0.5:
            new = self.chance.choice([u.title for u in self.donors if u.title])
            new = number + NUMBER.sub("", new)
        else:
            new = unit.title + " " + self.chance.choice(["in detail", "and you", "at a glance", "explained"])
        if new != unit.title:
            unit.title = new
            unit.kinds.add("renamed")

    def relevel(self) -> None:
        pool = [i for i in self.fresh("releveled") if self.units[i].title]
        if not pool:
            return
        unit = self.units[self.chance.choice(pool)]
        level = unit.level + self.chance.choice([-1, 1])
        if 1 <= level <= 6:
            unit.level, unit.style = level, "atx"
            unit.kinds.add("releveled")

    def section(self, index: int) -> int:
        """How many units the section at ``index`` takes along."""
        end, level = index + 1, self.units[index].level
        while level and end < len(self.units) and self.units[end].level > level:
            end += 1
        return end - index

    def place(self, more: int = 0) -> int:
        """Any place; text before the first heading stays where it is."""
        headed = any(unit.title for unit in self.units)
        lowest = 1 if headed and not self.units[0].title else 0
        return self.chance.randrange(lowest, max(lowest + 1, len(self.units) + more))

    def move(self) -> None:
        index = self.place()
        count = self.section(index)
        if not self.units[index].olds or count > len(self.units) / 3:
            return
        taken = self.units[index : index + count]
        del self.units[index : index + count]
        self.units[(place := self.place(1)) : place] = taken
        for unit in taken:
            unit.picked = True

    def swap(self) -> None:
        index = self.place(-1)
        pair = self.units[index : index + 2]
        if len(pair) > 1 and pair[0].olds and pair[1].olds:
            self.units[index : index + 2] = reversed(pair)
            pair[0].picked = True

    def delete(self) -> None:
        if pool := self.fresh():
            del self.units[self.chance.choice(pool)]

    def add(self) -> None:
        donor = self.chance.choice(self.donors)
        unit = Unit([], donor.title, donor.level and self.chance.choice([2, 3]), donor.body)
        if bool(donor.title) == any(u.title for u in self.units) and donor.body:
            self.units.insert(self.place(1), unit)

    def split(self) -> None:
        pool = [i for i in self.fresh("reworded") if len(self.parts(self.units[i].body)) > 1]
        if not pool:
            return
        index = self.chance.choice(pool)
        unit = self.units[index]
        parts = self.parts(unit.body)
        at = self.chance.randrange(1, len(parts))
        one, other = "\n\n".join(parts[:at]), "\n\n".join(parts[at:])
        if min(len(PLAIN.findall(one)), len(PLAIN.findall(other))) < 8:
            return
        title = self.chance.choice([u.title for u in self.donors if u.title] or [""]) if unit.title else ""
        unit.body = one
        unit.kinds.add("split")
        self.units.insert(index + 1, Unit(list(unit.olds), title, unit.level, other, "atx", unit.kinds, 1))
        self.units[index + 1].picked = unit.picked

    def parts(self, body: str) -> list[str]:
        if body.lstrip().startswith(("|", "```")):
            return []
        blocks = re.split(r"\n[ \t]*\n+", body)
        if any(unit.title for unit in self.units) and len(blocks) > 1:
            return blocks
        return re.split(r"(?<=[a-z]{3}[.!?]) (?=[A-Z])", body) if "\n" not in body.strip() else []

    def merge(self) -> None:
        free = set(self.fresh("reworded", "renamed", "releveled"))
        pool = [i for i in sorted(free) if i + 1 in free and self.units[i].level == self.units[i + 1].level]
        if not pool:
            return
        index = self.chance.choice(pool)
        one, other = self.units[index : index + 2]
        if min(len(PLAIN.findall(one.body)), len(PLAIN.findall(other.body))) < 8:
            return
        if not one.title and ("\n" in one.body.strip() or "\n" in other.body.strip()):
            return
        if one.title and self.chance.random() < 0.4:
            one.title = f"{one.title} and {NUMBER.sub('', other.title)}"
            one.kinds.add("renamed")
        one.body += ("\n\n" if one.title else " ") + other.body
        one.olds += other.olds
        one.kinds.add("merged")
        del self.units[index + 1]


def whole(way: str, units: list[Unit]) -> None:
    """What touches the whole new text and is no kind of change."""
    if way == "renumber":
        count = 0
        for unit in units:
            if NUMBER.match(unit.title):
                count += 1
                unit.title = NUMBER.sub(f"{count}\\\\. ", unit.title, count=1)
    elif way == "restyle":
        for unit in units:
            unit.style = "atx" if unit.style != "atx" else "setext"
    elif way == "retype":
        for unit in units:
            unit.body = unit.body.replace("’", "'").replace("“", '"').replace("”", '"').replace(" – ", " - ")
