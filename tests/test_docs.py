# SPDX-License-Identifier: Apache-2.0
"""The docs cannot drift from the code, and no link in them leads nowhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from policyctl.core.notices.outbox import GONE, DeliveryName, OutboxState
from policyctl.core.notices.progress import Group, group_of

ROOT = Path(__file__).resolve().parents[1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = generator()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("name", sorted(GENERATE.PAGES))
def test_a_reference_page_says_what_the_code_says(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    assert written == GENERATE.PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_uses_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    known = {name.split()[1] for name, _ in GENERATE.commands(GENERATE.typer.main.get_command(GENERATE.app))}
    used = set(re.findall(r"policyctl ([a-z][a-z-]+)", "\n".join(re.findall(r"```.*?```", text, re.DOTALL))))
    assert used
    assert used <= known, used - known


def test_nothing_committed_names_an_index_host_or_a_home() -> None:
    hosts = [r"p[y]pi\.", "python[h]osted", r"npm[j]s\.", r"registry\.np[m]", "/hom[e]/", "/roo[t]/"]
    for path in [*ROOT.glob("requirements/*"), ROOT / "pyproject.toml", ROOT / "Makefile", *PAGES]:
        for pattern in hosts:
            assert not re.search(pattern, path.read_text("utf-8")), f"{path.name}: {pattern}"


def test_the_page_about_the_status_puts_every_state_into_the_group_that_it_is_counted_in() -> None:
    text = (ROOT / "docs/how-to/read-the-status.md").read_text("utf-8").partition("behind them")[2]
    said = dict(re.findall(r"^\| ((?:`[a-z]+`(?:, )?)+) \|[^|]*\| ([a-z ,]+) \|$", text, re.MULTILINE))
    groups = {name: group for names, group in said.items() for name in re.findall(r"`([a-z]+)`", names)}
    assert set(groups) == {*OutboxState, *DeliveryName}
    for state in OutboxState:
        early, late = (group_of(state, None, overdue=overdue) for overdue in (False, True))
        wanted = "none" if state in GONE else early if early is late else f"{early}, then {late}"
        assert groups[state] == wanted, state
    for event in DeliveryName:
        found = group_of(OutboxState.ACCEPTED, event, overdue=False)
        assert groups[event] == ("as the state says" if found is Group.PENDING else found), event
