# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from policyctl.adapters.site import write_site
from policyctl.errors import PolicyctlError, RefusedError

ONE = {"index.html": b"one", "a/v1/index.html": b"first"}
TWO = {"index.html": b"two", "a/v2/index.html": b"second"}


def pages_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".policyctl-site"
    }


def test_the_folder_holds_exactly_the_pages(tmp_path: Path) -> None:
    site = tmp_path / "deep" / "site"
    assert write_site(site, ONE)
    assert write_site(site, TWO)
    assert pages_in(site) == TWO
    assert [path.name for path in site.parent.iterdir()] == ["site"]


def test_pages_that_are_there_are_not_written_again(tmp_path: Path) -> None:
    write_site(tmp_path / "site", ONE)
    before = (tmp_path / "site" / "index.html").stat()
    assert not write_site(tmp_path / "site", ONE)
    after = (tmp_path / "site" / "index.html").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_page_changed_by_hand_is_put_right(tmp_path: Path) -> None:
    write_site(tmp_path / "site", ONE)
    (tmp_path / "site" / "index.html").write_bytes(b"defaced")
    assert write_site(tmp_path / "site", ONE)
    assert pages_in(tmp_path / "site") == ONE


def test_a_folder_with_other_peoples_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(RefusedError, match="was not written by policyctl"):
        write_site(tmp_path / "docs", ONE)
    assert pages_in(tmp_path / "docs") == {"thesis.txt": b"years of work"}


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    write_site(tmp_path / "site", ONE)
    assert pages_in(tmp_path / "site") == ONE


@pytest.mark.parametrize(
    "path", ["../outside", "/etc/passwd", "a/../../b", "", "a\\..\\b", ".policyctl-site"]
)
def test_a_page_cannot_be_written_outside_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(path)}$"):
        write_site(tmp_path / "site", {path: b"x"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["site.built", "site.moved-aside", "site.swapped"])
def test_killed_at_any_step_the_next_run_mends_it(tmp_path: Path, step: str) -> None:
    site = tmp_path / "site"
    write_site(site, ONE)
    code = (
        "import sys, pathlib; from policyctl.adapters.site import write_site;"
        "write_site(pathlib.Path(sys.argv[1]), eval(sys.argv[2]))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(site), repr(TWO)],
        env={**os.environ, "POLICYCTL_FAULT": step},
        check=False,
    )
    assert killed.returncode == 137
    assert not site.exists() or pages_in(site) in (ONE, TWO)
    write_site(site, TWO)
    assert pages_in(site) == TWO
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_a_site_renamed_aside_by_a_crash_comes_back_when_nothing_has_changed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(site, ONE)
    site.rename(tmp_path / ".site.old")
    assert not write_site(site, ONE)
    assert pages_in(site) == ONE


def test_a_disk_that_says_no_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(PolicyctlError, match=r"cannot be written"):
        write_site(tmp_path / "file" / "site", ONE)
