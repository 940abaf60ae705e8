# SPDX-License-Identifier: Apache-2.0
"""Writing to git beside what the user has staged, and creating a version ref once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policyctl.adapters.repository.history import open_history
from policyctl.adapters.repository.write import (
    GitWriter,
    blob_id,
    publishing_alone,
    read_identity,
    uncommitted,
)
from policyctl.core.formats.version_note import VersionNote, write_note
from policyctl.core.policy import VersionKey
from policyctl.errors import RefusedError
from tests.repos import ALONE, Repo, make_repo

NOW = datetime(2027, 2, 3, 4, 5, 6, tzinfo=UTC)
KEY = VersionKey("example", 1)
NOTE = write_note(VersionNote(KEY, "Example", None, date(2027, 1, 1), "", "b" * 64, ""))
FILES = {"diffs/example/v1..v2.md": b"changed\n", "diffs/example/v1..v2.json": b"{}\n"}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repo:
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    for name in ("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    made = make_repo(tmp_path / "repo")
    made.commit("First", {"policies/example/policy.md": "one\n", "notes.txt": "a\n"})
    return made


def written(repo: Repo, files: dict[str, bytes] = FILES) -> str:
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    commit = writer.prepare(files, parent=history.head(), message="Publish\n")
    writer.advance(commit)
    writer.settle(commit, files)
    return commit.oid


def test_a_commit_leaves_a_clean_status_and_the_files_in_the_work_tree(repo: Repo) -> None:
    oid = written(repo)
    assert repo.git("rev-parse", "main") == oid
    assert repo.git("status", "--porcelain") == ""
    assert (repo.root / "diffs/example/v1..v2.md").read_bytes() == b"changed\n"
    assert repo.git("show", "--format=%an %ae %aI", "--no-patch", "HEAD") == (
        "Example Legal legal@example.com 2027-02-03T04:05:06+00:00"
    )
    assert repo.git("fsck", "--strict") == ""


def test_what_the_user_has_staged_and_changed_stays_as_it_was(repo: Repo) -> None:
    repo.write("staged.txt", "staged\n")
    repo.write("notes.txt", "b\n")
    repo.git("add", "staged.txt", "notes.txt")
    repo.write("notes.txt", "c\n")
    repo.write("untracked.txt", "u\n")
    before = repo.git("status", "--porcelain")
    written(repo)
    assert repo.git("status", "--porcelain") == before
    assert repo.git("show", ":notes.txt") == "b"
    assert repo.git("diff", "--name-only", "HEAD~1", "HEAD").split() == sorted(FILES)


def test_the_same_files_again_make_no_second_commit(repo: Repo) -> None:
    assert written(repo) == written(repo)
    assert repo.git("rev-list", "--count", "HEAD") == "2"


def test_a_run_that_was_cut_off_before_the_work_tree_is_mended_by_the_next(repo: Repo) -> None:
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    writer.advance(writer.prepare(FILES, parent=history.head(), message="Publish\n"))
    assert repo.git("status", "--porcelain") != ""
    written(repo)
    assert repo.git("status", "--porcelain") == ""


def test_a_branch_that_moved_meanwhile_is_not_overwritten(repo: Repo) -> None:
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    commit = writer.prepare(FILES, parent=history.head(), message="Publish\n")
    other = repo.commit("Somebody else", {"other.txt": "x"})
    with pytest.raises(RefusedError, match="could not be moved"):
        writer.advance(commit)
    assert repo.git("rev-parse", "main") == other


def test_a_detached_head_is_refused(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--detach")
    history = open_history(repo.root)
    with pytest.raises(RefusedError, match="detached") as caught:
        GitWriter(history.runner, at=NOW).branch()
    assert "git switch" in caught.value.hint


def test_a_folder_that_is_a_link_is_not_written_through(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (repo.root / "diffs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RefusedError, match="symbolic link"):
        written(repo)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_nobody_is_told_how_to_become_somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)
    repo = make_repo(tmp_path / "repo", identity=False)
    with pytest.raises(RefusedError, match=r"user\.name and user\.email") as caught:
        read_identity(open_history(repo.root).runner)
    assert "git config user.name" in caught.value.hint


def test_a_version_ref_is_created_once(repo: Repo) -> None:
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    tag = writer.write_tag(KEY, history.head(), NOTE)
    assert history.versions() == ()
    writer.create_ref(KEY, tag)
    with pytest.raises(RefusedError, match="already published"):
        writer.create_ref(KEY, writer.write_tag(KEY, history.head(), NOTE + "\n"))
    assert [marked.tag for marked in history.versions()] == [tag]


def test_a_lock_that_was_left_over_is_named(repo: Repo) -> None:
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    tag = writer.write_tag(KEY, history.head(), NOTE)
    repo.write(".git/refs/tags/policy/example/v1.lock", "")
    with pytest.raises(RefusedError, match=r"v1\.lock") as caught:
        writer.create_ref(KEY, tag)
    assert "doctor" in caught.value.hint


def test_a_commit_that_is_not_there_cannot_be_published(repo: Repo) -> None:
    history = open_history(repo.root)
    with pytest.raises(RefusedError, match="could not be written"):
        GitWriter(history.runner, at=NOW).write_tag(KEY, "1" * 40, NOTE)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="signing by ssh needs ssh-keygen")
@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_a_version_is_signed_when_git_is_set_up_to_sign(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    for name, value in {"gpg.format": "ssh", "user.signingKey": f"{key}.pub"}.items():
        subprocess.run(["git", "config", scope, name, value], cwd=repo.root, check=True)
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    writer.create_ref(KEY, writer.write_tag(KEY, history.head(), NOTE))
    signers = tmp_path / "signers"
    signers.write_text(f"legal@example.com {key.with_suffix('.pub').read_text()}")
    repo.git("-c", f"gpg.ssh.allowedSignersFile={signers}", "verify-tag", "policy/example/v1")
    (marked,) = history.versions()
    assert marked.note.text_sha256 == "b" * 64


def test_a_signature_that_cannot_be_made_publishes_nothing(repo: Repo, tmp_path: Path) -> None:
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "tag.gpgSign", "true")
    repo.git("config", "user.signingKey", str(tmp_path / "no-such-key.pub"))
    history = open_history(repo.root)
    with pytest.raises(RefusedError, match="could not be signed"):
        GitWriter(history.runner, at=NOW).write_tag(KEY, history.head(), NOTE)
    assert repo.git("tag", "--list") == ""


def test_of_twenty_publishers_one_creates_the_ref(repo: Repo) -> None:
    code = (
        "import sys\nfrom datetime import datetime, UTC\nfrom pathlib import Path\n"
        "from policyctl.adapters.repository.history import open_history\n"
        "from policyctl.adapters.repository.write import GitWriter\n"
        "from policyctl.core.policy import VersionKey\nfrom policyctl.errors import RefusedError\n"
        "h = open_history(Path(sys.argv[1])); w = GitWriter(h.runner, at=datetime(2027, 1, 1, tzinfo=UTC))\n"
        "sys.stdin.readline()\n"
        "try: w.create_ref(VersionKey('example', 1), sys.argv[2])\n"
        "except RefusedError as e: print(e); sys.exit(4)\n"
    )
    history = open_history(repo.root)
    tag = GitWriter(history.runner, at=NOW).write_tag(KEY, history.head(), NOTE)
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(repo.root), tag],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )
        for _ in range(20)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    outcomes = [(racer.communicate()[0], racer.returncode) for racer in racers]
    assert sorted(code for _, code in outcomes) == [0] + [4] * 19
    assert [marked.tag for marked in open_history(repo.root).versions()] == [tag]


def test_a_second_publisher_waits_and_a_dead_one_is_not_waited_for(repo: Repo) -> None:
    runner = open_history(repo.root).runner
    hold = (
        "import os, sys\nfrom pathlib import Path\n"
        "from policyctl.adapters.repository.history import open_history\n"
        "from policyctl.adapters.repository.write import publishing_alone\n"
        "with publishing_alone(open_history(Path(sys.argv[1])).runner):\n"
        "    print('held', flush=True); sys.stdin.readline(); os._exit(137)\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(repo.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.stdin.write("die\n")
    holder.stdin.flush()
    with publishing_alone(runner):
        assert holder.wait() == 137


# --- what is not committed yet


def committed(repo: Repo) -> dict[str, str]:
    return {"policy.md": repo.git("rev-parse", "HEAD:policies/example/policy.md")}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("edited", ("policy.md",)),
        ("staged", ("policy.md",)),
        ("staged and put back", ("policy.md",)),
        ("removed", ("policy.md",)),
        ("made a link", ("policy.md",)),
        ("new translation", ("policy.de.md",)),
        ("line ends turned", ()),
        ("touched", ()),
        ("editor's back-up", ()),
    ],
)
def test_what_differs_from_the_commit_is_named(repo: Repo, change: str, said: tuple[str, ...]) -> None:
    path = repo.root / "policies/example/policy.md"
    if change in {"edited", "staged", "staged and put back"}:
        path.write_text("two\n")
    if change.startswith("staged"):
        repo.git("add", "policies")
    if change == "staged and put back":
        path.write_text("one\n")
    if change in {"removed", "made a link"}:
        path.unlink()
    if change == "made a link":
        path.symlink_to("/etc/hostname")
    if change == "new translation":
        path.with_name("policy.de.md").write_text("eins\n")
    if change == "line ends turned":
        path.write_bytes(b"one\r\n")
    if change == "touched":
        os.utime(path, (1, 1))
    if change == "editor's back-up":
        path.with_name("policy.md~").write_text("old\n")
    runner = open_history(repo.root).runner
    assert uncommitted(runner, "policies/example", committed(repo)) == said


def test_the_id_of_bytes_is_the_one_git_gives(repo: Repo) -> None:
    assert blob_id(b"one\n") == repo.git("hash-object", "--stdin", stdin="one\n")
