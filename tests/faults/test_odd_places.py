# SPDX-License-Identifier: Apache-2.0
"""The command line in places and with names that nobody has in mind: a plain error, nothing half done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy, publish
from tests.cli.run import CLEAN, GIT, inside
from tests.repos import ALONE, Repo


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One version published, a second committed."""
    repo = make_instance(tmp_path_factory.mktemp("model") / "repo")
    settings = repo.root / "policyctl.toml"
    text = settings.read_text("utf-8").replace("[site]\n", "[site]\npdf = false\n", 1)
    repo.commit("Settings", {"policyctl.toml": text})
    publish(repo.root, DAYS[1])
    repo.commit("Second", policy(TEXT_2.replace("2027-06-01", "2099-06-01"), PRACTICES_2))
    return repo.root


@pytest.fixture
def root(model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "repo"))


def said(*words: str | Path, cwd: Path, code: int) -> str:
    run = inside(*words, cwd=cwd)
    assert run.returncode == code, run.stdout + run.stderr
    return run.stdout + run.stderr


# --- streams that are closed, or full


def by_shell(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """``policyctl`` in a line of the shell."""
    script = f'policyctl() {{ "{sys.executable}" -m policyctl "$@"; }}\n{line}'
    return subprocess.run(
        ["sh", "-c", script], cwd=cwd, env={**CLEAN, **GIT}, capture_output=True, text=True, check=False
    )


def test_with_every_stream_closed_a_version_is_published_and_nothing_is_written_into_other_files(
    root: Path,
) -> None:
    """A file that is opened in place of a closed stream would get what is said, a ledger too."""
    Repo(root).commit("Diffs", {"x": "y"})
    assert by_shell(f"policyctl publish {SLUG} --yes <&- >&- 2>&-", root).returncode == 0
    assert f"policy/{SLUG}/v2" in Repo(root).git("tag").split()
    with closing(sqlite3.connect(root / ".policyctl/ledger.db")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Opened(root) as opened:
        assert len(opened.ledger.versions()) == 2


def test_where_nobody_can_be_asked_or_told_it_is_said_plainly(root: Path) -> None:
    asked = by_shell(f"policyctl publish {SLUG} <&-", root)
    assert (asked.returncode, "--yes" in asked.stderr) == (2, True), asked.stderr
    if Path("/dev/full").exists():
        told = by_shell("policyctl status >/dev/full", root)
        assert told.returncode == 4, told.stderr
        assert "standard output cannot be written: No space left" in told.stderr
        assert told.stderr.count("\n") == 2, "the error and its mend, and no more"


# --- what cannot be opened is not called absent


@pytest.mark.parametrize("what", ["a folder", "a link to nowhere"])
def test_a_ledger_that_cannot_be_opened_is_not_called_absent(root: Path, what: str) -> None:
    ledger = root / ".policyctl/ledger.db"
    ledger.unlink()
    ledger.mkdir() if what == "a folder" else ledger.symlink_to("/nowhere/ledger.db")
    for words in (
        ("status",),
        ("ledger", "stats"),
        ("publish", SLUG, "--yes"),
        ("verify", "--allow-unsigned"),
    ):
        told = said(*words, cwd=root, code=4)
        assert "cannot be opened" in told
        assert "sync" not in told, "nothing is to be set up where something is"
    assert Repo(root).git("tag") == f"policy/{SLUG}/v1"


def test_a_clone_without_the_key_is_not_told_to_make_another(root: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    Repo(root).git("clone", "--quiet", str(root), str(clone))
    told = said("sync", cwd=clone, code=2)
    assert "copy .policyctl/pseudonym.key" in told
    assert "policyctl init" not in told, "which refuses where there are settings"


def test_another_ledger_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    for name in ("none.db", "."):
        told = said("verify", "--ledger", str(tmp_path / name), cwd=root, code=2)
        assert "is no file" in told


def test_versions_that_need_no_signature_do_not_fail_for_the_lack_of_one(root: Path) -> None:
    told = said("verify", "--allow-unsigned", cwd=root, code=0)
    assert f"holds  {SLUG}@v1  not signed" in told
    told = said("verify", cwd=root, code=1)
    assert f"FAILS  {SLUG}@v1  not signed" in told


def test_no_site_is_built_into_the_folder_of_git(root: Path) -> None:
    before = sorted((root / ".git").iterdir())
    assert "folder of git" in said("site", "build", "--out", ".git/site", cwd=root, code=4)
    assert sorted((root / ".git").iterdir()) == before


def test_a_site_that_is_a_link_to_itself_is_refused(root: Path) -> None:
    site = root / ".policyctl/site"
    shutil.rmtree(site)
    site.symlink_to("site")
    assert "error:" in said("site", "build", cwd=root, code=4)
    assert site.is_symlink()


def test_settings_may_begin_as_some_editors_begin_a_file(root: Path) -> None:
    settings = root / "policyctl.toml"
    settings.write_bytes(b"\xef\xbb\xbf" + settings.read_bytes().replace(b"\n", b"\r\n"))
    said("check", cwd=root, code=0)


# --- backups and bundles that are none


def test_what_is_no_backup_or_no_place_for_one_is_called_what_it_is(root: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    said("backup", "--output", one, cwd=root, code=0)
    told = said("restore", one, "--to", f"sqlite:///{tmp_path}", "--force", "--yes", cwd=root, code=4)
    assert "is a folder" in told
    (one / "manifest.json").write_text("[" * 100_000, "utf-8")
    assert "no manifest" in said("restore", one, "--force", "--yes", cwd=root, code=3)


@pytest.mark.parametrize("kind", ["a pipe", "a device"])
def test_a_bundle_that_never_ends_is_not_read(root: Path, tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero")
    if kind == "a pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    assert "is no file" in said("verify", "--bundle", path, cwd=root, code=3)


def test_certificates_that_are_none_are_refused_and_not_passed_over(root: Path) -> None:
    told = said("verify", "--timestamp-authorities", "policyctl.toml", cwd=root, code=2)
    assert "no certificate" in told


# --- names of nobody and nothing


@pytest.mark.parametrize("who", ["", " ", "a\nb", "x" * 5_000])
def test_what_cannot_be_an_id_is_not_called_erased(root: Path, who: str) -> None:
    assert "error:" in said("erase", "--yes", "--", who, cwd=root, code=2)


@pytest.mark.parametrize(("name", "code"), [("nosuch", 3), ("../x", 2)])
def test_places_of_a_policy_that_is_not_there_are_not_fine(root: Path, name: str, code: int) -> None:
    assert "error:" in said("places", "check", name, cwd=root, code=code)


# --- repositories of other kinds, and where they lie


def test_a_repository_of_other_ids_is_called_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "repo"
    folder.mkdir()
    repo = Repo(folder)
    repo.git("init", "--quiet", "--object-format=sha256")
    said("init", cwd=folder, code=0)
    for words in (("check",), ("publish", SLUG, "--yes"), ("verify", "--no-ledger")):
        assert "SHA-256" in said(*words, cwd=folder, code=3)
    assert "SHA-256" in said("doctor", cwd=folder, code=1)


def test_git_finds_nothing_odd_in_what_was_published(root: Path) -> None:
    for words in (("gc", "--quiet"), ("fsck", "--strict")):
        run = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True)
        assert "error" not in run.stderr, "such as of a log of a ref that leads to no commit"
    said("publish", SLUG, "--yes", cwd=root, code=0)
    said("verify", "--allow-unsigned", cwd=root, code=0)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
@pytest.mark.parametrize("name", [b'a b\n"c" $d', "\u00fc#%20".encode(), b"by\xfftes"])
def test_a_folder_may_have_any_name(model: Path, tmp_path: Path, name: bytes) -> None:
    root = Path(shutil.copytree(model, Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))))
    said("publish", SLUG, "--yes", cwd=root, code=0)
    said("backup", "--output", root / "one", cwd=root, code=0)
    target = f"sqlite:///{root / 'two.db'}"
    said("restore", root / "one", "--to", target, "--yes", cwd=root, code=0)
    said("verify", "--allow-unsigned", "--ledger", root / "two.db", cwd=root, code=0)
    said("site", "build", "--format", "json", cwd=root, code=0)
