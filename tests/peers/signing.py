# SPDX-License-Identifier: Apache-2.0
"""Real keys of ssh and gpg, in folders of their own. Without the programs the tests are skipped, or fail
where POLICYCTL_REQUIRE=all says that every peer must be there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.repos import Repo


def _program(name: str) -> None:
    if shutil.which(name) is None:
        if os.environ.get("POLICYCTL_REQUIRE") == "all":
            pytest.fail(f"{name} is required and not installed")
        pytest.skip(f"{name} is not installed")


@dataclass(frozen=True)
class SshKeys:
    """Two keys, Legal's and a stranger's, and a list that allows Legal's."""

    folder: Path

    @property
    def signers(self) -> Path:
        return self.folder / "allowed_signers"

    def public(self, name: str) -> str:
        return (self.folder / f"{name}.pub").read_text().strip()

    def allow(self, name: str, options: str = "") -> Path:
        """Have the list allow one key, and no other."""
        self.signers.write_text(f"legal@example.com {options} {self.public(name)}\n")
        return self.signers

    def use(self, repo: Repo, name: str) -> None:
        """Have the repository sign with a key."""
        for key, value in {"gpg.format": "ssh", "user.signingKey": str(self.folder / f"{name}.pub")}.items():
            repo.git("config", key, value)


@pytest.fixture(scope="session")
def ssh_keys_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    _program("ssh-keygen")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("legal", "stranger"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True)
    return folder


@pytest.fixture
def ssh_keys(ssh_keys_made: Path, tmp_path: Path) -> SshKeys:
    """Copies, so that a test may do anything to them."""
    folder = tmp_path / "keys"
    shutil.copytree(ssh_keys_made, folder)
    keys = SshKeys(folder)
    keys.allow("legal")
    return keys


@dataclass(frozen=True)
class GpgHome:
    """A folder of gpg's with one key, of Legal."""

    folder: Path

    def run(self, *words: str, stdin: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.folder), "--batch", "--quiet", *words]
        return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def _home() -> Path:
    # Not below the test's own folder: the socket of gpg's agent takes only a short path.
    folder = Path(tempfile.mkdtemp(prefix="gpg", dir="/tmp"))
    folder.chmod(0o700)
    return folder


@pytest.fixture
def gpg_homes() -> Iterator[tuple[GpgHome, GpgHome]]:
    """That of Legal, who has the key, and that of somebody else, who has none."""
    _program("gpg")
    homes = GpgHome(_home()), GpgHome(_home())
    try:
        homes[0].run(
            "--passphrase", "", "--quick-gen-key", "Legal <legal@example.com>", "ed25519", "sign", "never"
        )
        yield homes
    finally:
        for home in homes:
            subprocess.run(["gpgconf", "--homedir", str(home.folder), "--kill", "all"], check=False)
            shutil.rmtree(home.folder, ignore_errors=True)
