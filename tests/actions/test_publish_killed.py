# SPDX-License-Identifier: Apache-2.0
"""Publishing, killed at every named step as kill -9 would, and run again: one of everything."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyctl.actions.versions.publish import STEPS
from policyctl.core.policy import VersionKey
from policyctl.core.records import CustomerRow, SubjectRow, TagRow
from policyctl.errors import Place
from policyctl.faults import KILLED
from tests.actions import publisher
from tests.actions.instance import (
    DAYS,
    PRACTICES_2,
    SLUG,
    TEXT_2,
    Opened,
    make_published,
    policy,
)
from tests.repos import ALONE, Repo

V1, V2 = VersionKey(SLUG, 1), VersionKey(SLUG, 2)
LATER = DAYS[2] + timedelta(hours=5)
BEFORE_THE_REF = STEPS[: STEPS.index("publish.ref-created")]
SITE_STEPS = ("site.built", "site.exchanged", "site.swapped")
ALL_DONE = {"sync.site-written", "site.exchanged", "site.swapped"}  # the pages change places in one step
JANUARY = datetime(2027, 1, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_scene(tmp_path / "repo")


def make_scene(root: Path) -> Repo:
    """A second version to publish: two administrators to tell and one subject to ask."""
    made = make_published(root)
    place = Place("rows.csv", 2)
    with Opened(made.root) as opened:
        customers = [
            CustomerRow(place, name, name.title(), f"admin@{name}.example.com", "Ada Example", "en")
            for name in ("acme", "beta")
        ]
        opened.ledger.import_customers(customers, now=JANUARY)
        subject = SubjectRow(place, "u-17", "acme", "u17@acme.example.com", "en", DAYS[1])
        opened.ledger.import_subjects([subject], now=JANUARY)
        tag = TagRow(place, "u-17", "user.contact.email", "record-1", JANUARY, SLUG)
        opened.ledger.import_tags([tag], now=JANUARY)
    made.commit("Second text", policy(TEXT_2, PRACTICES_2))
    return made


def run(repo: Repo, verb: str, now: datetime, fault: str = "") -> int:
    words = [sys.executable, publisher.__file__, verb, str(repo.root), now.isoformat()]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    env.pop("POLICYCTL_FAULT", None)
    if fault:
        env["POLICYCTL_FAULT"] = fault
    return subprocess.run(words, env=env, capture_output=True, timeout=120, check=False).returncode


def outbox(repo: Repo) -> list[tuple[str, str, str]]:
    with Opened(repo.root) as opened:
        return sorted((kind, who, nid) for nid, kind, who, _ in opened.ledger.nids(V2))


def assert_published_once(repo: Repo) -> None:
    assert repo.git("tag").split() == [f"policy/{SLUG}/v1", f"policy/{SLUG}/v2"]
    assert repo.git("rev-list", "--count", "HEAD") == "4", "one commit of diffs, not two"
    assert repo.git("rev-parse", f"policy/{SLUG}/v2^{{commit}}") == repo.git("rev-parse", "HEAD")
    assert repo.git("status", "--porcelain") == ""
    assert repo.git("fsck", "--no-dangling") == ""
    with Opened(repo.root) as opened:
        assert [record.key for record in opened.ledger.versions()] == [V1, V2]
    rows = outbox(repo)
    assert [(kind, who) for kind, who, _ in rows] == [
        ("choice", "subject"),
        ("revision", "customer"),
        ("revision", "customer"),
    ]
    assert len({nid for _, _, nid in rows}) == len(rows)
    pages = repo.root / ".policyctl/site" / SLUG
    assert (pages / "v1/index.html").is_file()
    assert (pages / "changes/v1..v2/index.html").is_file()


@pytest.mark.parametrize("step", [*STEPS, *SITE_STEPS])
def test_killed_at_a_step_and_published_again(repo: Repo, step: str) -> None:
    assert run(repo, "publish", DAYS[2], fault=step) == KILLED
    published = f"policy/{SLUG}/v2" in repo.git("tag").split()
    assert published == (step not in BEFORE_THE_REF)
    if not published:
        assert outbox(repo) == [], "nobody can be told of a version that has no ref"
    code = run(repo, "publish", LATER)
    assert code == (4 if step in ALL_DONE else 0), "only when all was done is there nothing to do"
    assert_published_once(repo)


@pytest.mark.parametrize("step", [step for step in STEPS if step not in BEFORE_THE_REF])
def test_killed_after_the_ref_and_synced(repo: Repo, step: str) -> None:
    assert run(repo, "publish", DAYS[2], fault=step) == KILLED
    assert run(repo, "sync", LATER) == 0
    assert_published_once(repo)


def test_a_text_changed_after_a_kill_is_what_gets_published(repo: Repo) -> None:
    assert run(repo, "publish", DAYS[2], fault="publish.committed") == KILLED
    repo.git("checkout", "--quiet", "HEAD", "--", "diffs")
    repo.commit("Better words", policy(TEXT_2.replace("with offers", "with our offers"), PRACTICES_2))
    assert run(repo, "publish", LATER) == 0
    assert "with our offers" in repo.git("show", f"policy/{SLUG}/v2:policies/{SLUG}/policy.md")
    assert "with our" in repo.git("show", f"policy/{SLUG}/v2:diffs/{SLUG}/v1..v2.json")
    assert repo.git("status", "--porcelain") == ""
