# SPDX-License-Identifier: Apache-2.0
"""A policy's words command neither a terminal nor a CI runner, and no program of its repository runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from policyctl.core.text.parse import parse
from tests.actions.instance import DAYS, PRACTICES_1, SLUG, TEXT_1, make_instance, policy, publish
from tests.cli.run import CLEAN, GIT, inside, policyctl
from tests.repos import Repo

COMMANDS = (
    "::error::pwned",
    "::stop-commands::x",
    "::add-mask::e",
    "##[error]pwned",
    "::set-output name=a::b",
)
ANSI = "\x1b[2K\x1b[1Apwned\x1b]8;;https://evil.example\x07"
HOSTILE = (
    TEXT_1.replace("## How we keep it", "## ::error::pwned heading")
    .replace("We collect", f"{ANSI} We collect")
    .replace("We keep", "\n\n".join([*COMMANDS, " ::group::x", "word " * 40 + "::error::wrap", "We keep"]))
    .replace("title: Example Privacy Policy", "title: '::error::pwned title'")
    .replace("2027-01-01", "2027-06-01")
    + "\n" + "a" * 78 + "::error::broken in a long word\n\n%0A::error::encoded %25 %0D\n"
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Repo:
    """A published policy, and then hostile words; not to be touched."""
    found = make_instance(tmp_path_factory.mktemp("made") / "repo")
    publish(found.root, DAYS[1])
    found.commit("Hostile", policy(HOSTILE, PRACTICES_1))
    return found


@pytest.fixture
def repo(made: Repo, tmp_path: Path) -> Repo:
    """The same, to be touched."""
    return Repo(shutil.copytree(made.root, tmp_path / "repo", symlinks=True))


def obeyed(output: str) -> list[str]:
    """The lines a runner would take for a command: GitHub's reads ``::`` behind white space too, and the
    older ``##[`` anywhere.
    """
    return [line for line in output.splitlines() if line.lstrip().startswith("::") or "##[" in line]


LOOKS = [
    ("diff", f"{SLUG}@v1", SLUG),
    ("diff", f"{SLUG}@v1", SLUG, "--format", "unified"),
    ("diff", f"{SLUG}@v1", SLUG, "--format", "markdown"),
    ("diff", f"{SLUG}@v1", SLUG, "--format", "json"),
    ("diff", f"{SLUG}@v1", SLUG, "--format", "html"),
    ("diff", SLUG, f"{SLUG}@v1", "--format", "unified"),
    ("check",),
    ("check", "--format", "json"),
    ("check", "--against", "HEAD~1"),
    ("clauses", SLUG),
    ("clauses", SLUG, "--format", "json"),
    ("log", SLUG),
    ("blame", SLUG),
    ("status",),
    ("publish", SLUG, "--plan"),
]


@pytest.mark.parametrize("look", LOOKS, ids=" ".join)
@pytest.mark.parametrize("columns", ["80", "41"])
def test_no_output_commands_a_terminal_or_a_runner(
    made: Repo, look: tuple[str, ...], columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run = inside(*look, cwd=made.root)
    output = run.stdout + run.stderr
    assert run.returncode in {0, 1}, output
    assert obeyed(output) == []
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output)
    if look[0] in {"diff", "check", "clauses"}:
        assert "pwned" in output, "it is shown, written out"


@pytest.mark.parametrize(
    "front",
    [
        '---\ntitle: a\n"::error::pwned": b\n---\n\nWords.\n',
        '---\ntitle: a\neffective: "::error::pwned"\n---\n\nWords.\n',
        '---\ntitle: a\n"x\\n::error::pwned": b\n---\n\nWords.\n',
        '---\ntitle: a\n"x\\e[2K##[error]pwned": b\n---\n\nWords.\n',
    ],
)
def test_no_complaint_commands_one_either(repo: Repo, front: str) -> None:
    repo.write(f"policies/{SLUG}/policy.md", front)
    for look in (("check",), ("clauses", SLUG), ("diff", f"{SLUG}@v1", SLUG)):
        run = inside(*look, cwd=repo.root)
        assert run.returncode not in {0, 70}
        assert "pwned" in run.stdout + run.stderr or "effective" in run.stdout + run.stderr
        assert obeyed(run.stdout + run.stderr) == []
        assert "\x1b" not in run.stdout + run.stderr


@pytest.mark.parametrize("name", ["::error::pwned", "\n::error::pwned", "\x1b[2K##[error]pwned"])
def test_what_a_user_names_commands_nothing(repo: Repo, name: str) -> None:
    for look in (("check", "--against", name), ("check", name), ("diff", name, name), ("explain", name)):
        run = inside(*look, cwd=repo.root)
        assert run.returncode not in {0, 1, 70}
        assert obeyed(run.stdout + run.stderr) == []
        assert "\x1b" not in run.stdout + run.stderr


PLANTED = (
    "git.py", "policyctl/__init__.py", "policyctl/cli/app.py", "sitecustomize.py", "usercustomize.py",
    "typer.py",
    "deepdiff.py", "markdown_it/__init__.py", "ruamel/yaml/__init__.py", "rapidfuzz.py", "rich/__init__.py",
    "html.py", "conftest.py", "sqlalchemy/__init__.py", "jinja2.py", "policyctl_plugin.py",
)  # fmt: skip


def test_nothing_of_the_checked_repository_is_imported_or_read_as_settings(
    repo: Repo, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    for place in PLANTED:
        repo.write(place, f"open({str(marker)!r}, 'a').write({place!r} + chr(10))\n")
    repo.write(".env", "POLICYCTL_FAULT=publish.checked\nPYTHONPATH=.\nGIT_DIR=/nowhere\n")
    repo.write(
        "pyproject.toml",
        '[tool.policyctl]\nregimes = ["ftc"]\n\n'
        '[project.entry-points."policyctl.rules"]\nx = "policyctl_plugin"\n',
    )
    repo.write("setup.cfg", "[policyctl]\nx = 1\n")
    repo.write("git", f"#!/bin/sh\necho git >> {marker}\n").chmod(0o755)
    script = Path(sys.executable).parent / "policyctl"
    for look in (
        ["check"],
        ["check", "--against", "HEAD~1"],
        ["diff", f"{SLUG}@v1", SLUG],
        ["explain", "PC121"],
    ):
        run = subprocess.run(
            [str(script), *look],
            cwd=repo.root,
            env={**CLEAN, **GIT},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode in {0, 1}, run.stderr
    assert not marker.exists(), marker.read_text()


HOSTILE_NAMES = [
    "--output=x", "-uX", "--upload-pack=touch x", "@{-1}", "HEAD^{/a}", "main:../x", "x" * 10_000, "",
    "HEAD\0",
    "ext::sh -c touch% x", "HEAD..main", "^HEAD", ":/fix", "refs/../x", "HEAD@{u}",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_a_hostile_revision_is_refused_and_makes_no_file(repo: Repo, name: str) -> None:
    before = sorted(path.name for path in repo.root.iterdir())
    run = inside("check", f"--against={name}", cwd=repo.root)
    assert run.returncode in {2, 3}, (run.returncode, run.stdout, run.stderr)
    assert "Traceback" not in run.stderr
    assert sorted(path.name for path in repo.root.iterdir()) == before


@pytest.mark.parametrize(
    "slug",
    [
        "../../etc",
        "%2e%2e",
        "CON",
        "a" * 300,
        "example.",
        "EXAMPLE",
        "exa\u200bmple",
        "a/b",
        ".git",
        "\u0435xample",
    ],
)
def test_a_hostile_policy_name_is_refused(repo: Repo, slug: str) -> None:
    run = inside("check", slug, cwd=repo.root)
    assert run.returncode in {2, 3}
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "place", [f"policies/{SLUG}/policy.md", f"policies/{SLUG}/practices.yaml", f"policies/{SLUG}", "policies"]
)
def test_a_link_on_any_part_of_the_way_is_refused_and_not_shown(
    repo: Repo, tmp_path: Path, place: str
) -> None:
    secret = tmp_path / "secret"
    target = repo.root / place
    target.rename(tmp_path / "moved")
    if target.suffix:
        secret.write_text("CANARY: x\n")
    else:
        (tmp_path / "moved").rename(secret)
        for file in secret.rglob("policy.md"):
            file.write_text(file.read_text("utf-8") + "CANARY\n")
    target.symlink_to(secret)
    run = inside("check", SLUG, cwd=repo.root)
    assert run.returncode in {2, 3, 4}, run.stdout
    assert "CANARY" not in run.stdout + run.stderr


def test_settings_that_are_a_link_are_refused_and_not_shown(repo: Repo, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("CANARY\n")
    (repo.root / "policyctl.toml").unlink()
    (repo.root / "policyctl.toml").symlink_to(secret)
    run = inside("check", cwd=repo.root)
    assert run.returncode == 4
    assert "CANARY" not in run.stdout + run.stderr


@pytest.mark.parametrize("mode", ["120000", "160000"])
@pytest.mark.parametrize("name", ["policy.md", "practices.yaml"])
def test_a_link_or_another_repository_in_the_base_is_never_no_change(
    repo: Repo, mode: str, name: str
) -> None:
    head = repo.git("rev-parse", "HEAD")
    oid = repo.git("hash-object", "-w", "--stdin", stdin="/etc/passwd") if mode == "120000" else head
    repo.git("update-index", "--add", "--cacheinfo", f"{mode},{oid},policies/{SLUG}/{name}")
    repo.git("commit", "--quiet", "-m", "Not a file")
    run = inside("check", SLUG, "--against", "HEAD", cwd=repo.root)
    assert run.returncode == 3, run.stdout
    assert "root:" not in run.stdout + run.stderr


@pytest.mark.parametrize("hidden", ["sell\u202e it", "se&#x200b;ll", "<b hidden>x</b>", "[x](javascript:y)"])
def test_publishing_refuses_what_would_read_other_than_it_displays(repo: Repo, hidden: str) -> None:
    repo.commit("Deceptive", policy(TEXT_1.replace("run your", hidden), PRACTICES_1))
    run = inside("publish", SLUG, "--yes", cwd=repo.root)
    assert run.returncode == 1, run.stdout + run.stderr
    assert re.search("PC2[45]1", run.stdout + run.stderr)
    assert repo.git("tag") == f"policy/{SLUG}/v1"
    assert "\u202e" not in run.stdout + run.stderr


BIG = {
    "alias bomb": "---\na: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n---\n\nWords.\n",
    "deep list": f"---\ntitle: {'[' * 3000}\n---\n\nWords.\n",
    "huge front matter": f"---\ntitle: a\nsummary: {'x' * 1_000_000}\n---\n\nWords.\n",
    "a key twice": "---\ntitle: a\ntitle: b\n---\n\nWords.\n",
    "a tag": "---\ntitle: !!python/object/apply:os.system [touch x]\n---\n\nWords.\n",
    "never closed": "---\ntitle: a\n\nWords.\n",
}


@pytest.mark.parametrize("case", BIG)
def test_front_matter_that_means_harm_is_refused_with_its_line(repo: Repo, case: str) -> None:
    repo.write(f"policies/{SLUG}/policy.md", BIG[case])
    run = inside("check", SLUG, cwd=repo.root)
    assert run.returncode == 3
    assert re.search(rf"policies/{SLUG}/policy\.md:\d+", run.stdout + run.stderr)
    assert not (repo.root / "x").exists()


@pytest.mark.parametrize("data", [b"\xff\xfe#", b"a\x00b", "\ud800".encode("utf-8", "surrogatepass")])
def test_bytes_that_are_no_text_are_refused_with_their_offset(repo: Repo, data: bytes) -> None:
    repo.write(f"policies/{SLUG}/policy.md", TEXT_1.encode() + data)
    run = inside("check", SLUG, cwd=repo.root)
    assert run.returncode == 3
    assert f"at offset {len(TEXT_1.encode()) + (data == b'a' + bytes(1) + b'b')}" in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("CRLF", lambda text: text.replace("\n", "\r\n")),
        ("byte-order mark", lambda text: "\ufeff" + text),
        ("final newline", lambda text: text.rstrip("\n")),
        ("decomposed letters", lambda text: text.replace("caf\u00e9", "cafe\u0301")),
    ],
)
def test_a_change_of_bytes_that_no_reader_sees_is_format_only(
    tmp_path: Path, name: str, changed: Callable[[str], str]
) -> None:
    plain = TEXT_1.split("---\n\n", 1)[1].replace("account.", "account in the caf\u00e9.")
    (tmp_path / "old.md").write_bytes(plain.encode())
    (tmp_path / "new.md").write_bytes(changed(plain).encode())
    assert (tmp_path / "old.md").read_bytes() != (tmp_path / "new.md").read_bytes()
    run = policyctl("diff", "old.md", "new.md", "--format", "text", cwd=tmp_path)
    assert run.returncode == 0
    assert "not material" in run.stdout, name
    assert "0 words inserted, 0 words deleted" in run.stdout
    assert len(parse(plain).clauses) == len(parse(changed(plain)).clauses)
