# SPDX-License-Identifier: Apache-2.0
"""The site as it follows from the version refs of a real repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from policyctl.actions.site.build import Built, SiteOptions, build_site
from policyctl.actions.sync import shelf_of
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.errors import CannotCompareError, InputError, IntegrityError
from policyctl.reports.site.look import Look
from tests.actions.instance import (
    DAYS,
    PRACTICES_2,
    SLUG,
    TEXT_2,
    Opened,
    make_instance,
    policy,
    publish,
)
from tests.cli.run import inside
from tests.peers.signing import SshKeys
from tests.repos import Repo

THIRD = datetime(2027, 7, 1, 9, tzinfo=UTC)
TEXT_3 = (
    TEXT_2.replace("2027-06-01", "2027-09-01").replace("class: choice", "class: notice")
    + "\n## More\n\nWords.\n"
)
LATE = date(2028, 1, 1)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions published, a third committed."""
    root = tmp_path_factory.mktemp("site") / "policies"
    repo = make_instance(root)
    with_settings(root, "pdf = false")  # they take a second each
    publish(root, DAYS[1])
    repo.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(root, DAYS[2])
    return root


@pytest.fixture
def root(scene: Path, tmp_path: Path) -> Path:
    subprocess.run(["cp", "-r", str(scene), str(tmp_path / "policies")], check=True)
    return tmp_path / "policies"


def build(
    root: Path,
    site: Path,
    *,
    anew: bool = False,
    dry_run: bool = False,
    today: date = LATE,
    options: SiteOptions | None = None,
    loaded: list[str] | None = None,
) -> Built:
    with Opened(root) as opened:
        shelf = shelf_of(opened.history, opened.standards)

        def load(mark: MarkedVersion) -> object:
            if loaded is not None:
                loaded.append(str(mark.key))
            return shelf.version(mark)

        return build_site(
            opened.history.published(),
            load=load,  # type: ignore[arg-type]
            site=site,
            today=today,
            taxonomy=opened.standards.catalogue.taxonomy,
            options=options or SiteOptions(Look(name="Example", base_url="https://policies.example.com")),
            anew=anew,
            dry_run=dry_run,
        )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_rebuild_changes_nothing(root: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert build(root, site).changed
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in site.rglob("*")}
    again, anew = build(root, site), build(root, site, anew=True)
    assert not again.changed
    assert not anew.changed
    assert (again.made, anew.made) == (0, anew.made)
    assert anew.made > 5
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in site.rglob("*")} == before


def test_a_site_that_grew_version_by_version_is_the_one_that_is_built_at_once(
    root: Path, tmp_path: Path
) -> None:
    grown = tmp_path / "grown"
    build(root, grown)
    Repo(root).commit("Third", policy(TEXT_3, PRACTICES_2))
    publish(root, THIRD)
    loaded: list[str] = []
    assert build(root, grown, loaded=loaded).changed
    assert loaded == [f"{SLUG}@v3"]
    build(root, tmp_path / "at-once")
    assert contents(grown) == contents(tmp_path / "at-once")


def test_publishing_posts_the_version_and_keeps_the_pages_of_the_others(root: Path) -> None:
    site = root / ".policyctl/site"
    before = {path: path.stat().st_ino for path in site.rglob(f"{SLUG}/v2/*") if path.is_file()}
    assert before
    Repo(root).commit("Third", policy(TEXT_3, PRACTICES_2))
    publish(root, THIRD)
    assert (site / SLUG / "v3/index.html").is_file()
    assert {path: path.stat().st_ino for path in before} == before


@pytest.mark.parametrize("harm", ["defaced", "removed", "added"])
def test_a_page_changed_by_hand_is_put_right(root: Path, tmp_path: Path, harm: str) -> None:
    site = tmp_path / "site"
    build(root, site)
    before = contents(site)
    page = site / SLUG / ("v1/extra.html" if harm == "added" else "v1/index.html")
    page.unlink() if harm == "removed" else page.write_text("mine")
    assert build(root, site).changed
    assert contents(site) == before


