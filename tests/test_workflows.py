# SPDX-License-Identifier: Apache-2.0
"""What no linter of workflows knows: our own rules about them, and that the docs show what we run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github/actions").glob("*/action.yml"))
PAGE = ROOT / "docs/how-to/check-pull-requests.md"
PINNED = re.compile(r"uses: ([\w.-]+/[\w./-]+)@([0-9a-f]{40}) # v\d+(\.\d+)*$")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text("utf-8"))


def steps(path: Path) -> Iterator[dict[str, Any]]:
    value = read(path)
    for job in value.get("jobs", {"": value.get("runs", {})}).values():
        yield from job.get("steps", [])


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=name)
def test_every_action_of_others_is_pinned_by_its_whole_commit_id(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        if "uses:" in line and "uses: ./" not in line:
            assert PINNED.search(line), line


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=name)
def test_no_shell_body_holds_an_expression(path: Path) -> None:
    assert all("${{" not in step.get("run", "") for step in steps(path))


@pytest.mark.parametrize("path", WORKFLOWS, ids=name)
def test_a_workflow_starts_with_no_rights_and_leaves_no_credentials(path: Path) -> None:
    value = read(path)
    assert value["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in value["jobs"].values())
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", ACTIONS, ids=name)
def test_an_action_imports_nothing_of_the_checked_repository(path: Path) -> None:
    for step in steps(path):
        for line in step.get("run", "").splitlines():
            assert not re.search(r"python3?\"? (?!-I)", line), line


def test_the_job_that_reads_a_pull_request_may_write_nothing() -> None:
    (job,) = read(ROOT / ".github/workflows/policies.yml")["jobs"].values()
    assert job["permissions"] == {"contents": "read"}


def test_the_job_that_writes_checks_out_no_code_of_the_pull_request() -> None:
    for step in steps(ROOT / ".github/workflows/policies-comment.yml"):
        assert "ref" not in step.get("with", {})
        assert "repository" not in step.get("with", {})


def test_the_page_pins_what_the_workflows_pin() -> None:
    ours = dict(match for path in WORKFLOWS for match in _pins(path))
    shown = dict(_pins(PAGE))
    assert shown
    assert all(ours[action] == commit for action, commit in shown.items())


def _pins(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text("utf-8").splitlines():
        if match := PINNED.search(line):
            yield match[1], match[2]


def test_the_hooks_call_commands_that_are_there() -> None:
    for hook in read(ROOT / ".pre-commit-hooks.yaml"):
        assert hook["entry"] == "policyctl check"
        re.compile(hook["files"])
