# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from policyctl.adapters.site import folder as site_adapter
from policyctl.adapters.site.folder import MARKER, PostedFolder, building_alone, earlier_site
from policyctl.errors import PolicyctlError, RefusedError

ONE = {"index.html": b"one", "a/v1/index.html": b"first"}
TWO = {"index.html": b"two", "a/v2/index.html": b"second"}


def write_site(folder: Path, pages: dict[str, bytes]) -> bool:
    with building_alone(folder):
        return site_adapter.write_site(folder, pages)


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


STEPS = [
    ("site.built", True), ("site.exchanged", True), ("site.swapped", True),
    ("site.built", False), ("site.moved-aside", False), ("site.swapped", False),
]  # fmt: skip


@pytest.mark.parametrize(("step", "exchanges"), STEPS)
def test_killed_at_any_step_the_next_run_mends_it(tmp_path: Path, step: str, *, exchanges: bool) -> None:
    site = tmp_path / "site"
    write_site(site, ONE)
    code = (
        "import sys, pathlib; from policyctl.adapters.site import folder as site;"
        "folder = pathlib.Path(sys.argv[1]); lock = site.building_alone(folder); lock.__enter__();"
        "site._exchanged = site._exchanged if sys.argv[3] else lambda *_: False;"
        "site.write_site(folder, eval(sys.argv[2]))"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(site), repr(TWO), "yes" * exchanges],
        env={**os.environ, "POLICYCTL_FAULT": step},
        check=False,
    )
    assert killed.returncode == 137
    if exchanges:
        assert pages_in(site) == (ONE if step == "site.built" else TWO)
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


def test_pages_that_stay_are_not_written_but_linked(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_site(site, ONE)
    before = (site / "a/v1/index.html").stat()
    pages = {**ONE, "index.html": b"two"}
    with building_alone(site):
        assert site_adapter.write_site(
            site, pages, kept={"a/v1/index.html": earlier_site(site).files["a/v1/index.html"]}
        )
    after = (site / "a/v1/index.html").stat()
    assert pages_in(site) == pages
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    found = earlier_site(site)
    assert {path: found.read(path) for path in pages} == pages


def test_a_disk_without_links_gets_the_pages_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(1, "no links here")

    site = tmp_path / "site"
    write_site(site, ONE)
    monkeypatch.setattr(os, "link", refuse)
    with building_alone(site):
        assert site_adapter.write_site(site, {**ONE, "new": b"x"}, kept=earlier_site(site).files)
    assert pages_in(site) == {**ONE, "new": b"x"}


def test_of_the_site_that_is_there_only_what_was_written_is_believed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    with building_alone(site):
        site_adapter.write_site(site, TWO, notes={"made": 1})
    assert earlier_site(site).notes == {"made": 1}
    assert earlier_site(site).read("index.html") == b"two"
    (site / "index.html").write_bytes(b"defaced")
    (site / "added.html").write_bytes(b"by hand")
    found = earlier_site(site)
    assert [found.read(path) for path in ("index.html", "added.html", "a/v2/index.html")] == [
        None,
        None,
        b"second",
    ]


@pytest.mark.parametrize("record", [b"", b"{}", b"[1]", b'{"notes": 1, "files": 2}', b"\xff"])
def test_a_record_that_cannot_be_read_is_no_site_to_build_on(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / MARKER).write_bytes(record)
    assert earlier_site(tmp_path / "site").files == {}


def test_two_builders_at_once_do_it_one_after_the_other(tmp_path: Path) -> None:
    site = tmp_path / "site"
    code = (
        "import sys, pathlib; from policyctl.adapters.site import folder as site\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "for number in range(8):\n"
        "    with site.building_alone(folder):\n"
        "        site.write_site(folder, {f'{sys.argv[2]}-{number}': b'y', 'index.html': b'x'})"
    )
    builders = [subprocess.Popen([sys.executable, "-c", code, str(site), name]) for name in "abc"]
    assert [builder.wait(timeout=60) for builder in builders] == [0, 0, 0]
    assert len(pages_in(site)) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


def test_who_serves_the_site_reads_what_is_there(tmp_path: Path) -> None:
    write_site(tmp_path / "site", ONE)
    folder = PostedFolder(tmp_path / "site")
    assert folder.read("a/v1/index.html") == b"first"
    for path in ("a/v1", "nothing", "index.html/deeper", "a\0b"):
        assert folder.read(path) is None


def test_the_top_of_the_disk_is_no_place_for_a_site() -> None:
    with pytest.raises(RefusedError, match="no folder that can be replaced"), building_alone(Path("/")):
        pass


def test_a_mounted_disk_is_named_as_what_cannot_change_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_site(tmp_path / "site", ONE)

    def busy(*_: object) -> bool:
        raise OSError(16, "Device or resource busy", str(tmp_path / "site"))

    monkeypatch.setattr(site_adapter, "_exchanged", busy)
    with pytest.raises(PolicyctlError, match="cannot be written") as raised:
        write_site(tmp_path / "site", TWO)
    assert "name a folder on it" in raised.value.hint
    assert pages_in(tmp_path / "site") == ONE
