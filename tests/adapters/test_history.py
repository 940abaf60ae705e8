# SPDX-License-Identifier: Apache-2.0
"""Reading policies out of git: by object id only, and never more than was asked for."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from policyctl.adapters.repository.history import History, open_history
from policyctl.adapters.repository.write import GitWriter
from policyctl.core.formats.version_note import VersionNote, write_note
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.errors import CannotCompareError, InputError, IntegrityError, UsageError
from tests.repos import Repo, make_repo, repo_of_versions

NOW = datetime(2027, 2, 3, 4, 5, 6, tzinfo=UTC)
FILE = "policies/example/policy.md"
VERSIONS = {"v1": {"policy.md": "one\n"}, "v2": {"policy.md": "two\n"}, "v3": {"policy.md": "three\n"}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return repo_of_versions(tmp_path_factory.mktemp("model") / "repo", VERSIONS).root


@pytest.fixture
def repo(model: Path, tmp_path: Path) -> Repo:
    return Repo(Path(shutil.copytree(model, tmp_path / "repo")))


def mark(repo: Repo, number: int, revision: str = "HEAD") -> VersionNote:
    key = VersionKey("example", number)
    note = VersionNote(key, "Example", ChangeClass.NOTICE, date(2027, 6, 1), "legal", "a" * 64, "", "Short.")
    history = open_history(repo.root)
    writer = GitWriter(history.runner, at=NOW)
    writer.create_ref(key, writer.write_tag(key, history.resolve(revision), write_note(note)))
    history.close()
    return note


def test_a_text_is_read_at_any_revision(repo: Repo) -> None:
    history = open_history(repo.root / "policies")
    assert [history.read(history.resolve(name), FILE) for name in ("HEAD~2", "main^", "main")] == [
        b"one\n",
        b"two\n",
        b"three\n",
    ]


def test_an_abbreviated_commit_id_is_a_name_too(repo: Repo) -> None:
    full = repo.git("rev-parse", "HEAD~1")
    assert open_history(repo.root).resolve(full[:9]) == full


@pytest.mark.parametrize(
    "name",
    [
        "--output=x", "-uX", "@{-1}", "HEAD^{/a}", "main:../x", "x" * 10_240, "", "a b", "a\nb", "a\0b", "..",
        "main..HEAD", "HEAD@{1}", ":/text", "^main", "main.lock", "refs/../x", "a\\b", "*",
    ],
)  # fmt: skip
def test_a_hostile_name_is_refused_before_git_sees_it(repo: Repo, name: str) -> None:
    before = sorted(path.relative_to(repo.root) for path in repo.root.rglob("*"))
    with pytest.raises(UsageError) as caught:
        open_history(repo.root).resolve(name)
    assert len(str(caught.value)) < 200
    assert sorted(path.relative_to(repo.root) for path in repo.root.rglob("*")) == before


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a//b", "a/./b", ".git/config", "a\0b", "a\nb", ""])
def test_a_path_that_leads_out_of_the_tree_is_refused(repo: Repo, path: str) -> None:
    history = open_history(repo.root)
    with pytest.raises(UsageError):
        history.read(history.head(), path)


def test_an_unknown_revision_says_how_to_find_one(repo: Repo) -> None:
    with pytest.raises(CannotCompareError, match="'nowhere' is not a revision") as caught:
        open_history(repo.root).resolve("nowhere")
    assert "git fetch" in caught.value.hint


def test_a_folder_that_is_no_repository_says_so(tmp_path: Path) -> None:
    with pytest.raises(CannotCompareError, match="not in a git repository") as caught:
        open_history(tmp_path)
    assert "git init" in caught.value.hint


def test_a_repository_without_commits_says_so(tmp_path: Path) -> None:
    make_repo(tmp_path / "new")
    with pytest.raises(CannotCompareError, match="no commits yet"):
        open_history(tmp_path / "new").head()


def test_nothing_is_published_before_the_first_commit(tmp_path: Path) -> None:
    make_repo(tmp_path / "new")
    assert open_history(tmp_path / "new").published("example") == ()


def test_a_branch_without_commits_does_not_make_a_policy_new(repo: Repo) -> None:
    repo.git("checkout", "--quiet", "--orphan", "other")
    with pytest.raises(CannotCompareError, match="no commits yet"):
        open_history(repo.root).published("example")


def test_a_shallow_clone_cannot_be_built_on(repo: Repo, tmp_path: Path) -> None:
    mark(repo, 1)
    repo.git("clone", "--quiet", "--depth", "1", f"file://{repo.root}", str(tmp_path / "shallow"))
    history = open_history(tmp_path / "shallow")
    with pytest.raises(CannotCompareError, match="shallow") as caught:
        history.published("example")
    assert "git fetch --unshallow --tags" in caught.value.hint
    with pytest.raises(CannotCompareError) as caught:
        history.resolve("HEAD~1")
    assert "--unshallow" in caught.value.hint


def test_a_clone_without_its_version_refs_is_not_taken_for_a_new_policy(repo: Repo, tmp_path: Path) -> None:
    repo.commit("As if v2 had been published", {"diffs/example/v1..v2.md": "x\n"})
    repo.git("clone", "--quiet", "--no-tags", str(repo.root), str(tmp_path / "clone"))
    with pytest.raises(CannotCompareError, match="not in this clone") as caught:
        open_history(tmp_path / "clone").published("example")
    assert "git fetch --tags" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "said"), [("link", "a symbolic link"), ("folder", "a folder"), ("module", "a submodule")]
)
def test_only_plain_files_are_read(repo: Repo, kind: str, said: str) -> None:
    if kind == "link":
        (repo.root / "policies/example/secret").symlink_to("/etc/passwd")
        repo.commit("A link")
    elif kind == "folder":
        repo.commit("A folder", {"policies/example/secret/file": "x"})
    else:
        row = f"160000 {repo.git('rev-parse', 'HEAD')}\tpolicies/example/secret"
        repo.git("update-index", "--add", "--index-info", stdin=f"{row}\n")
        repo.git("commit", "--quiet", "--message", "A submodule")
    history = open_history(repo.root)
    with pytest.raises(CannotCompareError, match=said):
        history.read(history.head(), "policies/example/secret")


def test_a_file_that_is_not_there_is_told_apart_from_an_empty_one(repo: Repo) -> None:
    repo.commit("Empty", {"empty.md": ""})
    history = open_history(repo.root)
    assert history.read(history.head(), "empty.md") == b""
    assert history.find(history.head(), "missing.md") is None
    assert history.find(history.head(), f"{FILE}/below") is None
    with pytest.raises(CannotCompareError, match=r"no 'missing\.md'"):
        history.read(history.head(), "missing.md")


def test_a_text_above_the_limit_is_refused(repo: Repo) -> None:
    history = open_history(repo.root)
    with pytest.raises(InputError, match="the limit is 3") as caught:
        history.read(history.head(), FILE, max_bytes=3)
    assert "max_bytes" in caught.value.hint


def loose(repo: Repo, oid: str) -> Path:
    path = repo.root / ".git/objects" / oid[:2] / oid[2:]
    path.chmod(0o644)
    return path


@pytest.mark.parametrize("damage", ["emptied", "flipped", "swapped", "gone"])
def test_a_damaged_object_is_an_integrity_error_never_an_empty_text(repo: Repo, damage: str) -> None:
    oid = repo.git("rev-parse", f"HEAD:{FILE}")
    path = loose(repo, oid)
    if damage == "gone":
        path.unlink()
    elif damage == "emptied":
        path.write_bytes(b"")
    elif damage == "flipped":
        data = bytearray(path.read_bytes())
        data[-3] ^= 0xFF
        path.write_bytes(bytes(data))
    else:
        other = repo.git("rev-parse", f"HEAD~1:{FILE}")
        shutil.copy(loose(repo, other), path)
    history = open_history(repo.root)
    with pytest.raises(IntegrityError, match="missing or damaged"):
        history.read(history.head(), FILE)
    assert history.read(history.resolve("HEAD~2"), FILE) == b"one\n"


def test_a_replacement_object_does_not_change_what_was_published(repo: Repo) -> None:
    repo.git("replace", repo.git("rev-parse", f"HEAD:{FILE}"), repo.git("rev-parse", f"HEAD~1:{FILE}"))
    assert repo.git("show", f"HEAD:{FILE}") == "two"
    history = open_history(repo.root)
    assert history.read(history.head(), FILE) == b"three\n"


# --- versions


def test_a_version_is_read_back_with_all_that_was_said_of_it(repo: Repo) -> None:
    note = mark(repo, 1, "HEAD~2")
    (marked,) = open_history(repo.root).published("example")
    assert (marked.key, marked.published_at, marked.note) == (VersionKey("example", 1), NOW, note)
    assert marked.commit == repo.git("rev-parse", "HEAD~2")
    assert marked.commit == repo.git("rev-parse", "policy/example/v1^{commit}")


def test_versions_are_ordered_by_number_not_by_name(repo: Repo) -> None:
    for number in range(1, 12):
        mark(repo, number)
    assert [m.key.number for m in open_history(repo.root).published("example")] == list(range(1, 12))


def test_an_unknown_version_names_those_there_are(repo: Repo) -> None:
    mark(repo, 1)
    mark(repo, 2)
    with pytest.raises(CannotCompareError, match="there is no example@v7") as caught:
        open_history(repo.root).version(VersionKey("example", 7))
    assert "v1, v2" in caught.value.hint


def forge(repo: Repo, history: History, case: str) -> None:
    if case == "another version's tag object":
        repo.git("update-ref", "refs/tags/policy/example/v2", repo.git("rev-parse", "policy/example/v1"))
    elif case == "a lightweight tag":
        repo.git("tag", "policy/example/v2")
    elif case == "a tag made by hand":
        repo.git("tag", "-a", "-m", "Version 2", "policy/example/v2")
    elif case == "a tag that names another version in its message":
        message = history.runner.call("cat-file", "-p", "refs/tags/policy/example/v1").out.decode()
        repo.git("tag", "-a", "-m", message.partition("\n\n")[2], "policy/example/v2")
    else:
        repo.git("tag", "-a", "-m", "A tree", "policy/example/v2", "HEAD^{tree}")


@pytest.mark.parametrize(
    "case",
    [
        "another version's tag object",
        "a lightweight tag",
        "a tag made by hand",
        "a tag that names another version in its message",
        "a tag of a tree",
    ],
)
def test_a_version_ref_that_is_not_what_its_name_says_is_refused(repo: Repo, case: str) -> None:
    mark(repo, 1)
    history = open_history(repo.root)
    forge(repo, history, case)
    with pytest.raises(IntegrityError, match="policy/example/v2"):
        history.published("example")


def test_a_version_that_is_gone_from_the_middle_is_an_integrity_error(repo: Repo) -> None:
    for number in (1, 2, 3):
        mark(repo, number)
    repo.git("tag", "-d", "policy/example/v2")
    with pytest.raises(IntegrityError, match="v2 is missing"):
        open_history(repo.root).published("example")


def test_a_version_survives_its_branch_being_rewritten(repo: Repo) -> None:
    mark(repo, 1)
    repo.git("reset", "--quiet", "--hard", "HEAD~2")
    repo.git("reflog", "expire", "--expire=now", "--all")
    repo.git("gc", "--quiet", "--prune=now")
    history = open_history(repo.root)
    assert history.read(history.version(VersionKey("example", 1)).commit, FILE) == b"three\n"


def test_a_linked_work_tree_reads_the_same_history(repo: Repo, tmp_path: Path) -> None:
    mark(repo, 1)
    repo.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    history = open_history(tmp_path / "linked")
    assert history.read(history.head(), FILE) == b"three\n"
    assert [marked.key.number for marked in history.published("example")] == [1]
