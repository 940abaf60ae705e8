# SPDX-License-Identifier: Apache-2.0
"""Programs that look at a mail as others will: html-validate, doiuse-email, SpamAssassin, w3m, pdftotext.

The first two are npm packages, looked for in the folder that POLICYCTL_NODE_MODULES names (``.ci/run``
installs those that ``.ci/mails`` pins); the others are the system's. Without one its tests are skipped,
or fail where POLICYCTL_REQUIRE=all says that every peer must be there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

PATIENCE = 240
"""Seconds; the programs answer in a few, other work aside."""


def _missing(what: str) -> None:
    if os.environ.get("POLICYCTL_REQUIRE") == "all":
        pytest.fail(f"{what} is required and not installed")
    pytest.skip(f"{what} is not installed")


def _run(command: Sequence[str | Path], data: bytes = b"", cwd: Path | None = None) -> tuple[int, str]:
    done = subprocess.run(
        list(map(str, command)), input=data, capture_output=True, timeout=PATIENCE, cwd=cwd, check=False
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _program(name: str) -> str:
    program = shutil.which(name)
    if program is None:
        _missing(name)
    return program or ""


class NodeTools:
    """The npm packages, run through node."""

    def __init__(self, node: str, modules: Path, folder: Path) -> None:
        self._node, self._modules, self._folder = node, modules, folder

    def complaints(self, pages: Mapping[str, str]) -> list[str]:
        """What html-validate finds in pages against its preset ``a11y``: ``page: rule: message``."""
        (self._folder / ".htmlvalidate.json").write_text('{"root": true, "extends": ["html-validate:a11y"]}')
        names = [self._write(name, page) for name, page in pages.items()]
        script = self._modules / "html-validate/bin/html-validate.mjs"
        code, said = _run([self._node, script, "--formatter", "json", *names], cwd=self._folder)
        results = json.loads(said)
        assert code == (1 if results else 0)
        return [
            f"{Path(result['filePath']).stem}: {message['ruleId']}: {message['message']}"
            for result in results
            for message in result["messages"]
        ]

    def unsupported(self, page: str, clients: str) -> set[str]:
        """What of a page some of the mail programs do not know at all, by doiuse-email's names."""
        script = self._modules / "doiuse-email/bin/cli.js"
        _, said = _run([self._node, script, "-e", clients, self._write("page", page)], cwd=self._folder)
        found = (re.match(r"`(.*)` is not supported by `", line) for line in json.loads(said)["errors"])
        return {match[1] for match in found if match}

    def _write(self, name: str, page: str) -> str:
        file = self._folder / f"{name}.html"
        file.write_text(page, "utf-8")
        return file.name


@pytest.fixture(scope="session")
def node_tools(tmp_path_factory: pytest.TempPathFactory) -> NodeTools:
    """html-validate and doiuse-email."""
    node = _program("node")
    modules = Path(os.environ.get("POLICYCTL_NODE_MODULES", ""))
    if not (modules / "html-validate").is_dir() or not (modules / "doiuse-email").is_dir():
        _missing("html-validate or doiuse-email (POLICYCTL_NODE_MODULES)")
    return NodeTools(node, modules, tmp_path_factory.mktemp("pages"))


class SpamAssassin:
    """The filter without a network, as it comes."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder

    def scores(self, mails: Sequence[bytes]) -> list[float]:
        """The score of each mail; 5.0 is spam as it comes. One run for all: its start takes seconds."""
        # Its answers come in an order of its own, so each mail carries its number.
        box = b"".join(
            b"From someone@example.com Thu Jan  1 00:00:00 2026\nX-Number: %d\n%b" % (number, _unixed(mail))
            for number, mail in enumerate(mails)
        )
        prefs = self._folder / "user_prefs"
        prefs.write_text("")
        _, said = _run([self._program, "-L", "-t", "--mbox", "-p", prefs], box)
        verdict = r"^X-Spam-Status: \w+, score=(-?[\d.]+)(?:.*\n)+?X-Number: (\d+)$"
        found = {int(number): float(score) for score, number in re.findall(verdict, said, re.MULTILINE)}
        return [found[number] for number in range(len(mails))]


def _unixed(mail: bytes) -> bytes:
    return re.sub(rb"(?m)^From ", b">From ", mail.replace(b"\r\n", b"\n")) + b"\n\n"


@pytest.fixture(scope="session")
def spamassassin(tmp_path_factory: pytest.TempPathFactory) -> SpamAssassin:
    """SpamAssassin, its rules as installed."""
    return SpamAssassin(_program("spamassassin"), tmp_path_factory.mktemp("spam"))


@pytest.fixture(scope="session")
def text_browser(tmp_path_factory: pytest.TempPathFactory) -> TextBrowser:
    """w3m: no pictures, no styles, no colour."""
    return TextBrowser(_program("w3m"), tmp_path_factory.mktemp("w3m"))


class TextBrowser:
    """What is left of a page where there is nothing but words."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._folder = program, folder

    def words(self, page: str) -> str:
        """The page as w3m prints it on a wide sheet, white space folded."""
        file = self._folder / "page.html"
        file.write_text(page, "utf-8")
        command = [self._program, "-dump", "-cols", "500", "-I", "UTF-8", "-O", "UTF-8", file]
        code, said = _run(command)
        assert code == 0
        return " ".join(said.split())


@pytest.fixture(scope="session")
def pdf_reader() -> PdfReader:
    """Poppler's pdftotext and pdfinfo."""
    return PdfReader(_program("pdftotext"), _program("pdfinfo"))


class PdfReader:
    """Reads a PDF as another program does."""

    def __init__(self, text: str, info: str) -> None:
        self._text, self._info = text, info

    def words(self, data: bytes) -> str:
        """The words of a PDF, white space folded."""
        code, said = _run([self._text, "-raw", "-", "-"], data)
        assert code == 0
        return " ".join(said.split())

    def metadata(self, data: bytes) -> str:
        """The XMP packet: what a PDF says of itself, the standards it keeps among it."""
        code, said = _run([self._info, "-meta", "-"], data)
        assert code == 0
        return said

    def facts(self, data: bytes) -> dict[str, str]:
        """What pdfinfo says: ``Tagged``, ``Title`` and the like."""
        code, said = _run([self._info, "-"], data)
        assert code == 0
        lines = (line.partition(":") for line in said.splitlines())
        return {name: value.strip() for name, _, value in lines}
