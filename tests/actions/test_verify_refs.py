# SPDX-License-Identifier: Apache-2.0
"""Version refs of a real repository, signed by real keys, and what is done to them by force."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from policyctl import wiring
from policyctl.actions.evidence.verify import Verified, verify
from policyctl.core.notices.notice_json import notice_from_json
from policyctl.core.proof.flaws import FlawKind
from policyctl.core.proof.heads import read_head
from policyctl.errors import CannotCompareError, IntegrityError, RefusedError, UsageError
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy, publish
from tests.peers.signing import GpgHome, SshKeys
from tests.repos import ALONE, Repo

V1, V2 = f"policy/{SLUG}/v1", f"policy/{SLUG}/v2"


THIRD_DAY = datetime(2027, 6, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, ssh_keys_made: Path) -> Path:
    """Two versions, both signed by Legal."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        repo = make_instance(tmp_path_factory.mktemp("verify") / "repo")
        SshKeys(ssh_keys_made).use(repo, "legal")
        publish(repo.root, DAYS[1])
        repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
        publish(repo.root, DAYS[2])
    return repo.root


@pytest.fixture
def repo(made: Path, tmp_path: Path, ssh_keys: SshKeys) -> Repo:
    """A copy, which a test may do anything to."""
    copied = Repo(Path(shutil.copytree(made, tmp_path / "repo")))
    ssh_keys.use(copied, "legal")
    return copied


def verified(
    repo: Repo, signers: Path | None = None, *, ledger: bool = True, number: int | None = None, **more: Any
) -> Verified:
    with Opened(repo.root) as opened:
        checker = wiring.open_checker(opened.history, signers, {})
        records = wiring.open_records(opened.settings) if ledger else ()
        return verify(
            SLUG if number else None, number, history=opened.history, checker=checker, records=records, **more
        )


def kinds(done: Verified) -> list[FlawKind]:
    return [flaw.kind for flaw in done.flaws if flaw.counts]


def retag(repo: Repo, name: str, raw: str) -> str:
    """Hang a tag object of these bytes under a name, whatever was there."""
    oid = repo.git("hash-object", "-t", "tag", "-w", "--literally", "--stdin", stdin=raw)
    repo.git("update-ref", f"refs/tags/{name}", oid)
    return oid


def raw(repo: Repo, name: str) -> str:
    return repo.git("cat-file", "tag", name) + "\n"


def sign_again(repo: Repo, name: str, commit: str = "") -> None:
    """The same message, signed by whoever git is set up with now."""
    message = raw(repo, name).partition("\n\n")[2].split("-----BEGIN")[0]
    target = commit or f"{name}^{{}}"
    repo.git("tag", "--force", "--sign", "--cleanup=verbatim", "--file=-", name, target, stdin=message)


def test_what_was_published_and_signed_holds(repo: Repo, ssh_keys: SshKeys) -> None:
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == []
    assert done.exit_code == 0
    assert [each.ref.signature.signer for each in done.refs] == ["legal@example.com"] * 2
    # Nobody but the signer vouches for the day.
    assert [flaw.kind for flaw in done.flaws] == [FlawKind.TIME_UNPROVEN]
    (looked,) = done.ledgers
    assert looked.head.entry == 2
    assert [anchor.head.entry for anchor in done.anchors] == [0, 1]


def test_the_message_names_the_version_before_and_the_head_of_the_ledger(repo: Repo) -> None:
    with Opened(repo.root) as opened:
        first, second = opened.history.published(SLUG)
        roots = opened.ledger.heads()
    assert second.note.previous == first.tag
    assert first.note.previous == ""
    assert first.note.ledger_head == "0:" + "0" * 64
    assert second.note.ledger_head.startswith("1:")
    assert second.note.ledger_head != str(roots[0])


