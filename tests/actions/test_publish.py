# SPDX-License-Identifier: Apache-2.0
"""Publishing: what it writes, what it refuses, and that it can be asked first."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from policyctl.actions.versions.publish import BlockedError
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.records import CustomerRow
from policyctl.errors import CannotCompareError, InputError, IntegrityError, Place, RefusedError, UsageError
from tests.actions import publisher
from tests.actions.instance import (
    DAYS,
    PRACTICES_1,
    PRACTICES_2,
    SLUG,
    TEXT_1,
    TEXT_2,
    Opened,
    make_instance,
    make_published,
    policy,
    publish,
)
from tests.repos import ALONE, Repo

V1, V2 = VersionKey(SLUG, 1), VersionKey(SLUG, 2)
CUSTOMER = CustomerRow(Place("c.csv", 2), "acme", "Acme", "admin@acme.example.com", "Ada Example", "en")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """v1 is published and has one customer; the text of v2 is committed."""
    made = make_published(tmp_path / "repo")
    with Opened(made.root) as opened:
        opened.ledger.import_customers([CUSTOMER], now=DAYS[1])
    made.commit("Second text", policy(TEXT_2, PRACTICES_2))
    return made


def state(repo: Repo) -> tuple[str, str, tuple[str, ...]]:
    files = sorted(
        str(path.relative_to(repo.root))
        for path in repo.root.rglob("*")
        if path.is_file() and ".git" not in path.parts
    )
    return repo.git("for-each-ref"), repo.git("status", "--porcelain"), tuple(files)


def test_the_first_version_is_a_ref_at_head_a_row_and_a_page(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "repo")
    head = repo.git("rev-parse", "HEAD")
    published = publish(repo.root, DAYS[1])
    assert (published.version, published.commit, published.synced.recorded) == (V1, head, (V1,))
    assert repo.git("rev-parse", f"policy/{SLUG}/v1^{{commit}}") == head
    assert repo.git("status", "--porcelain") == ""
    assert (repo.root / f".policyctl/site/{SLUG}/v1/index.html").is_file()
    with Opened(repo.root) as opened:
        (record,) = opened.ledger.versions()
        assert (record.key, record.commit, record.published_at) == (V1, head, DAYS[1])
        assert [practice.id for practice in record.practices] == ["account"]
        assert opened.ledger.outbox_counts() == ()


def test_a_later_version_shows_what_changed_and_owes_its_notices(repo: Repo) -> None:
    published = publish(repo.root, DAYS[2])
    assert published.version == V2
    assert repo.git("status", "--porcelain") == ""
    names = {f"diffs/{SLUG}/v1..v2.{ending}" for ending in ("md", "json", "html")}
    assert set(repo.git("diff", "--name-only", "HEAD~1", "HEAD").split()) == names
    assert repo.git("rev-parse", "HEAD") == published.commit
    face = json.loads(repo.git("show", f"policy/{SLUG}/v2:diffs/{SLUG}/v1..v2.json"))
    assert [face["old"]["version"], face["new"]["version"]] == [str(V1), str(V2)]
    with Opened(repo.root) as opened:
        assert [change.name for change in opened.ledger.versions()[1].changes] == [f"{V2}#newsletter"]
        (count,) = opened.ledger.outbox_counts()
        assert (count.version, count.kind, count.state, count.count) == (V2, "revision", "planned", 1)


def test_the_version_ref_says_what_was_decided(repo: Repo) -> None:
    publish(repo.root, DAYS[2])
    with Opened(repo.root) as opened:
        note = opened.history.version(V2).note
    assert (note.title, note.change_class) == ("Example Privacy Policy", ChangeClass.CHOICE)
    assert (note.decided_by, str(note.effective)) == ("legal@example.com", "2027-06-01")
    assert note.summary == "From 1 June 2027 we would also like to send you our newsletter."
    trailers = repo.git("for-each-ref", "--format=%(contents:trailers)", f"refs/tags/policy/{SLUG}/v2")
    assert f"Text-SHA256: {note.text_sha256}" in trailers


def test_a_plan_says_what_would_happen_and_writes_nothing(repo: Repo) -> None:
    before = state(repo)
    with Opened(repo.root) as opened:
        plan = opened.plan(DAYS[2])
        held = opened.ledger.versions()
    assert (plan.version, plan.change_class, plan.blocking) == (V2, ChangeClass.CHOICE, ())
    assert [change.name for change in plan.asked] == [f"{V2}#newsletter"]
    assert [(planned.notice.kind.value, number) for planned, number in plan.audience] == [
        ("revision", 1),
        ("choice", 0),
    ]
    assert plan.files == tuple(f"diffs/{SLUG}/v1..v2.{ending}" for ending in ("md", "json", "html"))
    assert state(repo) == before
    assert [record.key for record in held] == [V1]


def test_publishing_again_with_nothing_new_is_refused(repo: Repo) -> None:
    publish(repo.root, DAYS[2])
    before = state(repo)
    repo.commit("Elsewhere", {"README.md": "x\n"})
    for act in (Opened.publish, Opened.plan):
        with Opened(repo.root) as opened, pytest.raises(RefusedError, match="nothing to publish") as caught:
            act(opened, DAYS[2] + timedelta(days=1))
        assert caught.value.exit_code == 4
    assert before[0].split("refs/tags")[1:] == state(repo)[0].split("refs/tags")[1:]


def blocked(repo: Repo, text: str, practices: str = PRACTICES_2) -> str:
    repo.commit("A text that must not go out", policy(text, practices))
    before = state(repo)
    with Opened(repo.root) as opened:
        with pytest.raises(BlockedError) as caught:
            opened.publish(DAYS[2])
        assert opened.plan(DAYS[2]).blocking == caught.value.findings
        assert [record.key for record in opened.ledger.versions()] == [V1]
    assert caught.value.exit_code == 1
    assert state(repo) == before
    return " ".join(finding.rule for finding in caught.value.findings)


def test_a_class_below_the_floor_blocks(repo: Repo) -> None:
    assert "PC211" in blocked(repo, TEXT_2.replace("class: choice", "class: editorial"))


def test_an_effective_date_that_is_too_soon_blocks(repo: Repo) -> None:
    assert "PC212" in blocked(repo, TEXT_2.replace("effective: 2027-06-01", "effective: 2027-03-05"))


def test_a_missing_decision_blocks(repo: Repo) -> None:
    text = TEXT_1.replace("run your account.", "run your account, and to sell it.")
    assert "PC213" in blocked(repo, text.replace("effective: 2027-01-01", "effective: 2027-06-01"))


def test_a_practice_without_a_clause_blocks(repo: Repo) -> None:
    assert "PC202" in blocked(repo, TEXT_2, PRACTICES_2.replace("clause: collect", "clause: nowhere"))


def test_a_first_version_without_an_effective_date_blocks(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "repo")
    repo.commit("No date", policy(TEXT_1.replace("effective: 2027-01-01\n", ""), PRACTICES_1))
    with Opened(repo.root) as opened, pytest.raises(BlockedError, match="PC212"):
        opened.publish(DAYS[1])
    assert repo.git("tag") == ""


def test_what_is_not_committed_is_refused_by_name(repo: Repo) -> None:
    repo.write(f"policies/{SLUG}/policy.md", TEXT_2 + "\nMore.\n")
    with Opened(repo.root) as opened, pytest.raises(RefusedError, match="not committed") as caught:
        opened.publish(DAYS[2])
    assert f"policies/{SLUG}/policy.md" in str(caught.value)
    assert "commit" in caught.value.hint


def test_other_files_in_the_policys_folder_do_not_stand_in_the_way(repo: Repo) -> None:
    repo.commit(
        "A picture and a folder", {f"policies/{SLUG}/seal.png": b"\x89PNG", f"policies/{SLUG}/old/a.md": "x"}
    )
    assert publish(repo.root, DAYS[2]).version == V2


def test_staged_work_of_another_kind_is_neither_published_nor_lost(repo: Repo) -> None:
    repo.write("README.md", "draft\n")
    repo.git("add", "README.md")
    publish(repo.root, DAYS[2])
    assert repo.git("status", "--porcelain") == "A  README.md"
    assert "README.md" not in repo.git("ls-tree", "-r", "--name-only", f"policy/{SLUG}/v2")


def test_a_detached_head_is_refused_before_anything_is_written(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--detach")
    before = state(repo)
    with Opened(repo.root) as opened, pytest.raises(RefusedError, match="detached"):
        opened.publish(DAYS[2])
    assert state(repo) == before


def test_nobody_cannot_publish(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    repo.git("config", "--unset", "user.email")
    with Opened(repo.root) as opened, pytest.raises(RefusedError, match=r"user\.email"):
        opened.publish(DAYS[2])
    assert f"policy/{SLUG}/v2" not in repo.git("tag")


@pytest.mark.parametrize("slug", ["../x", "--output=x", "Example", "a\0b", "x" * 300, ""])
def test_a_hostile_slug_is_refused(repo: Repo, slug: str) -> None:
    with Opened(repo.root) as opened, pytest.raises(UsageError):
        opened.publish(DAYS[2], slug=slug)


def test_a_policy_that_is_not_there_is_named(repo: Repo) -> None:
    with Opened(repo.root) as opened, pytest.raises(CannotCompareError, match=r"policies/other/policy\.md"):
        opened.publish(DAYS[2], slug="other")


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        (TEXT_2.replace("summary:", "sumary:"), 7, "change.sumary", "summary"),
        (TEXT_2.replace("2027-06-01\n", "2027-02-31\n", 1), 3, "effective", "YYYY-MM-DD"),
        (TEXT_2.replace("title:", "title: Twice\ntitle:"), 3, None, ""),
        (TEXT_2.replace("class: choice", "class: &a choice"), 5, None, ""),
    ],
)
def test_front_matter_that_cannot_be_read_is_placed(
    repo: Repo, text: str, line: int, key: str | None, hint: str
) -> None:
    repo.commit("Broken", policy(text))
    with Opened(repo.root) as opened, pytest.raises(InputError) as caught:
        opened.publish(DAYS[2])
    place = caught.value.place
    assert place is not None
    assert (place.file, place.line) == (f"policies/{SLUG}/policy.md", line)
    assert key is None or place.key == key
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


def test_a_version_ref_that_was_moved_by_force_stops_sync_and_publish(repo: Repo) -> None:
    ref, tag = f"refs/tags/policy/{SLUG}/v1", repo.git("cat-file", "-p", f"policy/{SLUG}/v1")
    other = tag.replace(repo.git("rev-parse", "HEAD~1"), repo.git("rev-parse", "HEAD"))
    moved = repo.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=other + "\n")
    repo.git("update-ref", ref, moved)
    with Opened(repo.root) as opened:
        with pytest.raises(IntegrityError):
            opened.sync(DAYS[2])
        with pytest.raises(IntegrityError):
            opened.publish(DAYS[2])


def test_a_version_ref_that_is_gone_is_not_published_anew(repo: Repo) -> None:
    repo.git("tag", "-d", f"policy/{SLUG}/v1")
    with Opened(repo.root) as opened:
        with pytest.raises(IntegrityError, match="is gone"):
            opened.sync(DAYS[2])
        with pytest.raises(IntegrityError):
            opened.publish(DAYS[2])
    assert repo.git("tag") == ""


def test_a_new_clone_has_its_ledger_and_site_filled_by_sync(repo: Repo, tmp_path: Path) -> None:
    publish(repo.root, DAYS[2])
    clone = tmp_path / "clone"
    repo.git("clone", "--quiet", str(repo.root), str(clone))
    (clone / ".policyctl").mkdir()
    key = (repo.root / ".policyctl/pseudonym.key").read_bytes()
    (clone / ".policyctl/pseudonym.key").write_bytes(key)
    (clone / ".policyctl/pseudonym.key").chmod(0o600)
    with Opened(clone) as opened:
        assert opened.sync(DAYS[2], dry_run=True).recorded == (V1, V2)
        synced = opened.sync(DAYS[2])
        assert (synced.recorded, synced.site_changed) == ((V1, V2), True)
        again = opened.sync(DAYS[2] + timedelta(days=40))
        assert (again.recorded, again.site_changed) == ((), False)
    site = f".policyctl/site/{SLUG}/v2/index.html"
    assert (clone / site).read_bytes() == (repo.root / site).read_bytes()


def test_two_versions_at_once_are_published_one_after_the_other(repo: Repo) -> None:
    """Of two policies: the second to come judges and writes on top of what the first has written."""
    other = {path.replace(SLUG, "other"): text for path, text in policy(TEXT_1, PRACTICES_1).items()}
    repo.commit("Another policy", other)
    words = [sys.executable, publisher.__file__, "race", str(repo.root), DAYS[2].isoformat(), SLUG, "other"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    said = subprocess.run(words, env=env, capture_output=True, text=True, timeout=240, check=True).stdout
    assert said.splitlines()[-1] == "codes 0 0" + " 4" * 4
    assert repo.git("tag").split() == [f"policy/{SLUG}/v1", f"policy/{SLUG}/v2", "policy/other/v1"]
    with Opened(repo.root) as opened:
        assert [record.key for record in opened.ledger.versions()] == [V1, V2, VersionKey("other", 1)]
        assert opened.ledger.first_bad_entry() is None
    assert (repo.root / ".policyctl/site/other/v1/index.html").is_file()
    assert (repo.root / f".policyctl/site/{SLUG}/v2/index.html").is_file()
    assert repo.git("status", "--porcelain") == ""


def test_of_twenty_that_publish_at_once_one_wins(repo: Repo) -> None:
    words = [sys.executable, publisher.__file__, "race", str(repo.root), DAYS[2].isoformat()]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    said = subprocess.run(words, env=env, capture_output=True, text=True, timeout=240, check=True).stdout
    assert said.splitlines()[-1] == "codes 0" + " 4" * 19
    assert said.count("already published") == 19
    assert repo.git("tag").split() == [f"policy/{SLUG}/v1", f"policy/{SLUG}/v2"]
    assert repo.git("rev-list", "--count", "HEAD") == "4"
    with Opened(repo.root) as opened:
        assert [record.key for record in opened.ledger.versions()] == [V1, V2]
        assert [count.count for count in opened.ledger.outbox_counts()] == [1]
