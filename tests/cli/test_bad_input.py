# SPDX-License-Identifier: Apache-2.0
"""What is no text to compare is refused by name, wherever it lies: as a file, in git, as a policy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.run import inside
from tests.repos import Repo, make_repo

TEXT = "# A\n\nWe keep logs for 30 days.\n"
FRONT = "---\ntitle: Large\neffective: 2027-01-15\n---\n"
BYTES = {
    "nul": (b"# A\n\nx\0y\n", ("3: a NUL byte at offset 6",)),
    "invalid": (b"# A\n\n\xff bad\n", ("3: not UTF-8: byte 0xff at offset 5",)),
    "cut": (b"# A\n\ncaf\xc3", ("3: not UTF-8: byte 0xc3 at offset 8",)),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ("a binary file", "byte 0x89 at offset 0")),
    "large": (b"# A\n\n" + b"word " * 1_000_000, ("5,000,000",)),
}
CANNOT_COMPARE = 3


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = make_repo(tmp_path)
    made.commit("Good", {"good.md": TEXT})
    return made


@pytest.mark.parametrize("where", ["file", "revision", "policy"])
@pytest.mark.parametrize("name", list(BYTES))
def test_bytes_that_are_no_text_are_refused_with_their_offset(repo: Repo, name: str, where: str) -> None:
    data, said = BYTES[name]
    path = "policies/bad/policy.md" if where == "policy" else "bad.md"
    repo.commit("Bad", {path: data})
    spec = {"file": "bad.md", "revision": "HEAD:bad.md", "policy": "bad"}[where]
    run = inside("diff", "good.md", spec, cwd=repo.root)
    assert (run.returncode, run.stdout) == (CANNOT_COMPARE, "")
    assert "bad" in run.stderr.splitlines()[0]
    assert all(words in run.stderr for words in said)
    assert "hint: " in run.stderr


@pytest.mark.parametrize("spec", ["large.md", "HEAD:large.md", "large"])
def test_the_limit_is_a_setting(repo: Repo, spec: str) -> None:
    repo.commit("Large", {"large.md": TEXT * 20, "policies/large/policy.md": FRONT + TEXT * 20})
    repo.write("policyctl.toml", "[limits]\nmax_bytes = 1000\n")
    assert inside("diff", "good.md", "good.md", cwd=repo.root).returncode == 0
    for size, code in ((100, CANNOT_COMPARE), (5000, 0)):
        repo.write("policyctl.toml", f"[limits]\nmax_bytes = {size}\n")
        run = inside("diff", "good.md", spec, cwd=repo.root)
        assert run.returncode == code, run.stderr
        assert ("max_bytes" in run.stderr) == bool(code)


def place(repo: Repo, kind: str) -> None:
    if kind == "a folder":
        repo.commit("Folder", {"odd/file.md": TEXT})
    elif kind == "a symbolic link":
        (repo.root / "odd").symlink_to("nowhere.md")
        repo.commit("Link")
    elif kind == "a submodule":
        row = f"160000 {repo.git('rev-parse', 'HEAD')}\todd"
        repo.git("update-index", "--add", "--index-info", stdin=f"{row}\n")
        repo.git("commit", "--quiet", "--message", "Submodule")
        (repo.root / "odd").mkdir()


@pytest.mark.parametrize("kind", ["a folder", "a symbolic link", "a submodule"])
@pytest.mark.parametrize("spec", ["./odd", "HEAD:odd"])
def test_what_is_no_file_is_called_what_it_is(repo: Repo, kind: str, spec: str) -> None:
    place(repo, kind)
    run = inside("diff", "good.md", spec, cwd=repo.root)
    assert (run.returncode, run.stdout) == (CANNOT_COMPARE, "")
    seen = "a folder" if kind == "a submodule" and spec == "./odd" else kind
    assert f"is {seen}" in run.stderr


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("missing.md", "no file 'missing.md'"),
        ("HEAD:missing.md", "no 'missing.md'"),
        ("HEAD~9:good.md", "'HEAD~9' is not a revision"),
        ("v0:good.md", "'v0' is not a revision"),
        ("nothing", "no policy nothing"),
        ("nothing@v1", "no nothing@v1"),
    ],
)
def test_what_is_not_there_is_never_an_empty_text(repo: Repo, spec: str, said: str) -> None:
    for pair in (("good.md", spec), (spec, "good.md")):
        run = inside("diff", *pair, cwd=repo.root)
        assert (run.returncode, run.stdout) == (CANNOT_COMPARE, "")
        assert said in run.stderr


def test_a_policy_that_is_a_link_is_not_followed(repo: Repo, tmp_path: Path) -> None:
    (repo.root / "policies/linked").mkdir(parents=True)
    (repo.root / "policies/linked/policy.md").symlink_to(tmp_path / "good.md")
    run = inside("diff", "good.md", "linked", cwd=repo.root)
    assert (run.returncode, run.stdout) == (CANNOT_COMPARE, "")
    assert "is a symbolic link" in run.stderr
