# SPDX-License-Identifier: Apache-2.0
"""Every rule has a page, every page a rule, and the examples on the pages do what the pages say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.versions.compare import Proposal, compare_sources
from policyctl.actions.versions.sources import Source
from policyctl.adapters.rule_pages import load_rule_page, rules_with_a_page
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.formats.practices_file import read_practices
from policyctl.core.judge.findings import Finding, Severity
from policyctl.core.judge.rules import RULES
from policyctl.core.judge.rules.rule import Rule, Translation
from policyctl.core.judge.standards import differences
from policyctl.core.policy import ChangeClass
from policyctl.core.text.parse import parse
from policyctl.reports.comparing.comparison import side_of
from policyctl.settings import parse_settings
from tests.cli.run import inside, said

TODAY = date(2027, 1, 4)
STANDARDS = wiring.standards()
BLOCK = re.compile(r"^```(\w+) (before|bad|good)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BESIDE = re.compile(r"^Beside it, the bad example raises (.*)\.$", re.MULTILINE)
SECTIONS = ["What it sees", "Example", "How to fix it"]


@dataclass(frozen=True)
class Page:
    """The blocks by (language, side), translations by (file, side)."""

    blocks: dict[tuple[str, str], str]
    translations: dict[tuple[str, str], str]
    beside: frozenset[str]
    proposal: bool


def page(rule: Rule) -> Page:
    text = load_rule_page(rule.id)
    blocks, translations = {}, {}
    for language, side, file, words in BLOCK.findall(text):
        (translations if file else blocks)[file or language, side] = words
    beside = frozenset(re.findall(r"PC\d{3}(?=\.md)", "".join(BESIDE.findall(text))))
    return Page(blocks, translations, beside, "Judged with `check --against`" in text)


def source(example: Page, side: str) -> Source:
    """One side of an example as the command would read it; what a side leaves out is as before."""
    text = example.blocks.get(("markdown", side), example.blocks["markdown", "before"])
    declared = example.blocks.get(("yaml", side), example.blocks.get(("yaml", "before")))
    taxonomy = STANDARDS.catalogue.taxonomy
    policy = read_policy(text, file="policy.md") if text.startswith("---") else None
    translations = tuple(
        Translation(file, read_policy(words, file=file))
        for (file, at), words in example.translations.items()
        if at == side
    )
    return Source(
        side_of("example", None, text.encode()),
        "policy.md",
        policy.document if policy else parse(text),
        policy,
        read_practices(declared, file="practices.yaml", taxonomy=taxonomy) if declared else None,
        slug="example",
        translations=translations,
    )


def findings(rule: Rule, side: str) -> tuple[Finding, ...]:
    example = page(rule)
    settings = {
        at: wiring.standards(parse_settings(words, root=Path()))
        for (language, at), words in example.blocks.items()
        if language == "toml"
    }
    changed = differences(settings["before"], settings[side]) if settings else ()
    proposal = Proposal(changed) if example.proposal else None
    compared = compare_sources(
        source(example, "before"), source(example, side), standards=STANDARDS, today=TODAY, proposal=proposal
    )
    return compared.judgement.findings


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert rules_with_a_page() == tuple(sorted(rule.id for rule in RULES))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_page_says_what_it_sees_shows_it_and_says_how_to_fix_it(rule: Rule) -> None:
    text = load_rule_page(rule.id)
    assert re.findall(r"(?m)^## (.*)$", re.sub(r"(?s)```.*?```", "", text)) == SECTIONS
    sides = {side for _, side in page(rule).blocks} | {side for _, side in page(rule).translations}
    assert sides == {"before", "bad", "good"}
    assert max(map(len, text.splitlines())) <= 140


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_bad_example_raises_exactly_that_rule(rule: Rule) -> None:
    assert {finding.rule for finding in findings(rule, "bad")} == {rule.id} | page(rule).beside


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_good_example_does_not_and_blocks_nothing(rule: Rule) -> None:
    found = [finding for finding in findings(rule, "good") if not finding.waived]
    assert rule.id not in {finding.rule for finding in found}
    assert {finding.rule for finding in found} <= page(rule).beside
    assert not any(finding.severity is Severity.ERROR for finding in found)


# Id: class at least, forced, blocks, material. A class of None is that of the practice beside it.
NOTICE, CHOICE = ChangeClass.NOTICE, ChangeClass.CHOICE
TRANSITION, EDITORIAL = ChangeClass.TRANSITION, ChangeClass.EDITORIAL
TABLE = {
    "PC101": (NOTICE, True, False, True), "PC102": (NOTICE, False, False, True),
    "PC111": (CHOICE, True, False, True), "PC112": (NOTICE, False, False, True),
    "PC113": (CHOICE, True, False, True), "PC121": (CHOICE, True, False, True),
    "PC122": (NOTICE, False, False, False), "PC123": (NOTICE, False, False, True),
    "PC131": (NOTICE, True, False, True), "PC132": (EDITORIAL, False, False, True),
    "PC141": (CHOICE, True, False, True), "PC142": (NOTICE, False, False, True),
    "PC151": (NOTICE, True, False, True), "PC161": (NOTICE, True, False, True),
    "PC171": (TRANSITION, True, False, True), "PC172": (TRANSITION, True, False, True),
    "PC181": (CHOICE, True, False, True), "PC182": (CHOICE, True, False, True),
    "PC191": (NOTICE, False, False, False), "PC192": (None, True, False, True),
    "PC201": (None, False, False, True), "PC203": (EDITORIAL, False, True, False),
    "PC211": (EDITORIAL, True, True, False), "PC212": (EDITORIAL, False, True, False),
    "PC213": (EDITORIAL, False, True, False), "PC221": (NOTICE, False, False, False),
    "PC222": (EDITORIAL, False, False, False), "PC241": (EDITORIAL, True, True, False),
}  # fmt: skip
# Blocking for some of what they find, telling for the rest: the tests of the judge show which.
MIXED = {"PC202", "PC231", "PC251"}
OURS = {"PC152", "PC162", "PC193", "PC204", "PC205", "PC223"}


def test_the_rules_are_those_that_were_agreed_with_their_class_force_and_weight() -> None:
    known = {
        rule.id: (rule.floor, rule.forced, rule.severity is Severity.ERROR, rule.material) for rule in RULES
    }
    assert {name: known[name] for name in TABLE} == TABLE
    assert set(known) == set(TABLE) | MIXED | OURS
    assert not any(rule.material for rule in RULES if rule.id in MIXED | {"PC204", "PC205", "PC223"})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_explained_by_its_id_and_by_its_name(rule: Rule) -> None:
    run = inside("explain", rule.id, cwd=Path())
    assert run.returncode == 0
    assert f"{rule.id} {rule.name}" in run.stdout
    assert "How to fix it" in run.stdout
    assert "](" not in run.stdout
    assert inside("explain", rule.name, cwd=Path()).stdout == run.stdout


def test_a_rule_is_explained_to_a_machine() -> None:
    value = said(inside("explain", "pc121", "--format", "json", cwd=Path()), "rule")
    assert value["name"] == "recipient-added"
    assert "## How to fix it" in value["page"]


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("PC112O", "PC112"), ("recipient-aded", "recipient-added"), ("../x", "policyctl rules"), ("", "rules")],
)
def test_an_unknown_rule_is_answered_with_the_nearest(wrong: str, hint: str) -> None:
    run = inside("explain", wrong, cwd=Path())
    assert run.returncode == 2
    assert hint in run.stderr
