# SPDX-License-Identifier: Apache-2.0
"""Links that we signed, and everything else that looks a little like one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.actions.mailing.links import retire_link_key, rotate_links
from policyctl.adapters.key_file import LinkKeyFile
from policyctl.adapters.links import Links
from policyctl.core.links import LinkKey, LinkPurpose, LinkState, in_force, with_new_key
from policyctl.errors import InputError, PolicyctlError, RefusedError, UsageError

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANSWERS, REMINDERS = LinkPurpose.ANSWERS, LinkPurpose.REMINDERS
KEY = LinkKey("one", bytes(range(32)), AT)
NIDS = st.text("0123456789abcdef", min_size=32, max_size=32)


def links(*keys: LinkKey) -> Links:
    return Links("https://privacy.example.com", lambda: keys, days=730)


def token(made: str) -> str:
    return made.rpartition("/")[2]


@given(NIDS, st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_what_is_signed_is_read_and_for_its_purpose_only(nid: str, at: datetime) -> None:
    made = token(links(KEY).make(ANSWERS, nid, at))
    read = links(KEY).read(ANSWERS, made, at)
    assert read
    assert (read.nid, read.made_at, read.state) == (nid, at.replace(microsecond=0), LinkState.GOOD)
    assert links(KEY).read(REMINDERS, made, at) is None
    assert links(LinkKey("two", bytes(32), AT)).read(ANSWERS, made, at) is None


@given(NIDS, st.data())
def test_a_link_with_one_character_changed_is_none(nid: str, data: st.DataObject) -> None:
    made = token(links(KEY).make(ANSWERS, nid, AT))
    place = data.draw(st.integers(0, len(made) - 1))
    other = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda char: char != made[place]))
    changed = made[:place] + other + made[place + 1 :]
    assert links(KEY).read(ANSWERS, changed, AT) is None


@given(st.text(max_size=400))
def test_nothing_else_is_a_link_and_nothing_breaks(text: str) -> None:
    assert links(KEY).read(ANSWERS, text, AT) is None
    assert links().read(ANSWERS, text, AT) is None


@given(st.integers(1, 6))
def test_at_most_two_keys_open_links_and_the_newest_signs(times: int) -> None:
    keys: tuple[LinkKey, ...] = ()
    made: list[str] = []
    for number in range(times):
        keys = with_new_key(keys, LinkKey(str(number), bytes([number] * 32), AT + timedelta(days=number)))
        made.append(token(links(*keys).make(ANSWERS, "a" * 32, AT)))
    assert [key.id for key in in_force(keys)] == [str(n) for n in range(max(0, times - 2), times)]
    found = [links(*keys).read(ANSWERS, each, AT) for each in made]
    states = [each.state if each else None for each in found]
    assert states == [LinkState.RETIRED] * max(0, times - 2) + [LinkState.GOOD] * min(times, 2)


def test_the_file_holds_what_was_put_there_and_shows_no_secret(tmp_path: Path) -> None:
    file = LinkKeyFile(tmp_path / "deep" / "keys.json")
    assert file.all() == {}
    first = rotate_links(now=AT, keys=file)
    second = rotate_links(now=AT + timedelta(days=1), keys=file)
    assert LinkKeyFile(file.path).all() == {first.id: first, second.id: second}
    assert first.secret.hex() not in repr(file.all())
    assert file.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(RefusedError):
        retire_link_key(second.id, now=AT, keys=file)
    assert retire_link_key(first.id, now=AT, keys=file)
    assert not retire_link_key(first.id, now=AT, keys=file)
    with pytest.raises(PolicyctlError, match="there is no key"):
        retire_link_key("nobody", now=AT, keys=file)


SHORT = '{"id": "x", "secret": "00", "made_at": "2026-01-01T00:00:00+00:00", "retired_at": null}'


@pytest.mark.parametrize("keys", ["1", '[{"id": "x"}]', f"[{SHORT}]", "[[]]", None])
def test_a_damaged_file_opens_nothing_and_says_what_to_do(tmp_path: Path, keys: str | None) -> None:
    file = LinkKeyFile(tmp_path / "keys.json")
    file.path.write_text(f'{{"policyctl.link-keys/1": {keys}}}' if keys else "[]")
    file.path.chmod(0o600)
    with pytest.raises(InputError) as raised:
        file.all()
    assert "policyctl links rotate" in raised.value.hint


def test_without_a_key_nothing_is_signed() -> None:
    with pytest.raises(UsageError, match="no key to sign"):
        links().make(ANSWERS, "a" * 32, AT)
