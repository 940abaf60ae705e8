# SPDX-License-Identifier: Apache-2.0
"""Addresses as people write them: what form they are kept in, and why some cannot be written to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.adapters.addresses import normal_address
from policyctl.adapters.mail.message import is_address


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("ada@EXAMPLE.Com", "ada@example.com"),
        ("Ada.Example+x@example.com", "Ada.Example+x@example.com"),
        ("ada@bücher.example.com", "ada@xn--bcher-kva.example.com"),
        ("ada@BÜCHER.example.com", "ada@xn--bcher-kva.example.com"),
    ],
)
def test_the_domain_is_kept_in_one_form_and_what_stands_before_it_as_it_is(written: str, kept: str) -> None:
    assert normal_address(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "ada",
        "ada@",
        "@example.com",
        "ada@example..com",
        "ada@@example.com",
        "ada example@example.com",
        "ada@example.com, bob@example.com",
        "Ada <ada@example.com>",
        "ada@example.com\r\nBcc: eve@example.org",
        "ada\0@example.com",
        "αδα@example.com",
        "ada\u202e@example.com",
        "ada@" + "x" * 64 + ".com",
    ],
)
def test_what_is_no_address_that_every_server_takes_is_refused_without_being_quoted(written: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        normal_address(written)
    assert len(written) < 4 or written not in str(refused.value)


@given(st.emails())
def test_an_address_that_is_kept_can_be_written_to_and_is_kept_as_it_is_a_second_time(written: str) -> None:
    try:
        kept = normal_address(written)
    except ValueError:
        return
    assert normal_address(kept) == kept
    assert is_address(kept)
