# SPDX-License-Identifier: Apache-2.0
"""A person at a shell in a policy repository, and repositories to sit down at.

Each is made once and copied for whoever wants it: to publish two versions takes longer than most tests do.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from policyctl.cli.app import app
from tests.cli.run import inside
from tests.ledgers import settle

SAMPLE = Path(__file__).resolve().parents[1] / "policyctl" / "sample"
SCHEMAS = Path(__file__).resolve().parents[1] / "policyctl" / "schemas"
SLUG = "example-fax"


class Desk:
    """A person at a shell in a policy repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=Legal", "-c", "user.email=legal@example.com"]
        run = subprocess.run(
            ["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return run.stdout

    def run(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["-C", str(self.folder), *words])
        assert result.exit_code == code, result.output
        return result.stdout

    def fails(self, *words: str, code: int) -> str:
        result = CliRunner().invoke(app, ["-C", str(self.folder), *words])
        assert result.exit_code == code, result.output
        return result.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        value = json.loads(self.run(*words, "--format", "json", code=code))
        name = value["schema"].removeprefix("policyctl.").split("/")[0]
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8"))
        Draft202012Validator(schema).validate(value)
        return value

    def write(self, number: int) -> None:
        """The sample's version ``number``, effective a long time from now, committed."""
        target = self.folder / "policies" / SLUG
        target.mkdir(parents=True, exist_ok=True)
        for name in ("policy.md", "practices.yaml"):
            text = (SAMPLE / f"v{number}" / name).read_text("utf-8")
            lines = [
                f"effective: {2090 + number}-01-15" if line.startswith("effective:") else line
                for line in text.split("\n")
            ]
            (target / name).write_text("\n".join(lines), "utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", f"Version {number}")


@pytest.fixture(scope="session")
def desk_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``init`` makes it, with what a mail needs."""
    desk = Desk(tmp_path_factory.mktemp("desk"))
    desk.git("init", "-q", "-b", "main")
    desk.git("config", "user.name", "Legal")
    desk.git("config", "user.email", "legal@example.com")
    desk.run("init")
    settings = desk.folder / "policyctl.toml"
    text = settings.read_text("utf-8")
    text = text.replace('reply_to = ""', 'reply_to = "answers@example.com"')
    settings.write_text(text.replace('postal_address = ""', 'postal_address = "1 Sample Street"'), "utf-8")
    return desk.folder


@pytest.fixture(scope="session")
def published_model(desk_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = Desk(_copied(desk_model, tmp_path_factory.mktemp("published")))
    desk.write(1)
    desk.run("publish", SLUG, "--yes")
    for name in ("customers", "subjects"):
        desk.run(name, "import", str(SAMPLE / "data" / f"{name}.csv"))
    desk.write(2)
    desk.run("publish", SLUG, "--yes")
    return desk.folder


def _copied(model: Path, to: Path) -> Path:
    """A copy, whose ledger is at home where it is now."""
    shutil.copytree(model, to, symlinks=True, dirs_exist_ok=True)
    ledger = to / ".policyctl" / "ledger.db"
    if ledger.exists():
        settle(f"sqlite:///{ledger}")
    return to


@pytest.fixture
def committer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever git takes for the author of what a command commits."""
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Legal")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "legal@example.com")


@pytest.fixture
def desk(desk_model: Path, committer: None, tmp_path: Path) -> Desk:  # noqa: ARG001
    return Desk(_copied(desk_model, tmp_path))


@pytest.fixture
def published(published_model: Path, committer: None, tmp_path: Path) -> Desk:  # noqa: ARG001
    """Versions 1 and 2 are out, people are there, data is tagged."""
    return Desk(_copied(published_model, tmp_path))


# The demo


@pytest.fixture(scope="session")
def demo_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("model") / "demo"
    assert inside("demo", str(place), cwd=place.parent).returncode == 0
    return place


@pytest.fixture(scope="module")
def demo(demo_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of the demo, with people, tags and choices, for the tests of one file."""
    return _copied(demo_model, tmp_path_factory.mktemp("file") / "demo")
