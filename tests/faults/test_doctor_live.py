# SPDX-License-Identifier: Apache-2.0
"""``policyctl doctor --live`` at the command line, against a web server that has every kind of trouble."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from policyctl.adapters import live
from tests.actions.instance import PRACTICES_2, SLUG, TEXT_1, TEXT_2, make_instance, policy, publish
from tests.actions.test_doctor_drift import Quiet, serving
from tests.cli.run import inside, said
from tests.repos import ALONE

FIRST, SECOND = datetime(2025, 1, 1, 9, tzinfo=UTC), datetime(2025, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        yield


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository in ``repo``, its site as it was with one version in ``old``, as it is in ``posted``."""
    top = tmp_path_factory.mktemp("live")
    repo = make_instance(top / "repo")
    settings = repo.root / "policyctl.toml"
    settings.write_text(settings.read_text().replace("[site]\n", "[site]\npdf = false\n", 1), "utf-8")
    repo.commit("First", policy(TEXT_1.replace("2027-01-01", "2025-01-01"), PRACTICES_2))
    publish(repo.root, FIRST)
    shutil.copytree(build(repo.root), top / "old")
    repo.commit("Second", policy(TEXT_2.replace("2027", "2025"), PRACTICES_2))
    publish(repo.root, SECOND)
    shutil.copytree(build(repo.root), top / "posted")
    return top


def build(root: Path) -> Path:
    assert inside("site", "build", cwd=root).returncode == 0
    return root / ".policyctl/site"


@contextmanager
def settled(desk: Path, url: str) -> Iterator[None]:
    """With this address in the settings; the pages that are posted were made without one."""
    settings = desk / "repo/policyctl.toml"
    before = settings.read_text("utf-8")
    settings.write_text(before.replace("[site]\n", f'[site]\nbase_url = "{url}"\n', 1), "utf-8")
    try:
        yield
    finally:
        settings.write_text(before, "utf-8")


def look(desk: Path, *words: str) -> tuple[int, dict[str, str]]:
    """The exit code, and what is said of the posted page."""
    run = inside("doctor", *words, "--format", "json", cwd=desk / "repo")
    checks = [check for check in said(run, "doctor")["checks"] if check["name"].startswith("posted")]
    assert len(checks) == 1, run.stdout
    return run.returncode, checks[0]


def folder(place: Path) -> Callable[..., Quiet]:
    return partial(Quiet, directory=str(place))


def changed(desk: Path) -> Path:
    """With one word of the page in force changed."""
    place = Path(shutil.copytree(desk / "posted", desk / "changed"))
    page = place / SLUG / "index.html"
    page.write_text(page.read_text("utf-8").replace("as long as", "longer than"), "utf-8")
    return place


class Failing(Quiet):
    """``kind``: what it does instead of sending the page."""

    def __init__(self, *args: object, kind: str, **more: str) -> None:
        self.kind = kind
        super().__init__(*args, **more)  # type: ignore[arg-type]

    def do_GET(self) -> None:  # noqa: N802 - its name there
        try:
            getattr(self, self.kind)()
        except OSError:  # the reader has had enough
            self.close_connection = True

    def missing(self) -> None:
        self.send_error(404)

    def broken(self) -> None:
        self.send_error(500)

    def elsewhere(self) -> None:
        self.send_response(302)
        self.send_header("Location", "https://other.example.org/privacy")
        self.end_headers()

    def endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        while self.wfile.write(b"x" * 100_000):
            pass

    def dripping(self) -> None:
        self.send_response(200)
        self.end_headers()
        while self.wfile.write(b"x"):
            time.sleep(0.05)

    def silent(self) -> None:
        time.sleep(1)


def test_the_posted_page_of_the_settings_is_the_version_in_force(desk: Path) -> None:
    """The settings' own address is part of every page, so the site is built with it and served from there."""
    with serving(folder(desk / "there")) as url, settled(desk, url):
        shutil.copytree(build(desk / "repo"), desk / "there")
        code, check = look(desk, "--live")
    assert (code, check["state"]) == (0, "ok"), check
    assert f"{url}/{SLUG}/ is {SLUG}@v2, byte for byte" in check["seen"]
    build(desk / "repo")


@pytest.mark.parametrize(
    ("server", "seen"),
    [
        (lambda desk: folder(changed(desk)), "its bytes differ"),
        (lambda desk: folder(desk / "old"), "posts v1"),
        (lambda _: partial(Failing, kind="missing"), "404"),
        (lambda _: partial(Failing, kind="broken"), "500"),
        (lambda _: partial(Failing, kind="elsewhere"), "https://other.example.org"),
        (lambda _: partial(Failing, kind="endless"), "more than a page can be"),
        (lambda _: partial(Failing, kind="dripping"), "takes too long"),
        (lambda _: partial(Failing, kind="silent"), "cannot be read"),
    ],
    ids=["changed", "old", "missing", "broken", "elsewhere", "endless", "dripping", "silent"],
)
def test_a_page_that_is_not_the_version_in_force_is_an_error(
    desk: Path, server: Callable[[Path], Callable[..., Quiet]], seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(live.fetch.__kwdefaults__, "seconds", 0.6)  # else twenty
    with serving(server(desk)) as url:
        code, check = look(desk, "--url", url)
    assert (code, check["state"]) == (1, "error"), check
    assert seen in check["seen"]
    assert check["mend"]


def test_a_server_that_is_down_or_none_is_no_yes(desk: Path) -> None:
    with serving(folder(desk / "posted")) as url:
        pass
    for address, words in ((url, "cannot be read"), ("", "no address"), ("file:///etc/passwd", "no address")):
        code, check = look(desk, "--url", address)
        assert (code, check["state"]) == (1, "error"), check
        assert words in check["seen"]
    code, check = look(desk, "--live")
    assert (code, "nobody says where" in check["seen"]) == (1, True)


def test_with_nothing_published_it_is_said_that_nothing_was_looked_at(tmp_path: Path) -> None:
    make_instance(tmp_path / "repo")
    code, check = look(tmp_path, "--url", "http://127.0.0.1:9")
    assert (code, check["state"]) == (1, "error"), check
    assert "no version is published" in check["seen"]
