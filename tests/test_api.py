# SPDX-License-Identifier: Apache-2.0
"""The Python API, asked from outside like a program that tags and uses data."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.recording import imports, tagging
from policyctl.api import NotPermittedError, may_use, open_ledger, requires_use
from policyctl.core.use.decision import UseAnswer
from policyctl.errors import CannotCompareError, InputError, UsageError
from policyctl.settings import load_settings
from tests.adapters.ledger_samples import KEY, day, practice, version

EMAIL, NEWS = "user.contact.email", "marketing.communications.email"
NOW = day("2026-11-01")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy repository with one version and one tagged piece of data."""
    monkeypatch.setenv("POLICYCTL_PSEUDONYM_KEY", KEY.hex())
    (tmp_path / "policyctl.toml").write_text('[ledger]\nurl = "sqlite:///ledger.db"\n', "utf-8")
    ledger = wiring.open_ledger(load_settings(tmp_path))
    ledger.upgrade()
    ledger.record_version(version(1, "2026-01-01", practice("news", NEWS)), (), now=NOW)
    people = b"subject,customer,email,locale,known_since\nu1,,u1@example.com,en,2026-01-02\n"
    imports.import_subjects(people, file="subjects.csv", now=NOW, ledger=ledger)
    tagging.add_tag("u1", EMAIL, "account", day("2026-02-01"), now=NOW, ledger=ledger)
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


def test_a_program_tags_data_when_it_is_collected_and_asks_at_once(repository: Path) -> None:
    with open_ledger(repository) as ledger:
        assert ledger.tag("u1", EMAIL, "newsletter-form", collected_at=day("2026-03-01"))
        assert not ledger.tag("u1", EMAIL, "newsletter-form", collected_at=day("2026-03-01"))
        found = ledger.may_use("u1", EMAIL, NEWS)
        assert found.answer is UseAnswer.PERMITTED
        assert {each.record for each in found.tags} == {"account", "newsletter-form"}


def test_a_tag_without_a_time_is_of_now_and_one_that_cannot_be_is_refused(repository: Path) -> None:
    with open_ledger(repository) as ledger:
        assert ledger.tag("u1", EMAIL, "today")
        with pytest.raises(InputError, match="future"):
            ledger.tag("u1", EMAIL, "tomorrow", collected_at=datetime.now(UTC) + timedelta(days=1))  # noqa: TID251
        with pytest.raises(InputError, match="not known"):
            ledger.tag("stranger", EMAIL, "x")
        with pytest.raises(UsageError, match="time zone"):
            ledger.tag("u1", EMAIL, "x", collected_at=datetime(2026, 3, 1))  # noqa: DTZ001 - that is the point


def test_old_data_says_where_it_is_known_from_in_the_decision(repository: Path) -> None:
    with open_ledger(repository) as ledger:
        assert ledger.tag(
            "u1",
            EMAIL,
            "paper",
            collected_at=day("2025-03-01"),
            version="v1",
            provenance="paper form of 2025",
        )
        assert "paper form of 2025" in {each.provenance for each in ledger.may_use("u1", EMAIL, NEWS).tags}


# Code that runs only where it may


def test_a_guarded_function_runs_only_for_those_whose_data_may_be_used(repository: Path) -> None:
    sent: list[str] = []
    with open_ledger(repository) as ledger:

        @requires_use(EMAIL, NEWS, ledger=ledger)
        def send(text: str, subject: str) -> str:
            sent.append(subject)
            return text

        assert send("hello", "u1") == send("hello", subject="u1") == "hello"
        with pytest.raises(NotPermittedError, match="undecided: nothing is known") as told:
            send("hello", "stranger")
        assert told.value.decision.answer is UseAnswer.UNDECIDED
    assert sent == ["u1", "u1"]


def test_a_guarded_function_of_another_purpose_does_not_run_at_all(repository: Path) -> None:
    with open_ledger(repository) as ledger:

        @requires_use(EMAIL, "sales", ledger=lambda: ledger)
        def sell(subject: str) -> None:
            raise AssertionError(subject)

        with pytest.raises(NotPermittedError, match="refused"):
            sell("u1")


def test_a_guard_asks_anew_at_every_call_and_waits_for_async_functions(repository: Path) -> None:
    with open_ledger(repository) as ledger:

        @requires_use(EMAIL, NEWS, subject="person", ledger=ledger)
        async def send(person: str) -> str:
            return person

        assert asyncio.run(send("u1")) == "u1"
        with wiring.open_ledger(load_settings(repository)) as another:
            another.erase_subject("u1", now=NOW)
        with pytest.raises(NotPermittedError):
            asyncio.run(send("u1"))


def test_a_guard_without_a_ledger_asks_the_repository_of_the_working_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @requires_use(EMAIL, NEWS)
    def send(subject: str) -> str:
        return subject

    monkeypatch.chdir(repository)
    assert send("u1") == "u1"
    monkeypatch.chdir("/")
    with pytest.raises(CannotCompareError):
        send("u1")


def test_a_guard_that_cannot_know_whom_it_is_about_is_refused(repository: Path) -> None:
    with pytest.raises(UsageError, match="no argument 'subject'"):

        @requires_use(EMAIL, NEWS)
        def send(person: str) -> None: ...

    with open_ledger(repository) as ledger:

        @requires_use(EMAIL, NEWS, ledger=ledger)
        def post(subject: object) -> None: ...

        with pytest.raises(UsageError, match="no text"):
            post(None)


def test_a_with_runs_its_body_only_where_it_may(repository: Path) -> None:
    with open_ledger(repository) as ledger:
        with ledger.using("u1", EMAIL, NEWS) as decision:
            assert decision.answer is UseAnswer.PERMITTED
        with pytest.raises(NotPermittedError), ledger.using("u1", EMAIL, "sales"):
            raise AssertionError
