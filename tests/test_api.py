# SPDX-License-Identifier: Apache-2.0
"""The Python API, asked from outside like a program that tags and uses data."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import pytest

from policyctl.actions import imports
from policyctl.api import may_use
from policyctl.core.use.decision import UseAnswer
from policyctl.errors import CannotCompareError, UsageError
from policyctl.settings import load_settings
from policyctl.wiring import open_ledger
from tests.adapters.ledger_samples import KEY, day, practice, version

EMAIL, NEWS = "user.contact.email", "marketing.communications.email"
NOW = day("2026-11-01")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy repository with one version and one tagged piece of data."""
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    (tmp_path / "policyctl.toml").write_text('[ledger]\nurl = "sqlite:///ledger.db"\n', "utf-8")
    ledger = open_ledger(load_settings(tmp_path))
    ledger.upgrade()
    ledger.record_version(version(1, "2026-01-01", practice("news", NEWS)), (), now=NOW)
    people = b"subject,customer,email,locale,known_since\nu1,,u1@example.com,en,2026-01-02\n"
    imports.import_subjects(people, file="subjects.csv", now=NOW, ledger=ledger)
    imports.add_tag("u1", EMAIL, "account", day("2026-02-01"), now=NOW, ledger=ledger)
    ledger.close()
    return tmp_path


def test_a_program_asks_and_gets_an_answer_with_reasons(repository: Path) -> None:
    below = repository / "policies"
    below.mkdir()
    decision = may_use("u1", EMAIL, NEWS, root=below)
    assert decision.answer is UseAnswer.PERMITTED
    assert decision.reasons[-1].practice == "news"
    assert may_use("u1", EMAIL, "sales", root=repository).answer is UseAnswer.REFUSED
    assert may_use("stranger", EMAIL, NEWS, root=repository).answer is UseAnswer.UNDECIDED


def test_a_program_may_ask_about_the_past(repository: Path) -> None:
    assert may_use("u1", EMAIL, NEWS, at=day("2026-01-15"), root=repository).answer is UseAnswer.UNDECIDED
    with pytest.raises(UsageError, match="time zone"):
        may_use("u1", EMAIL, NEWS, at=datetime(2026, 3, 1), root=repository)  # noqa: DTZ001 - that is the point


def test_where_there_is_no_repository_or_ledger_the_program_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    (tmp_path / ".git").mkdir()
    with pytest.raises(CannotCompareError, match=r"policyctl\.toml"):
        may_use("u1", EMAIL, NEWS, root=tmp_path)
    (tmp_path / "policyctl.toml").write_text("", "utf-8")
    with pytest.raises(CannotCompareError, match="no ledger"):
        may_use("u1", EMAIL, NEWS, root=tmp_path)


def test_a_question_loads_neither_git_nor_markdown(repository: Path) -> None:
    import subprocess

    code = (
        f"import sys; from policyctl.api import may_use; may_use('u1', {EMAIL!r}, {NEWS!r})\n"
        "unwanted = ('git', 'markdown_it', 'ruamel', 'alembic', 'deepdiff', 'jinja2')\n"
        "print([name for name in unwanted if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=repository
    )
    assert run.stdout.strip() == "[]"
