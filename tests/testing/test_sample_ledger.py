# SPDX-License-Identifier: Apache-2.0
"""What a program's own tests get: a ledger that answers as the real one, filled by short calls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyctl.api import NotPermittedError, requires_use
from policyctl.core.use.decision import UseAnswer
from policyctl.errors import InputErrors
from policyctl.testing.ledger import SampleLedger, sample_ledger

EMAIL, NEWS = "user.contact.email", "marketing.communications.email"
OLD, LATER = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
NOTES = """practices:
  - {id: account, clause: account, data: [user.contact.email], purpose: essential.service}
"""
AND_NEWS = """  - id: news
    clause: news
    data: [user.contact.email]
    purpose: marketing.communications.email
    choice: opt-out
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SampleLedger]:
    with sample_ledger(tmp_path / "new") as opened:
        opened.add_subject("u-17")
        opened.tag("u-17", EMAIL, "crm-1", collected_at=OLD)
        yield opened


def test_the_sample_policy_is_published_and_a_guarded_function_runs(ledger: SampleLedger) -> None:
    @requires_use(EMAIL, NEWS, ledger=ledger)
    def send(subject: str) -> str:
        return f"sent to {subject}"

    assert send("u-17") == "sent to u-17"
    ledger.choose("example-fax@v1#quote-marketing", "refuse", subject="u-17")
    with pytest.raises(NotPermittedError, match="answered refuse"):
        send("u-17")
    with pytest.raises(NotPermittedError, match="nothing is known of this subject"):
        send("stranger")


def test_a_customer_answers_for_its_subjects(ledger: SampleLedger) -> None:
    ledger.add_customer("acme")
    ledger.add_subject("u-1", customer="acme")
    ledger.tag("u-1", EMAIL, "1", collected_at=OLD, customer="acme")
    assert ledger.may_use("u-1", EMAIL, NEWS).answer is UseAnswer.PERMITTED
    ledger.choose("example-fax@v1#quote-marketing", "refuse", customer="acme")
    assert ledger.may_use("u-1", EMAIL, NEWS).finding.code == "customer_objected"


def test_an_own_policy_and_a_change_that_silence_permits(tmp_path: Path) -> None:
    with sample_ledger(tmp_path / "own", sample=False) as ledger:
        assert ledger.publish(NOTES, policy="notes") == "notes@v1"
        ledger.add_subject("u-17")
        ledger.tag("u-17", EMAIL, "1", collected_at=OLD)
        asked = {"news": "opt-out"}
        assert ledger.publish(NOTES + AND_NEWS, policy="notes", effective=LATER, asks=asked) == "notes@v2"
        assert ledger.may_use("u-17", EMAIL, NEWS).finding.code == "not_told"
        ledger.told("u-17", "notes@v2", at=LATER)
        assert ledger.may_use("u-17", EMAIL, NEWS).finding.code == "nobody_objected"
        early = LATER + timedelta(days=3)
        assert ledger.may_use("u-17", EMAIL, NEWS, at=early).finding.code == "may_still_object"
        with pytest.raises(LookupError, match="owed no notice"):
            ledger.told("stranger", "notes@v2", at=LATER)


def test_a_new_subject_comes_under_a_policy_by_accepting_it(ledger: SampleLedger) -> None:
    ledger.add_subject("new", since=None)
    ledger.accept("new", "example-fax@v1", at=OLD)
    ledger.tag("new", EMAIL, "1")
    assert ledger.may_use("new", EMAIL, "sales").answer is UseAnswer.PERMITTED


def test_practices_that_will_not_do_are_refused(ledger: SampleLedger) -> None:
    with pytest.raises(InputErrors, match=r"unheard|data"):
        ledger.publish("practices:\n  - {id: x, purpose: unheard}\n")


def test_a_program_finds_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from policyctl.api import requires_use

        def test_it(policy_ledger):
            policy_ledger.add_subject("u-17")
            policy_ledger.tag("u-17", "user.contact.email", "crm-1")
            policy_ledger.choose("example-fax@v1#quote-marketing", "refuse", subject="u-17")

            @requires_use("user.contact.email", "marketing.communications.email", ledger=policy_ledger)
            def send(subject):
                raise AssertionError("sent")

            send("u-17")

        def test_each_has_its_own(policy_ledger):
            assert policy_ledger.may_use("u-17", "user.contact.email", "sales").answer == "undecided"
        """
    )
    run = pytester.runpytest_inprocess("-p", "policyctl.testing.pytest_plugin")
    run.assert_outcomes(passed=1, failed=1)
    run.stdout.fnmatch_lines(["*NotPermittedError: refused: *"])


def test_the_plugin_loads_nothing_until_it_is_asked_for() -> None:
    heavy = ("sqlalchemy", "alembic", "ruamel", "git", "policyctl.api", "policyctl.core")
    code = (
        "import sys, policyctl.testing.pytest_plugin\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