def test_the_notice_of_a_revision_holds_the_head_that_the_version_ref_holds(
    repo: Repo, ssh_keys: SshKeys
) -> None:
    with Opened(repo.root) as opened, opened.ledger._engine.connect() as connection:
        second = opened.history.published(SLUG)[1]
        (body,) = connection.exec_driver_sql("SELECT body FROM notice WHERE kind = 'revision'").scalars()
    head = notice_from_json(body).ledger_head
    assert head == second.note.ledger_head
    assert kinds(verified(repo, ssh_keys.signers, anchors=[read_head(head)])) == []
    other = replace(read_head(head), root=bytes(32))
    assert kinds(verified(repo, ssh_keys.signers, anchors=[other])) == [FlawKind.ALTERED]


def test_a_tag_that_git_calls_good_is_refused_under_another_name(repo: Repo, ssh_keys: SshKeys) -> None:
    repo.git("update-ref", f"refs/tags/policy/{SLUG}/v3", repo.git("rev-parse", V2))
    trusting = f"gpg.ssh.allowedSignersFile={ssh_keys.signers}"
    repo.git("-c", trusting, "verify-tag", f"policy/{SLUG}/v3")  # exit code 0: git sees nothing wrong
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.OTHER_NAME, FlawKind.UNRECORDED]
    assert done.first is not None
    assert "a good signature, but the tag object in it is 'policy/example/v2'" in done.first.message
    assert done.exit_code == 5


def test_a_tag_signed_by_a_stranger_is_told_with_its_key(repo: Repo, ssh_keys: SshKeys) -> None:
    ssh_keys.use(repo, "stranger")
    sign_again(repo, V2)
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.STRANGER]
    assert done.first is not None
    assert "SHA256:" in done.first.message
    assert "not an allowed signer" in done.first.message


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ('namespaces="file"', "for other uses only"),
        ('valid-before="20200101"', "had expired by the day of the tag"),
        ('valid-after="20990101"', "was not valid yet on the day of the tag"),
    ],
)
def test_a_key_that_is_listed_for_something_else_is_a_strangers(
    repo: Repo, ssh_keys: SshKeys, options: str, why: str
) -> None:
    done = verified(repo, ssh_keys.allow("legal", options))
    assert set(kinds(done)) == {FlawKind.STRANGER}
    assert done.first is not None
    assert why in done.first.message


def test_words_that_were_changed_under_a_signature_are_told(repo: Repo, ssh_keys: SshKeys) -> None:
    retag(repo, V2, raw(repo, V2).replace("Decided-By: legal@example.com", "Decided-By: nobody@example.com"))
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.BAD_SIGNATURE]
    assert done.exit_code == 5


def test_a_signature_that_was_cut_off_leaves_an_unsigned_ref(repo: Repo, ssh_keys: SshKeys) -> None:
    retag(repo, V2, raw(repo, V2).split("-----BEGIN")[0])
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.UNSIGNED]
    assert done.exit_code == 1
    assert verified(repo, ssh_keys.signers, allow_unsigned=True).exit_code == 0


def test_a_bare_ref_to_a_commit_is_nobodys(repo: Repo, ssh_keys: SshKeys) -> None:
    repo.git("update-ref", f"refs/tags/{V2}", repo.git("rev-parse", f"{V2}^{{commit}}"))
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.UNSIGNED]
    assert "leads to a commit" in done.flaws[0].message


def test_a_ref_that_legal_moved_by_force_is_told_with_both_ids(repo: Repo, ssh_keys: SshKeys) -> None:
    was = repo.git("rev-parse", f"{V1}^{{commit}}")
    other = repo.commit("Another", {"notes.txt": "x"})
    sign_again(repo, V1, other)
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.MOVED, FlawKind.ALTERED, FlawKind.ALTERED]  # its two files are others
    assert done.first is not None
    assert was[:12] in done.first.message
    assert other[:12] in done.first.message
    # Without the ledger the next version still names the tag object that was there.
    alone = verified(repo, ssh_keys.signers, ledger=False)
    assert FlawKind.MOVED in kinds(alone)


