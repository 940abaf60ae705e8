# SPDX-License-Identifier: Apache-2.0
"""A repository whose configuration, attributes and hooks name programs: none of them is ever run."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.evidence.verify import verify
from policyctl.actions.status import status
from policyctl.actions.versions.check import check
from policyctl.actions.versions.compare import diff
from policyctl.actions.versions.sources import load_source
from policyctl.adapters.repository.history import find_root, open_history
from policyctl.errors import CannotCompareError, PolicyctlError
from tests.actions.examining import examine
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy, publish
from tests.repos import ALONE, Repo

HOOKS = (
    "pre-commit", "post-commit", "commit-msg", "prepare-commit-msg", "post-checkout", "post-index-change",
    "reference-transaction", "post-rewrite", "pre-auto-gc", "update", "post-update", "fsmonitor-watchman",
)  # fmt: skip
LATER = datetime(2027, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


def booby_trap(repo: Repo, marker: Path) -> None:
    """Every way we know by which a repository can have a program run, each writing to ``marker``."""
    trap = repo.root / ".git/trap"
    trap.write_text(f'#!/bin/sh\necho "$0 $@" >> "{marker}"\ncat\n')
    trap.chmod(0o755)
    hooks = repo.root / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name in HOOKS:
        (hooks / name).write_text(f'#!/bin/sh\necho "{name}" >> "{marker}"\n')
        (hooks / name).chmod(0o755)
    settings = {
        "core.fsmonitor": str(trap),
        "core.hooksPath": str(hooks),
        "core.pager": str(trap),
        "core.editor": str(trap),
        "core.sshCommand": str(trap),
        "core.gitProxy": str(trap),
        "core.askPass": str(trap),
        "core.alternateRefsCommand": str(trap),
        "diff.external": str(trap),
        "diff.evil.command": str(trap),
        "diff.evil.textconv": str(trap),
        "filter.evil.clean": str(trap),
        "filter.evil.smudge": str(trap),
        "filter.evil.process": str(trap),
        "filter.evil.required": "true",
        "filter.a=b.clean": str(trap),
        "merge.evil.driver": str(trap),
        "interactive.diffFilter": str(trap),
        "credential.helper": f"!{trap}",
        "alias.cat-file": f"!{trap}",
        "alias.rev-parse": f"!{trap}",
        "protocol.ext.allow": "always",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{trap} %S",
        "uploadpack.packObjectsHook": str(trap),
        "include.path": str(trap),
    }
    repo.write(".gitattributes", "* diff=evil filter=evil merge=evil\npolicies/** filter=a=b\n")
    repo.git("-c", "core.hooksPath=/dev/null", "add", ".gitattributes")
    repo.git("-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "Attributes")
    config = repo.root / ".git/config"
    config.write_text(
        config.read_text().replace("repositoryformatversion = 0", "repositoryformatversion = 1")
    )
    for key, value in list(settings.items())[:-1]:
        repo.git("config", key, value)


def test_the_traps_are_real(tmp_path: Path) -> None:
    repo, marker = make_instance(tmp_path / "repo"), tmp_path / "marker"
    booby_trap(repo, marker)
    subprocess.run(["git", "status"], cwd=repo.root, capture_output=True, timeout=60, check=False)
    assert "trap" in marker.read_text()


def test_no_read_runs_anything_of_the_repository(tmp_path: Path) -> None:
    repo, marker = make_instance(tmp_path / "repo"), tmp_path / "marker"
    publish(repo.root, DAYS[1])
    repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
    booby_trap(repo, marker)
    with Opened(repo.root) as opened:
        history, standards, today = opened.history, opened.standards, LATER.date()
        taxonomy = standards.catalogue.taxonomy
        diff(f"{SLUG}@v1", SLUG, here=repo.root, history=history, standards=standards, today=today)
        load_source(f"HEAD~1:policies/{SLUG}/policy.md", here=repo.root, history=history, taxonomy=taxonomy)
        check([], history=history, standards=standards, today=today)
        check([SLUG], history=history, standards=standards, today=today, against="HEAD~1")
        status(None, now=LATER, history=history, ledger=opened.ledger)
        opened.plan(LATER)
        opened.sync(LATER, dry_run=True)
        opened.sync(LATER)
        verify(
            history=history,
            checker=opened.trust.checker,
            records=wiring.open_records(opened.settings),
            allow_unsigned=True,
        )
        examine(repo.root, LATER)
        with pytest.raises(CannotCompareError):
            history.resolve("no-such-branch")
    assert not marker.exists(), marker.read_text()


def test_a_missing_object_of_a_partial_clone_is_not_fetched(tmp_path: Path) -> None:
    repo, marker = make_instance(tmp_path / "repo"), tmp_path / "marker"
    booby_trap(repo, marker)
    oid = repo.git("-c", "core.fsmonitor=false", "rev-parse", f"HEAD:policies/{SLUG}/policy.md")
    (repo.root / ".git/objects" / oid[:2] / oid[2:]).unlink()
    history = open_history(repo.root)
    with pytest.raises(CannotCompareError, match="partial clone") as caught:
        history.read(history.head(), f"policies/{SLUG}/policy.md")
    assert "git fetch" in caught.value.hint
    assert not marker.exists(), marker.read_text()


def test_publishing_runs_no_hook_and_no_filter(tmp_path: Path) -> None:
    repo, marker = make_instance(tmp_path / "repo"), tmp_path / "marker"
    publish(repo.root, DAYS[1])
    repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
    booby_trap(repo, marker)
    publish(repo.root, LATER)
    assert not marker.exists(), marker.read_text()
    assert repo.git("-c", "core.fsmonitor=false", "tag").split() == [f"policy/{SLUG}/v1", f"policy/{SLUG}/v2"]


def test_a_bare_repository_lying_in_the_work_tree_is_not_entered(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "repo")
    embedded = repo.root / "embedded"
    repo.git("init", "--quiet", "--bare", str(embedded))
    assert find_root(embedded / "refs") == repo.root
    assert open_history(embedded).head() == repo.git("rev-parse", "HEAD")


def test_places_named_in_the_environment_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, other = make_instance(tmp_path / "repo"), make_instance(tmp_path / "other")
    head = repo.git("rev-parse", "HEAD")
    other.commit("Something else", {"x": "y"})
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.root))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git/index"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert open_history(repo.root).head() == head


@pytest.mark.parametrize("where", ["committed", "in the work tree only"])
def test_a_policy_that_is_a_link_to_a_secret_is_refused_and_not_shown(tmp_path: Path, where: str) -> None:
    repo = make_instance(tmp_path / "repo")
    secret = tmp_path / "secret"
    secret.write_text("---\ntitle: CANARY\n---\n\nCANARY\n")
    path = repo.root / f"policies/{SLUG}/policy.md"
    path.unlink()
    path.symlink_to(secret)
    if where == "committed":
        repo.commit("A link")
    with Opened(repo.root) as opened:
        (found,) = check([], history=opened.history, standards=opened.standards, today=LATER.date())
        assert found.comparison is None
        assert "symbolic link" in str(found.errors[0])
        assert "CANARY" not in repr(found)
        with pytest.raises(PolicyctlError) as caught:
            opened.publish(LATER)
        assert "CANARY" not in str(caught.value)
    assert repo.git("tag") == ""


def test_a_settings_file_above_the_repository_is_ignored(tmp_path: Path) -> None:
    repo = make_instance(tmp_path / "repo")
    (tmp_path / "policyctl.toml").write_text('[mail]\nmailer = "smtp"\n')
    (repo.root / "policyctl.toml").unlink()
    from policyctl.settings import load_settings

    with pytest.raises(CannotCompareError, match=r"no policyctl\.toml"):
        load_settings(repo.root / "policies")


def test_settings_below_the_top_of_the_repository_are_refused(tmp_path: Path) -> None:
    from policyctl.settings import load_settings

    repo = make_instance(tmp_path / "repo")
    repo.write("below/policyctl.toml", "")
    with pytest.raises(CannotCompareError, match="top of its git repository"):
        wiring.open_history(load_settings(repo.root / "below"))
