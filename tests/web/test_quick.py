# SPDX-License-Identifier: Apache-2.0
"""Questions that are read at once are read as they are one by one, or not at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.web.bodies import DecisionRequest, parse, rows_of
from policyctl.web.problems import ProblemError
from policyctl.web.quick import read_questions

NAMES = ("subject", "category", "purpose", "recipient", "policy", "at", "requests", "customer")
words = st.one_of(
    st.text("ab c", min_size=1, max_size=3),
    st.sampled_from((*NAMES, "", " u", "u\u00a0", "u\x7f", "ü", "{", '"subject":', "example-fax", "u" * 201)),
)
moments = st.sampled_from((None, "2026-02-01T00:00:00Z", "2026-02-01T00:00:00.5+01:00", "2026-02-01"))
odd = st.sampled_from((None, 7, True, [], {}, "x"))
rows = st.fixed_dictionaries(
    {"subject": words, "category": words, "purpose": words},
    optional={"recipient": words | odd, "policy": words | odd, "at": moments | odd, "more": odd},
)
bodies = st.fixed_dictionaries(
    {"requests": st.lists(rows, max_size=3)}, optional={"customer": words | odd, "more": odd}
)


def slowly(content: bytes) -> tuple[list[DecisionRequest], str | None]:
    return rows_of(parse(content), "requests", DecisionRequest)


def asked(found: tuple[Any, str | None]) -> tuple[object, ...]:
    read, customer = found
    return (
        *((r.subject, r.category, r.purpose, r.recipient, r.policy, r.at) for r in read),
        customer,
    )


@given(bodies, st.booleans())
def test_what_is_read_at_once_is_read_alike(body: dict[str, Any], escaped: bool) -> None:  # noqa: FBT001
    content = json.dumps(body, ensure_ascii=escaped).encode()
    quick = read_questions(content)
    if quick is not None:
        assert asked(quick) == asked(slowly(content))


def test_ordinary_questions_are_read_at_once() -> None:
    one = {"subject": "u1", "category": "user.contact.email", "purpose": "marketing"}
    more = {**one, "recipient": "processor", "policy": "example-fax", "at": "2026-02-01T00:00:00Z"}
    quick = read_questions(json.dumps({"customer": "acme", "requests": [one, more, one]}).encode())
    assert quick is not None
    assert len(quick[0]) == 3


@pytest.mark.parametrize(
    "content",
    [
        b'{"requests": [{"subject": "a", "category": "c", "purpose": "p", "subject": "b"}]}',
        b'{"requests": [{"subject": "a", "category": "c", "purpose": "p", "sub\\u006aect": "b"}]}',
        b'{"requests": [{"subject": "a", "category": "c", "purpose": "p", "at": null, "at": null}]}',
        b'{"requests": [], "requests": [{"subject": "a", "category": "c", "purpose": "p"}]}',
        b'{"customer": "a", "requests": [{"subject": "a", "category": "c", "purpose": "p"}],"customer":"b"}',
        b'{"requests": [{"subject": "policy", "category": "c", "purpose": "p", "policy":"x", "policy":"y"}]}',
    ],
)
def test_a_key_that_is_there_twice_is_refused_all_the_same(content: bytes) -> None:
    assert read_questions(content) is None
    with pytest.raises(ProblemError):
        slowly(content)