def test_five_states_have_five_messages(repo: Repo, ssh_keys: SshKeys) -> None:
    words = set()
    for change in ("unsigned", "bad", "stranger", "name", "moved"):
        copy = Repo(Path(shutil.copytree(repo.root, repo.root.parent / change)))
        if change == "unsigned":
            retag(copy, V2, raw(copy, V2).split("-----BEGIN")[0])
        elif change == "bad":
            retag(copy, V2, raw(copy, V2).replace("Class: choice", "Class: notice"))
        elif change == "stranger":
            ssh_keys.allow("stranger")
        elif change == "name":
            copy.git("update-ref", f"refs/tags/{V2}", copy.git("rev-parse", V1))
        else:
            copy.git("tag", "--force", "--sign", "--message", "x", V2, "HEAD~1")
        done = verified(copy, ssh_keys.signers)
        ssh_keys.allow("legal")
        assert done.first is not None
        assert done.exit_code in {1, 5}
        words.add((done.first.kind, done.first.message.split(": ", 1)[1][:20]))
    assert len(words) == 5
    assert len({kind for kind, _ in words}) == 5


def test_the_policys_bytes_are_those_of_the_hash(repo: Repo, ssh_keys: SshKeys) -> None:
    """The history is written anew, refs and all, by somebody with Legal's key and without the ledger."""
    text = TEXT_2.replace("one mail a month", "one mail a day")
    repo.git("checkout", "--quiet", "--detach", f"{V2}^{{commit}}")
    other = repo.commit("Quietly", policy(text))
    sign_again(repo, V2, other)
    done = verified(repo, ssh_keys.signers, ledger=False)
    assert kinds(done) == [FlawKind.ALTERED]
    assert "policy.md is not the one that was published" in done.flaws[0].message


def test_an_object_that_is_gone_or_damaged_is_missing(repo: Repo, ssh_keys: SshKeys) -> None:
    oid = repo.git("rev-parse", f"{V1}:policies/{SLUG}/policy.md")
    (repo.root / ".git/objects" / oid[:2] / oid[2:]).unlink()
    done = verified(repo, ssh_keys.signers)
    assert FlawKind.MISSING in kinds(done)
    assert done.exit_code == 5


def test_a_version_ref_that_was_deleted_is_missing(repo: Repo, ssh_keys: SshKeys) -> None:
    repo.git("update-ref", "-d", f"refs/tags/{V2}")
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == [FlawKind.MISSING]
    assert "the ledger holds the version" in done.flaws[0].message
    repo.git("update-ref", "-d", f"refs/tags/{V1}")
    assert kinds(verified(repo, ssh_keys.signers)) == [FlawKind.MISSING] * 2


# --- whom to believe


def test_the_repository_does_not_say_whom_to_believe(repo: Repo, ssh_keys: SshKeys, tmp_path: Path) -> None:
    ssh_keys.use(repo, "stranger")
    sign_again(repo, V2)
    forged, ran = tmp_path / "forged", tmp_path / "ran"
    forged.write_text(f"legal@example.com {ssh_keys.public('stranger')}\n")
    program = tmp_path / "yes.sh"
    lie = 'Good "git" signature for legal@example.com with X key SHA256:x'
    program.write_text(f"#!/bin/sh\ntouch {ran}\necho '{lie}'\n")
    program.chmod(0o755)
    for key, value in {
        "gpg.ssh.allowedSignersFile": forged, "gpg.ssh.program": program, "gpg.program": program,
    }.items():  # fmt: skip
        repo.git("config", key, str(value))
    assert kinds(verified(repo, ssh_keys.signers)) == [FlawKind.STRANGER]
    assert set(kinds(verified(repo))) == {FlawKind.NO_LIST}
    assert not ran.exists()


def test_without_a_list_nothing_is_proven(repo: Repo) -> None:
    done = verified(repo)
    assert kinds(done) == [FlawKind.NO_LIST] * 2
    assert done.exit_code == 1
    assert verified(repo, allow_unsigned=True).exit_code == 1


