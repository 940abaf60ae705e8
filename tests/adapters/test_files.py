# SPDX-License-Identifier: Apache-2.0
"""Reading files with care, and writing them whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from policyctl.adapters.files import decode, read_below, read_bytes
from policyctl.errors import CannotCompareError, InputError


def test_bytes_are_kept_as_they_are(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfone\r\ntwo\n"
    (tmp_path / "a.md").write_bytes(data)
    assert read_bytes(tmp_path / "a.md") == data
    assert decode(data, file="a.md").encode() == data


def test_a_limit_is_inclusive(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"12345")
    assert read_bytes(tmp_path / "a.md", max_bytes=5) == b"12345"
    with pytest.raises(InputError, match="larger than 4 bytes") as caught:
        read_bytes(tmp_path / "a.md", file="given.md", max_bytes=4)
    assert caught.value.place is not None
    assert caught.value.place.file == "given.md"


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing.md", "no file"), ("folder", "a folder"), ("pipe", "not a plain file"), ("a.md/b", "no file")],
)
def test_what_is_no_file_says_what_it_is(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "a.md").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotCompareError, match=said) as caught:
        read_bytes(tmp_path / name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "line", "offset"),
    [(b"ok\nM\xfcller\n", 2, 4), (b"\xff", 1, 0), (b"a\xed\xa0\x80", 1, 1), (b"a\n\nb\xc3", 3, 4)],
)
def test_bytes_that_are_not_utf8_are_named_by_line_and_offset(data: bytes, line: int, offset: int) -> None:
    with pytest.raises(InputError, match=f"offset {offset}") as caught:
        decode(data, file="a.md")
    assert caught.value.place is not None
    assert caught.value.place.line == line
    assert caught.value.exit_code == 3


def test_a_nul_is_refused() -> None:
    with pytest.raises(InputError, match="NUL byte at offset 5") as caught:
        decode(b"one\nt\0o", file="a.md")
    assert caught.value.place is not None
    assert caught.value.place.line == 2


def test_below_a_repository_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/policy.md").write_text("x")
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real/link.md").symlink_to(tmp_path / "real/policy.md")
    (tmp_path / "real/dangling.md").symlink_to(tmp_path / "nowhere")
    assert read_below(tmp_path, "real/policy.md") == b"x"
    assert read_below(tmp_path, "real/missing.md") is None
    for path in ("linked/policy.md", "real/link.md", "real/dangling.md"):
        with pytest.raises(CannotCompareError, match="symbolic link"):
            read_below(tmp_path, path)