def test_the_version_in_force_becomes_the_current_page_on_its_day(root: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    build(root, site, today=date(2027, 5, 31))
    first = contents(site)
    assert (
        b'From <time datetime="2027-06-01">1 June 2027</time>, version 2 applies.'
        in first[f"{SLUG}/index.html"]
    )
    assert json.loads(first[f"{SLUG}/data.json"])["current"] == 1
    assert build(root, site, today=date(2027, 6, 1)).changed
    second = contents(site)
    assert json.loads(second[f"{SLUG}/data.json"])["current"] == 2
    assert {path for path in first if first[path] != second[path]} == {
        ".policyctl-site",
        "index.html",
        "upcoming.xml",
        f"{SLUG}/upcoming.xml",
        f"{SLUG}/index.html",
        f"{SLUG}/data.json",
        f"{SLUG}/practices/index.html",
        f"{SLUG}/changes/index.html",
        f"{SLUG}/changes/data.json",
    }


def test_other_looks_make_every_page_anew(root: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    build(root, site)
    loaded: list[str] = []
    options = SiteOptions(Look(name="Another name"))
    assert build(root, site, options=options, loaded=loaded).changed
    assert len(loaded) == 2
    assert b"Another name" in (site / SLUG / "v1/index.html").read_bytes()


def printer(pages: list[str]) -> Callable[[], Callable[[str], bytes]]:
    def write(page: str) -> bytes:
        pages.append(page)
        return b"%PDF of " + page[:40].encode()

    return lambda: write


def test_a_pdf_is_made_once_and_kept_even_when_the_looks_change(root: Path, tmp_path: Path) -> None:
    site, pages = tmp_path / "site", list[str]()
    look = Look(name="Example", base_url="https://policies.example.com")
    done = build(root, site, options=SiteOptions(look, printer=printer(pages)))
    assert (done.without_pdf, len(pages)) == (0, 2)
    assert (site / SLUG / f"v2/{SLUG}-v2.pdf").read_bytes().startswith(b"%PDF")
    assert f"{SLUG}-v2.pdf" in (site / SLUG / "v2/index.html").read_text()
    build(root, site, options=SiteOptions(replace(look, name="Other"), printer=printer(pages)))
    assert len(pages) == 2
    (site / SLUG / f"v2/{SLUG}-v2.pdf").write_bytes(b"other bytes")
    build(root, site, options=SiteOptions(replace(look, name="Other"), printer=printer(pages)))
    assert len(pages) == 3


def test_without_what_makes_pdfs_there_are_none_and_it_is_said(root: Path, tmp_path: Path) -> None:
    assert build(root, tmp_path / "site").without_pdf == 2
    assert not list((tmp_path / "site").rglob("*.pdf"))
    assert ".pdf" not in (tmp_path / "site" / SLUG / "v2/index.html").read_text()


def test_who_signed_a_version_is_in_the_table_of_versions(root: Path, tmp_path: Path) -> None:
    asked: list[int] = []

    def signed_by(mark: MarkedVersion) -> str | None:
        asked.append(mark.key.number)
        return {1: None, 2: "Legal <legal@example.com>"}[mark.key.number]

    options = SiteOptions(signed_by=signed_by)
    for expected in ([1, 2], [1, 2, 1]):  # a signature is looked at once
        build(root, tmp_path / "site", options=options)
        page = (tmp_path / "site" / SLUG / "changes/index.html").read_text()
        assert page.count("Legal &lt;legal@example.com&gt;") == 1
        assert page.count("not signed") == 1
        assert asked == expected
    found = [ref_of(tmp_path / "site", number) for number in (1, 2)]
    assert [ref["signature"] for ref in found] == [
        {"state": "none", "signer": None},
        {"state": "good", "signer": "Legal <legal@example.com>"},
    ]


def ref_of(site: Path, number: int) -> dict[str, Any]:
    ref: dict[str, Any] = json.loads((site / SLUG / f"v{number}/data.json").read_bytes())["ref"]
    return ref


def test_the_data_of_a_version_holds_its_ref_and_the_ledger_head_that_it_anchors(
    root: Path, tmp_path: Path
) -> None:
    build(root, tmp_path / "site")
    for number in (1, 2):
        ref, name = ref_of(tmp_path / "site", number), f"refs/tags/policy/{SLUG}/v{number}"
        message = Repo(root).git("cat-file", "tag", name)
        assert ref["tag"] == Repo(root).git("rev-parse", name).strip()
        assert ref["commit"] == Repo(root).git("rev-parse", f"{name}^{{commit}}").strip()
        (head,) = ref["ledger_heads"]
        assert f"Ledger-Head: {head['entry']}:{head['root']}" in message
        assert ref["signature"] is None


@pytest.mark.peer("ssh-keygen")
def test_a_signature_counts_by_the_list_of_allowed_signers_only(
    root: Path, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repo(root)
    ssh_keys.use(repo, "legal")
    repo.git("config", "tag.gpgSign", "true")
    repo.commit("Third", policy(TEXT_3, PRACTICES_2))
    with Opened(root) as opened:
        opened.publish(THIRD)
    page = root / ".policyctl/site" / SLUG / "changes/index.html"
    for named, words in ((str(ssh_keys.signers), "legal@example.com"), ("", "signature not confirmed")):
        monkeypatch.setenv("POLICYCTL_ALLOWED_SIGNERS", named)
        assert inside("site", "build", "--anew", cwd=root).returncode == 0
        assert page.read_text().count(words) == 1
        assert page.read_text().count("not signed") == 2


def test_of_a_link_what_it_leads_to_is_replaced(root: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "site").symlink_to(tmp_path / "disk")
    for today in (LATE, date(2027, 1, 1)):
        assert build(root, tmp_path / "site", today=today).changed
        assert (tmp_path / "site").is_symlink()
        assert (tmp_path / "disk" / SLUG / "index.html").is_file()


def test_a_dry_run_writes_nothing(root: Path, tmp_path: Path) -> None:
    assert build(root, tmp_path / "deep" / "site", dry_run=True).changed
    assert not (tmp_path / "deep").exists()
    build(root, tmp_path / "site")
    assert not build(root, tmp_path / "site", dry_run=True).changed
    assert build(root, tmp_path / "site", dry_run=True, today=date(2027, 1, 1)).changed


def test_waivers_and_names_of_legal_are_not_posted(root: Path, tmp_path: Path) -> None:
    build(root, tmp_path / "site")
    assert not [path for path, data in contents(tmp_path / "site").items() if b"legal@example.com" in data]


def test_without_a_published_version_there_is_nothing_to_post(tmp_path: Path) -> None:
    make_instance(tmp_path / "policies")
    with pytest.raises(CannotCompareError, match="no version is published"):
        build(tmp_path / "policies", tmp_path / "site")


@pytest.mark.parametrize("step", ["site.built", "site.exchanged", "site.swapped"])
def test_killed_while_it_builds_the_old_site_or_the_new_one_is_there_whole(
    root: Path, tmp_path: Path, step: str
) -> None:
    out = tmp_path / "public"
    command = [sys.executable, "-m", "policyctl", "-C", str(root), "site", "build", "--out", str(out)]
    assert inside("site", "build", "--out", str(out), cwd=root).returncode == 0
    old = contents(out)
    Repo(root).commit("Third", policy(TEXT_3, PRACTICES_2))
    publish(root, THIRD)
    killed = subprocess.run(command, env={**os.environ, "POLICYCTL_FAULT": step}, check=False)
    assert killed.returncode == 137
    assert (contents(out) == old) == (step == "site.built")
    assert inside("site", "build", "--out", str(out), cwd=root).returncode == 0
    assert f"{SLUG}/v3/index.html" in contents(out)
    assert {path.name for path in tmp_path.iterdir()} == {"policies", "public"}


@pytest.mark.peer("ssh-keygen")
def test_a_version_that_a_stranger_signed_is_not_posted(
    root: Path, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = Repo(root)
    ssh_keys.use(repo, "stranger")
    repo.git("config", "tag.gpgSign", "true")
    repo.commit("Third", policy(TEXT_3, PRACTICES_2))
    with Opened(root) as opened:
        opened.publish(THIRD)
    before = contents(root / ".policyctl/site")
    monkeypatch.setenv("POLICYCTL_ALLOWED_SIGNERS", str(ssh_keys.signers))
    done = inside("site", "build", "--anew", cwd=root)
    assert done.returncode == IntegrityError.exit_code
    assert f"policy/{SLUG}/v3" in done.stderr
    assert contents(root / ".policyctl/site") == before


# --- the command, and the theme


def test_the_command_builds_the_site_and_says_so(root: Path, tmp_path: Path) -> None:
    done = inside("site", "build", "--out", str(tmp_path / "out"), "--format", "json", cwd=root)
    said = json.loads(done.stdout)
    assert said["command"] == "site build"
    assert said["written"] == [str(tmp_path / "out")]
    assert (tmp_path / "out" / SLUG / "index.html").is_file()
    again = inside("site", "build", "--out", str(tmp_path / "out"), cwd=root)
    assert "the pages are as they were" in again.stdout


def with_settings(root: Path, *lines: str) -> None:
    file = root / "policyctl.toml"
    file.write_text(file.read_text().replace("[site]\n", "[site]\n" + "\n".join(lines) + "\n", 1))


def test_a_theme_is_a_folder_of_the_repository(root: Path, tmp_path: Path) -> None:
    with_settings(root, 'theme = "looks"', 'name = "Example Ltd"')
    (root / "looks/assets").mkdir(parents=True)
    (root / "looks/theme.css").write_text(":root { --accent: #800; }")
    (root / "looks/assets/logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (root / "looks/brand.html.j2").write_text(
        '<p class="brand"><img src="{{ top }}assets/logo.svg" alt="Example"></p>'
    )
    inside("site", "build", "--out", str(tmp_path / "out"), cwd=root)
    page = (tmp_path / "out" / SLUG / "v1/index.html").read_text()
    assert '<img src="../../assets/logo.svg" alt="Example">' in page
    assert (tmp_path / "out/theme.css").is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("run.js", "no part of a theme"),
        ("page.html", "no part of a theme"),
        ("style.css", "no part of a theme"),
        ("a b.css", "no good in an address"),
        (".hidden/x.css", "no good in an address"),
        (f"{SLUG}/x.css", "the name of a policy"),
        ("link.css", "not a plain file"),
        ("large.png", "larger than"),
        ("bad.html.j2", "not UTF-8"),
    ],
)
def test_what_is_no_part_of_a_theme_is_named(root: Path, name: str, message: str) -> None:
    with_settings(root, 'theme = "looks"')
    file = root / "looks" / name
    file.parent.mkdir(parents=True)
    if name == "link.css":
        file.symlink_to("/etc/passwd")
    else:
        file.write_bytes(b"\xff" * (1_000_001 if name == "large.png" else 1))
    done = inside("site", "build", "--dry-run", cwd=root)
    assert done.returncode == InputError.exit_code
    assert message in done.stderr
    assert f"looks/{name}" in done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('theme = "../looks"', "is not below the top"),
        ('theme = "/looks"', "is not below the top"),
        ('language = "Deutsch!"', "is no language tag"),
        ('served = "yes"', "is neither true nor false"),
        ('them = "x"', "did you mean 'theme'?"),
        ('theme = "nowhere"', "there is no folder nowhere"),
    ],
)
def test_settings_of_the_site_that_cannot_be_are_named(root: Path, line: str, message: str) -> None:
    with_settings(root, line)
    done = inside("site", "build", "--dry-run", cwd=root)
    assert done.returncode in {2, 3}
    assert message in done.stderr
