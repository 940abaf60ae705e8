# SPDX-License-Identifier: Apache-2.0
"""The docs cannot drift from the code, and no link in them leads nowhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

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
