# SPDX-License-Identifier: Apache-2.0
"""Where every version stands, what is owed, and what doctor sees."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from policyctl.actions.drift.doctor import Check
from policyctl.actions.status import PolicyStatus, status
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.policy import VersionKey
from policyctl.core.records import CustomerRow
from policyctl.errors import CannotCompareError, Place
from tests.actions.examining import examine
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy, publish
from tests.repos import ALONE, Repo

V1, V2 = VersionKey(SLUG, 1), VersionKey(SLUG, 2)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])
    monkeypatch.delenv("GIT_COMMITTER_NAME", raising=False)
    monkeypatch.delenv("GIT_COMMITTER_EMAIL", raising=False)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return make_instance(tmp_path / "repo")


def seen(repo: Repo, slug: str | None = None, days: int = 0) -> tuple[PolicyStatus, ...]:
    with Opened(repo.root) as opened:
        now = DAYS[2] + timedelta(days=days)
        return status(slug, now=now, history=opened.history, ledger=opened.ledger)


def test_a_policy_that_is_not_published_has_no_versions_and_needs_no_ledger(repo: Repo) -> None:
    assert seen(repo) == (PolicyStatus(SLUG, (), draft_differs=False, uncommitted=()),)
    assert not (repo.root / ".policyctl/ledger.db").exists()


def test_the_version_in_force_follows_the_effective_dates(repo: Repo) -> None:
    publish(repo.root, DAYS[1])
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(repo.root, DAYS[2])
    assert [version.in_force for version in seen(repo)[0].versions] == [True, False]
    assert [version.in_force for version in seen(repo, days=100)[0].versions] == [False, True]


def test_a_draft_and_what_is_not_committed_are_shown(repo: Repo) -> None:
    publish(repo.root, DAYS[1])
    assert not seen(repo)[0].draft_differs
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    repo.write(f"policies/{SLUG}/policy.md", TEXT_2 + "x\n")
    (found,) = seen(repo, SLUG)
    assert found.draft_differs
    assert found.uncommitted == (f"policies/{SLUG}/policy.md",)


def test_a_version_the_ledger_lacks_is_owed_a_sync(repo: Repo) -> None:
    publish(repo.root, DAYS[1])
    (repo.root / ".policyctl/ledger.db").unlink()
    (version,) = seen(repo)[0].versions
    assert not version.in_ledger
    assert "policyctl sync" in version.duties[0]


def test_a_notice_is_owed_until_it_is_delivered_and_again_when_it_bounces(repo: Repo) -> None:
    publish(repo.root, DAYS[1])
    place = Place("c.csv", 2)
    customer = CustomerRow(place, "acme", "Acme", "admin@acme.example.com", "Ada Example", "en")
    with Opened(repo.root) as opened:
        opened.ledger.import_customers([customer], now=DAYS[1])
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(repo.root, DAYS[2])
    assert owed(repo) == "1 revision notice not sent yet: policyctl notify"
    with Opened(repo.root) as opened:
        chunk = opened.ledger.claim(DAYS[2], mailer="folder", owner="me")
        assert chunk is not None
        (item,) = opened.ledger.addressees(chunk)
        opened.ledger.move(chunk, OutboxState.ACCEPTED, DAYS[2], receipt="file")
    assert "no report of delivery" in owed(repo)
    report(repo, item.nid, DeliveryName.DELIVERED)
    assert owed(repo) == ""
    report(repo, item.nid, DeliveryName.BOUNCED)
    assert "came back" in owed(repo)


def owed(repo: Repo) -> str:
    (version,) = [version for version in seen(repo)[0].versions if version.version == V2]
    return "; ".join(version.duties)


def report(repo: Repo, nid: str, name: DeliveryName) -> None:
    with Opened(repo.root) as opened:
        opened.ledger.record_deliveries([DeliveryEvent(nid, name, DAYS[2])], now=DAYS[2])


def test_an_unknown_policy_is_named(repo: Repo) -> None:
    with pytest.raises(CannotCompareError, match="no policy other"):
        seen(repo, "other")


# --- doctor


def examined(root: Path) -> dict[str, Check]:
    return {check.name: check for check in examine(root, DAYS[1])}


def test_a_sound_repository_is_all_ok(repo: Repo) -> None:
    publish(repo.root, DAYS[1])
    assert {check.state for check in examined(repo.root).values()} == {"ok"}


def test_a_folder_without_anything_names_every_mend(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert [name for name, check in found.items() if check.state == "ok"] == ["packages"]
    assert all(check.mend for check in found.values() if check.state == "error")


@pytest.mark.parametrize(
    ("trouble", "name", "state", "mend"),
    [
        ("no identity", "git identity", "error", "git config user.name"),
        ("detached", "branch", "warning", "git switch"),
        ("lock", "locks", "warning", "remove it"),
        ("key open to all", "ledger", "error", "chmod 600"),
        ("no ledger", "ledger", "error", "policyctl sync"),
        ("forged ref", "version refs", "error", "fetch"),
        ("bad settings", "policyctl.toml", "error", "did you mean"),
    ],
)
def test_each_trouble_is_seen_with_its_mend(
    repo: Repo, trouble: str, name: str, state: str, mend: str
) -> None:
    publish(repo.root, DAYS[1])
    if trouble == "no identity":
        repo.git("config", "--unset", "user.name")
    elif trouble == "detached":
        repo.git("checkout", "--quiet", "--detach")
    elif trouble == "lock":
        repo.write(".git/refs/heads/main.lock", "")
    elif trouble == "key open to all":
        (repo.root / ".policyctl/pseudonym.key").chmod(0o644)
    elif trouble == "no ledger":
        (repo.root / ".policyctl/ledger.db").unlink()
    elif trouble == "forged ref":
        repo.git("tag", f"policy/{SLUG}/v2")
    else:
        repo.write("policyctl.toml", "[mial]\n")
    check = examined(repo.root)[name]
    assert (check.state, mend in check.mend) == (state, True), check
