# SPDX-License-Identifier: Apache-2.0
"""Version refs stamped by an authority of RFC 3161, a real one on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.evidence.verify import Verified, verify
from policyctl.core.proof.flaws import FlawKind
from policyctl.core.proof.stamps import Stamped, digest_of, stamp_of, with_stamp
from policyctl.errors import InputError, RefusedError, UsageError
from policyctl.settings import parse_settings
from tests.actions.instance import DAYS, SLUG, Opened, make_instance, publish
from tests.peers.timestamps import Authority
from tests.repos import ALONE, Repo

V1 = f"policy/{SLUG}/v1"


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: tuple[Authority, str]) -> Repo:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])
    made = make_instance(tmp_path / "repo")
    settings = (made.root / "policyctl.toml").read_text()
    made.write("policyctl.toml", f'{settings}\n[publish]\ntimestamp_url = "{authority[1]}"\n')
    return made


def verified(repo: Repo, certificates: Path | None = None) -> Verified:
    with Opened(repo.root) as opened:
        return verify(
            history=opened.history,
            checker=wiring.open_checker(opened.history, None, {}),
            records=wiring.open_records(opened.settings),
            allow_unsigned=True,
            stamps=wiring.open_stamp_checker(certificates, {}),
        )


def test_a_stamp_proves_when_a_version_was_published(
    repo: Repo, authority: tuple[Authority, str], tmp_path: Path
) -> None:
    publish(repo.root, DAYS[1])
    done = verified(repo, authority[0].certificates)
    stamp = done.refs[0].ref.stamp
    assert stamp.state is Stamped.GOOD
    assert stamp.at is not None
    assert stamp.at.isoformat() != DAYS[1].isoformat()  # by the authority's clock, not by the publisher's
    assert done.flaws == ()
    # Without certificates, or with those of somebody else, it proves nothing.
    unchecked = verified(repo)
    assert unchecked.refs[0].ref.stamp.state is Stamped.UNCHECKED
    assert [flaw.kind for flaw in unchecked.flaws] == [FlawKind.TIME_UNPROVEN]
    (tmp_path / "other").mkdir()
    other = verified(repo, Authority(tmp_path / "other").certificates)
    assert other.refs[0].ref.stamp.state is Stamped.STRANGER
    assert [flaw.kind for flaw in other.flaws] == [FlawKind.TIME_UNPROVEN]


def test_a_stamp_of_another_message_is_told(repo: Repo, authority: tuple[Authority, str]) -> None:
    publish(repo.root, DAYS[1])
    raw = repo.git("cat-file", "tag", V1) + "\n"
    for old, new in (("Class: none", "Class: notice"), ("Timestamp: MII", "Timestamp: AAA")):
        assert old in raw
        oid = repo.git("hash-object", "-t", "tag", "-w", "--stdin", stdin=raw.replace(old, new))
        repo.git("update-ref", f"refs/tags/{V1}", oid)
        done = verified(repo, authority[0].certificates)
        assert done.exit_code == 5
        assert "time stamp is not one of this message" in done.flaws[0].message


def test_without_a_stamp_nothing_is_published(repo: Repo, authority: tuple[Authority, str]) -> None:
    authority[0].broken = True
    try:
        with pytest.raises(RefusedError, match="time stamp"):
            publish(repo.root, DAYS[1])
    finally:
        authority[0].broken = False
    settings = (repo.root / "policyctl.toml").read_text()
    repo.write("policyctl.toml", settings.replace(authority[1], "http://127.0.0.1:9/"))
    with pytest.raises(RefusedError, match="no time stamp could be had"):
        publish(repo.root, DAYS[1])
    assert repo.git("tag", "--list") == ""


def test_the_line_of_a_stamp_is_not_part_of_what_is_stamped() -> None:
    message = "Title\n\nPolicy: a\nVersion: 1\n"
    stamped = with_stamp(message, b"reply")
    assert digest_of(stamped) == digest_of(message)
    assert stamp_of(stamped) == b"reply"
    assert stamp_of(message) is None
    assert stamp_of(message + "Timestamp: A\n") == b""


def test_an_address_that_is_none_and_certificates_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no address of the web"):
        parse_settings('[publish]\ntimestamp_url = "file:///etc/passwd"\n', root=tmp_path)
    with pytest.raises(UsageError, match="are not there"):
        wiring.open_stamp_checker(tmp_path / "none", {})
