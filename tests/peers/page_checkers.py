# SPDX-License-Identifier: Apache-2.0
"""Programs that judge a page: the Nu Html Checker (vnu), html-validate, and pdftotext for what was printed.

The first two are npm packages, looked for in the folder that POLICYCTL_NODE_MODULES names (``.ci/run``
installs those that ``.ci/mails`` pins); vnu needs Java. Without one its tests are skipped, or fail where
POLICYCTL_REQUIRE=all says that every peer must be there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

PATIENCE = 240
"""Seconds; the programs answer in a few, other work aside."""

# Ours to decide, or a matter of taste: long lines of attributes, names of classes, how a void element ends.
_OFF = (
    "long-title",
    "no-inline-style",
    "void-style",
    "attr-quotes",
    "no-trailing-whitespace",
    "doctype-style",
)


def _missing(what: str) -> None:
    if os.environ.get("POLICYCTL_REQUIRE") == "all":
        pytest.fail(f"{what} is required and not installed")
    pytest.skip(f"{what} is not installed")


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        _missing(name)
    return program or ""


class PageCheckers:
    """Each is looked for when it is first asked."""

    def __init__(self, modules: Path, folder: Path) -> None:
        self._modules, self._folder = modules, folder

    def vnu(self, pages: Mapping[str, str]) -> list[str]:
        """The errors of the Nu Html Checker: ``page: message``. Warnings are left out."""
        jar = self._package("vnu-jar/build/dist/vnu.jar")
        names = self._written(pages)
        command = [
            _program("java"),
            "-jar",
            jar,
            "--format",
            "json",
            "--errors-only",
            "--exit-zero-always",
            *names,
        ]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, cwd=self._folder, check=True)
        messages = json.loads(done.stderr)["messages"]
        return [f"{Path(each['url']).stem}: {each['message']}" for each in messages]

    def html_validate(self, pages: Mapping[str, str]) -> list[str]:
        """What html-validate finds against its presets ``standard`` and ``a11y``: ``page: rule: message``."""
        script = self._package("html-validate/bin/html-validate.mjs")
        rules = {"root": True, "extends": ["html-validate:standard", "html-validate:a11y"], "rules": {}}
        rules["rules"] = dict.fromkeys(_OFF, "off")
        (self._folder / ".htmlvalidate.json").write_text(json.dumps(rules))
        command = [_program("node"), script, "--formatter", "json", *self._written(pages)]
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, cwd=self._folder, check=False)
        return [
            f"{Path(result['filePath']).stem}: {message['ruleId']}: {message['message']}"
            for result in json.loads(done.stdout)
            for message in result["messages"]
        ]

    def text_of(self, pdf: Path) -> str:
        """The words of a PDF, sheets divided by form feeds."""
        command = [_program("pdftotext"), "-layout", str(pdf), "-"]
        return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout.decode()

    def _package(self, path: str) -> str:
        if not (self._modules / path).is_file():
            _missing(f"{path.split('/', maxsplit=1)[0]} (POLICYCTL_NODE_MODULES)")
        return str(self._modules / path)

    def _written(self, pages: Mapping[str, str]) -> list[str]:
        for name, page in pages.items():
            (self._folder / f"{name}.html").write_text(page, "utf-8")
        return [f"{name}.html" for name in pages]


@pytest.fixture(scope="session")
def page_checkers(tmp_path_factory: pytest.TempPathFactory) -> PageCheckers:
    """vnu, html-validate and pdftotext."""
    modules = Path(os.environ.get("POLICYCTL_NODE_MODULES", "nowhere"))
    return PageCheckers(modules, tmp_path_factory.mktemp("checked"))
