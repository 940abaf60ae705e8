# SPDX-License-Identifier: Apache-2.0
"""Somebody commits while a version is being published: what was checked is published, or nothing is."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl.actions.versions import publish as publishing
from policyctl.errors import RefusedError
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy, publish
from tests.repos import ALONE, Repo

OTHER = TEXT_2.replace("with offers", "with offers of others")
BEFORE = ("publish.checked", "publish.diffs-written")
AFTER = ("publish.committed", "publish.tag-object", "publish.ref-created")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = make_instance(tmp_path / "repo")
    publish(made.root, DAYS[1])
    made.commit("Second", policy(TEXT_2, PRACTICES_2))
    return made


def commit_at(repo: Repo, step: str, monkeypatch: pytest.MonkeyPatch, how: str = "commit") -> None:
    """When publishing comes to that step, somebody else's text is at HEAD."""

    def come_to(name: str) -> None:
        if name != step:
            return
        if how == "force":
            repo.git("reset", "--quiet", "--hard", "HEAD~1")
        repo.commit("Meanwhile", policy(OTHER, PRACTICES_2))

    monkeypatch.setattr(publishing, "fault_point", come_to)


def text_of(repo: Repo, name: str) -> str:
    return repo.git("show", f"{name}:policies/{SLUG}/policy.md")


@pytest.mark.parametrize("how", ["commit", "force"])
@pytest.mark.parametrize("step", BEFORE)
def test_a_head_that_moves_before_the_commit_stops_it_and_the_new_text_is_checked_anew(
    repo: Repo, step: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        commit_at(repo, step, patch, how)
        with pytest.raises(RefusedError, match="branch could not be moved"):
            publish(repo.root, DAYS[2])
    assert repo.git("tag") == f"policy/{SLUG}/v1"
    assert repo.git("log", "-1", "--format=%s") == "Meanwhile", "nobody's commit is lost"
    assert repo.git("status", "--porcelain") == ""
    with Opened(repo.root) as opened:
        assert len(opened.ledger.versions()) == 1
    publish(repo.root, DAYS[2])
    assert "offers of others" in text_of(repo, f"policy/{SLUG}/v2")
    assert "of others" in repo.git("show", f"policy/{SLUG}/v2:diffs/{SLUG}/v1..v2.json")


@pytest.mark.parametrize("step", AFTER)
def test_a_head_that_moves_after_the_commit_is_the_next_version(
    repo: Repo, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        commit_at(repo, step, patch)
        done = publish(repo.root, DAYS[2])
    assert done.commit == repo.git("rev-parse", f"policy/{SLUG}/v2^{{commit}}")
    assert "offers of others" not in text_of(repo, f"policy/{SLUG}/v2"), "what was checked"
    assert "of others" not in repo.git("show", f"policy/{SLUG}/v2:diffs/{SLUG}/v1..v2.json")
    assert repo.git("log", "-1", "--format=%s") == "Meanwhile"
    page = repo.root / ".policyctl/site" / SLUG / "v2/index.html"
    assert "offers of others" not in page.read_text("utf-8")