def test_the_users_own_git_names_the_list(
    repo: Repo, ssh_keys: SshKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    command = ["git", "config", "--file", settings, "gpg.ssh.allowedSignersFile", ssh_keys.signers]
    subprocess.run(command, check=True)
    assert kinds(verified(repo)) == []


@pytest.mark.parametrize("place", ["allowed_signers", ".git/allowed_signers"])
def test_a_list_inside_what_is_checked_is_refused(repo: Repo, ssh_keys: SshKeys, place: str) -> None:
    shutil.copy(ssh_keys.signers, repo.root / place)
    with pytest.raises(UsageError, match="lies in the repository"):
        verified(repo, repo.root / place)
    link = repo.root.parent / "link"
    link.symlink_to(repo.root / place)
    with pytest.raises(UsageError, match="lies in the repository"):
        verified(repo, link)


def test_a_list_that_is_not_there_is_refused(repo: Repo, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        verified(repo, tmp_path / "none")


def test_gpg_counts_a_key_that_its_owner_trusts(
    repo: Repo, gpg_homes: tuple[GpgHome, GpgHome], monkeypatch: pytest.MonkeyPatch
) -> None:
    legal, other = gpg_homes
    monkeypatch.setenv("GNUPGHOME", str(legal.folder))
    repo.git("config", "gpg.format", "openpgp")
    repo.git("config", "user.signingKey", "legal@example.com")
    for name in (V1, V2):
        sign_again(repo, name)
    alone = {"ledger": False, "number": 2}
    assert kinds(verified(repo, **alone)) == []
    retag(repo, V2, raw(repo, V2).replace("Class: choice", "Class: notice"))
    assert kinds(verified(repo, **alone)) == [FlawKind.BAD_SIGNATURE]
    retag(repo, V2, raw(repo, V2).replace("Class: notice", "Class: choice"))
    monkeypatch.setenv("GNUPGHOME", str(other.folder))
    assert kinds(verified(repo, **alone)) == [FlawKind.STRANGER]
    other.run("--import", stdin=legal.run("--export", "legal@example.com"))
    # That it lies in the keyring says nothing: anybody may have sent it.
    untrusted = verified(repo, **alone)
    assert kinds(untrusted) == [FlawKind.STRANGER]
    assert "does not trust this key" in untrusted.flaws[0].message
    other.run("--import-ownertrust", stdin=legal.run("--export-ownertrust"))
    assert kinds(verified(repo, **alone)) == []


# --- publishing


def test_always_signs_or_publishes_nothing(tmp_path: Path, ssh_keys: SshKeys) -> None:
    repo = make_instance(tmp_path / "repo")
    repo.write(
        "policyctl.toml", (repo.root / "policyctl.toml").read_text() + '\n[publish]\nsign = "always"\n'
    )
    with Opened(repo.root) as opened:
        assert opened.settings.sign == "always"
        with pytest.raises(RefusedError, match="could not be signed"):
            opened.publish(DAYS[1])
    assert repo.git("tag", "--list") == ""
    ssh_keys.use(repo, "legal")
    repo.git("config", "tag.gpgSign", "false")
    publish(repo.root, DAYS[1])
    assert "BEGIN SSH SIGNATURE" in raw(repo, V1)


def test_never_does_not_sign(tmp_path: Path, ssh_keys: SshKeys) -> None:
    repo = make_instance(tmp_path / "repo")
    repo.write("policyctl.toml", (repo.root / "policyctl.toml").read_text() + '\n[publish]\nsign = "never"\n')
    ssh_keys.use(repo, "legal")
    publish(repo.root, DAYS[1])
    assert "BEGIN" not in raw(repo, V1)


def pushed_by_a_stranger(repo: Repo, keys: SshKeys) -> None:
    """A third version, whole and good, but for its signature."""
    text = TEXT_2.replace("one mail a month", "two mails a month").replace("2027-06-01", "2027-09-01")
    repo.commit("Third text", policy(text))
    keys.use(repo, "stranger")
    publish(repo.root, THIRD_DAY)
    ledger = repo.root / ".policyctl/ledger.db"
    for path in ledger.parent.glob("ledger.db*"):
        path.unlink()  # as in the clone of somebody else, who has not seen it yet


def test_nobody_is_told_of_a_version_that_a_stranger_signed(
    repo: Repo, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed_by_a_stranger(repo, ssh_keys)
    monkeypatch.setenv("POLICYCTL_ALLOWED_SIGNERS", str(ssh_keys.signers))
    with Opened(repo.root) as opened:
        with pytest.raises(IntegrityError, match=r"v3: it is signed by SHA256:.* not an allowed signer"):
            opened.sync(THIRD_DAY)
        with pytest.raises(CannotCompareError):  # there is no ledger yet: nothing at all was written
            opened.ledger.versions()


def test_who_is_no_allowed_signer_publishes_nothing(
    repo: Repo, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLICYCTL_ALLOWED_SIGNERS", str(ssh_keys.signers))
    text = TEXT_2.replace("one mail a month", "two mails a month").replace("2027-06-01", "2027-09-01")
    repo.commit("Third text", policy(text))
    ssh_keys.use(repo, "stranger")
    with pytest.raises(IntegrityError, match="not an allowed signer"):
        publish(repo.root, THIRD_DAY)
    assert repo.git("tag", "--list").split() == [V1, V2]
    ssh_keys.use(repo, "legal")
    publish(repo.root, THIRD_DAY)


def test_without_a_list_only_a_false_signature_is_refused(repo: Repo, ssh_keys: SshKeys) -> None:
    pushed_by_a_stranger(repo, ssh_keys)
    third = f"policy/{SLUG}/v3"
    good = repo.git("rev-parse", third)
    retag(repo, third, raw(repo, third).replace("Class: choice", "Class: notice"))
    with Opened(repo.root) as opened:
        with pytest.raises(IntegrityError, match="does not fit what it signs"):
            opened.sync(THIRD_DAY)
        repo.git("update-ref", f"refs/tags/{third}", good)
        assert len(opened.sync(THIRD_DAY).recorded) == 3


def test_a_ledger_on_two_servers_has_two_heads(tmp_path: Path, ssh_keys: SshKeys) -> None:
    repo = make_instance(tmp_path / "repo")
    settings = (repo.root / "policyctl.toml").read_text()
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("a", "b")]
    assert 'url = "sqlite:///.policyctl/ledger.db"' in settings
    shards = settings.replace('url = "sqlite:///.policyctl/ledger.db"', f"shards = {urls}")
    repo.write("policyctl.toml", shards)
    ssh_keys.use(repo, "legal")
    publish(repo.root, DAYS[1])
    repo.commit("Second text", policy(TEXT_2, PRACTICES_2))
    publish(repo.root, DAYS[2])
    done = verified(repo, ssh_keys.signers)
    assert kinds(done) == []
    assert [(anchor.server, anchor.head.entry > 0) for anchor in done.anchors[2:]] == [(0, True), (1, True)]
    with closing(sqlite3.connect(tmp_path / "b.db")) as second:
        second.execute("DROP TRIGGER practice_no_update")
        second.execute("UPDATE practice SET purpose = 'marketing'")
        second.commit()
    broken = verified(repo, ssh_keys.signers)
    assert {(flaw.kind, flaw.server) for flaw in broken.flaws if flaw.counts} == {(FlawKind.ALTERED, 1)}


def test_a_version_that_is_not_there_cannot_be_verified(repo: Repo, ssh_keys: SshKeys) -> None:
    with pytest.raises(CannotCompareError, match="example@v9"):
        verified(repo, ssh_keys.signers, number=9)
