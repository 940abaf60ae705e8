"""The page of a bundle in a real browser, and by the Nu Html Checker."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from policyctl.actions.evidence.bundle import Subject, export_evidence
from tests.actions.evidence_scene import AT, make_scene, sources_of
from tests.actions.instance import Opened
from tests.cli.run import GIT
from tests.peers.browser import Browser
from tests.peers.page_checkers import PageCheckers
from tests.peers.signing import SshKeys


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, ssh_keys_made: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in GIT.items():
            patch.setenv(name, value)
        keys = SshKeys(ssh_keys_made)
        keys.allow("legal")
        scene = make_scene(tmp_path_factory.mktemp("page") / "repo", keys)
        with Opened(scene) as opened:
            bundle = export_evidence(Subject("u-ada"), None, AT, sources=sources_of(opened, keys.signers))
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened_bundle:
        return opened_bundle.read("index.html").decode()


@pytest.mark.peer("chromium")
def test_everybody_can_read_the_page(browser: Browser, page: str) -> None:
    assert "\n".join(browser.complaints(page)) == ""


def test_the_page_is_valid(page_checkers: PageCheckers, page: str) -> None:
    assert page_checkers.vnu({"evidence": page}) == []
