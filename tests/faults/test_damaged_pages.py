# SPDX-License-Identifier: Apache-2.0
"""What is damaged behind the service, in git or in the folder of the pages, is never served as a page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, make_instance, policy, publish
from tests.cli.run import inside
from tests.repos import ALONE, Repo
from tests.web.service import serving

PAGES = (
    f"/{SLUG}/",
    f"/{SLUG}/v1/",
    f"/{SLUG}/v1/data.json",
    f"/{SLUG}/changes/",
    f"/{SLUG}/feed.xml",
    "/style.css",
)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = make_instance(tmp_path / "repo")
    settings = made.root / "policyctl.toml"
    text = settings.read_text("utf-8").replace("[site]\n", "[site]\npdf = false\n", 1)
    made.commit("Settings", {"policyctl.toml": text})
    publish(made.root, DAYS[1])
    made.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(made.root, DAYS[2])
    return made


@pytest.fixture
def browser(repo: Repo) -> Iterator[httpx.Client]:
    with (
        serving(repo.root) as service,
        httpx.Client(trust_env=False, base_url=service.url, headers={"Accept": "text/html"}) as made,
    ):
        yield made
        service.stop()
        assert not [line for line in service.log if '"bug"' in line]


def damage_git(repo: Repo) -> None:
    """Every version's text, emptied."""
    for number in (1, 2):
        oid = repo.git("rev-parse", f"policy/{SLUG}/v{number}:policies/{SLUG}/policy.md")
        place = repo.root / ".git/objects" / oid[:2] / oid[2:]
        place.chmod(0o644)
        place.write_bytes(b"")


def test_a_damaged_object_or_page_is_never_an_empty_page(repo: Repo, browser: httpx.Client) -> None:
    before = {path: browser.get(path) for path in PAGES}
    assert {found.status_code for found in before.values()} == {200}
    damage_git(repo)
    assert inside("verify", "--allow-unsigned", cwd=repo.root).returncode == 5
    for path in PAGES:
        assert browser.get(path).content == before[path].content
    site = repo.root / ".policyctl/site" / SLUG
    kept = Path(shutil.copytree(site, repo.root.parent / "kept"))
    (site / "index.html").write_bytes(b"")
    page = site / "v1/index.html"
    page.write_bytes(page.read_bytes().replace(b"e-mail", b"e-fail", 1))
    (site / "v1/data.json").write_bytes((site / "v1/data.json").read_bytes()[:-20])
    for path in PAGES[:3]:
        found = browser.get(path)
        assert found.status_code == 503, path
        assert found.headers["retry-after"]
        assert "e-fail" not in found.text
        assert found.text
    assert browser.get(f"/{SLUG}/changes/v1..v2/").content, "a step has its own page"
    shutil.copytree(kept, site, dirs_exist_ok=True)
    for path in PAGES:
        assert browser.get(path).content == before[path].content
    (repo.root / ".policyctl/site/.policyctl-site").write_bytes(b"")
    assert browser.get(PAGES[1]).status_code in {200, 503}, "no bug"
    assert browser.get("/.policyctl-site").status_code == 404
