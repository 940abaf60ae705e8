# SPDX-License-Identifier: Apache-2.0
"""A folder becomes a policy repository, a text becomes a policy."""

from datetime import date
from pathlib import Path

import pytest

from policyctl.actions.init import init
from policyctl.actions.versions.new import new
from policyctl.adapters.catalogue import load_catalogue
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.formats.practices_file import read_practices
from policyctl.core.formats.slugs import check_slug
from policyctl.errors import CannotCompareError, InputError, RefusedError, UsageError
from policyctl.settings import Mail, Settings, load_settings


def files(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in folder.rglob("*") if p.is_file()}


def test_init_writes_settings_key_and_ignore_line(tmp_path: Path) -> None:
    done = init(tmp_path)
    assert set(done.written) == {"policyctl.toml", "policies", ".policyctl/pseudonym.key", ".gitignore"}
    assert set(files(tmp_path)) == set(done.written) - {"policies"}
    assert (tmp_path / "policies").is_dir()
    key = tmp_path / ".policyctl" / "pseudonym.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(bytes.fromhex(key.read_text("utf-8"))) == 32
    assert files(tmp_path)[".gitignore"] == ".policyctl/\n"
    settings = load_settings(tmp_path)
    assert settings == Settings(tmp_path, mail=Mail(from_address="privacy@example.com"))


def test_two_repositories_have_two_keys(tmp_path: Path) -> None:
    keys = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        init(tmp_path / name)
        keys.append((tmp_path / name / ".policyctl" / "pseudonym.key").read_text("utf-8"))
    assert keys[0] != keys[1]


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / ".policyctl").mkdir()
    (tmp_path / ".policyctl" / "pseudonym.key").write_text("ab" * 32, "utf-8")
    (tmp_path / ".gitignore").write_text("*.log\n", "utf-8")
    (tmp_path / "policies" / "fax").mkdir(parents=True)
    done = init(tmp_path)
    assert done.kept == (".policyctl/pseudonym.key", "policies")
    assert files(tmp_path)[".policyctl/pseudonym.key"] == "ab" * 32
    assert files(tmp_path)[".gitignore"] == "*.log\n.policyctl/\n"
    before = files(tmp_path)
    with pytest.raises(RefusedError):
        init(tmp_path)
    assert files(tmp_path) == before


def test_a_dry_run_names_the_files_and_writes_none(tmp_path: Path) -> None:
    assert "policyctl.toml" in init(tmp_path, dry_run=True).written
    assert new("fax", root=tmp_path, dry_run=True).written == (
        "policies/fax/policy.md",
        "policies/fax/practices.yaml",
    )
    assert list(tmp_path.iterdir()) == []


def test_init_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(CannotCompareError):
        init(tmp_path / "nowhere")


def test_a_policy_to_fill_in_can_be_read_and_its_practices_too(tmp_path: Path) -> None:
    made = new("online-fax", root=tmp_path)
    written = files(tmp_path)
    policy = read_policy(written["policies/online-fax/policy.md"], file="policy.md")
    assert (policy.title, policy.effective) == ("Online Fax Privacy Policy", None)
    assert [clause.id for clause in made.clauses] == [clause.id for clause in policy.document.clauses]
    taxonomy = load_catalogue().taxonomy
    assert read_practices(written["policies/online-fax/practices.yaml"], file="p", taxonomy=taxonomy) == ()
    example = "\n".join(
        line.removeprefix("#").removeprefix(" ")
        for line in written["policies/online-fax/practices.yaml"].splitlines()[2:-1]
    )
    assert [practice.id for practice in read_practices(example, file="p", taxonomy=taxonomy)] == [
        "service-mail"
    ]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("old.md", "# Old Policy\n\nEffective 2 May 2026.\n\n## Cookies\n\nNone.\n", "Markdown"),
        ("old.html", "<h1>Old Policy</h1><p>Effective 2 May 2026.</p><h2>Cookies</h2><p>None.</p>", "HTML"),
        (
            "old.txt",
            "Old Policy\n\nThis is effective 2 May 2026, for all who are here.\n\nCookies\n\nNone.\n",
            "plain text",
        ),
    ],
)
def test_a_policy_is_made_of_what_is_there(tmp_path: Path, name: str, text: str, kind: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    made = new("old", root=tmp_path, source=tmp_path / name)
    assert (made.kind, made.title, made.effective) == (kind, "Old Policy", date(2026, 5, 2))
    assert [c.heading for c in made.clauses][-1] == "Cookies"
    policy = read_policy(files(tmp_path)["policies/old/policy.md"], file="policy.md")
    assert (policy.title, policy.effective) == ("Old Policy", date(2026, 5, 2))


def test_a_policy_that_is_there_is_not_touched(tmp_path: Path) -> None:
    new("fax", root=tmp_path)
    before = files(tmp_path)
    with pytest.raises(RefusedError, match="there already"):
        new("fax", root=tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf \n", b"caf\xe9"])
def test_a_source_that_holds_no_text_is_refused_and_nothing_is_written(
    tmp_path: Path, content: bytes
) -> None:
    source = tmp_path / "source.txt"
    source.write_bytes(content)
    with pytest.raises(InputError):
        new("fax", root=tmp_path, source=source)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    "slug", ["", "../x", "a/b", "-rf", "--help", "A", "a b", "a.b", "a\n", "é", "a" * 64, "."]
)
def test_a_hostile_slug_is_a_bad_argument(tmp_path: Path, slug: str) -> None:
    with pytest.raises(UsageError) as caught:
        new(slug, root=tmp_path)
    assert caught.value.exit_code == 2
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("slug", ["a", "0", "example-fax", "a" * 63])
def test_a_plain_slug_is_taken(slug: str) -> None:
    assert check_slug(slug) == slug
