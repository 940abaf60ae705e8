# SPDX-License-Identifier: Apache-2.0
"""The review: hostile data when read, inert when shown, within GitHub's limits, in words for a lawyer."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from policyctl.core.judge.findings import Confidence, Severity
from policyctl.core.policy import ChangeClass
from policyctl.errors import CannotCompareError, InputError
from policyctl.reports.checking.checked import Checked, Report
from policyctl.reports.checking.review_markdown import (
    COMMENT_LIMIT,
    MARKER,
    inert,
    render_comment,
    render_review,
)
from policyctl.reports.checking.review_v1 import LARGEST, Review, read_review, render_review_json, review_of
from tests.cli.run import schema
from tests.reports import samples
from tests.reports.test_faces import Page

FULL = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
CHECKED = Checked(
    "example-notes", "example-notes@v1", FULL, FULL.judgement.findings, file="p.md", practice_file="x"
)


def review(*policies: Checked, errors: tuple[CannotCompareError, ...] = ()) -> Review:
    return review_of(Report(policies, "error", 3 if errors else 0, errors))


SAID = review(CHECKED)


def html(markdown: str) -> Page:
    return Page(MarkdownIt("commonmark").enable("table").render(markdown))


def test_what_is_written_is_read_back_and_keeps_to_its_schema() -> None:
    data = render_review_json(SAID)
    assert read_review(data.encode()) == SAID
    schema("review").validate(json.loads(data))


def broken(change: Any) -> bytes:
    value = json.loads(render_review_json(SAID))
    change(value)
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b"NaN",
        b"[" * 100_000,
        b" " * (LARGEST + 1),
        b'{"schema": "policyctl.review/1", "schema": "policyctl.review/1"}',
        broken(lambda v: v.update(body="<script>")),
        broken(lambda v: v.pop("errors")),
        broken(lambda v: v.update(schema="policyctl.review/2")),
        broken(lambda v: v["policies"][0].update(material="yes")),
        broken(lambda v: v["policies"][0].update(inserted=True)),
        broken(lambda v: v["policies"][0].update(inserted=-1)),
        broken(lambda v: v["policies"][0].update(title="x" * 20_001)),
        broken(lambda v: v["policies"][0].update(clauses={})),
        broken(lambda v: v.update(policies=v["policies"] * 5001)),
    ],
    ids=range(16),
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not used"):
        read_review(data)


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[press](javascript:alert(1))",
    "![x](https://evil.example.org/p.png)",
    "@security-team please merge #1 GH-7 org/repo#2",
    "https://evil.example.org www.evil.example.org mailto:a@evil.example.org",
    "</details></del>--> | table | `code` ```",
    "\x1b[2J\u202e::error::x",
]


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_a_hostile_report_do_nothing_on_the_page(words: str) -> None:
    """The report itself may lie; it may not act."""
    value = json.loads(render_review_json(SAID))

    def spoil(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: v if k in {"schema", "op"} else spoil(v) for k, v in node.items()}
        if isinstance(node, list):
            return [spoil(each) for each in node]
        return words if isinstance(node, str) else node

    text = render_comment(read_review(json.dumps(spoil(value)).encode()))
    page = html(text)
    allowed = {
        "h2", "p", "strong", "em", "ol", "ul", "li", "br", "del", "ins", "sub", "code", "pre", "table",
        "thead", "tbody", "tr", "th", "td", "details", "summary", "blockquote",
    }  # fmt: skip
    assert set(page.tags) <= allowed
    assert page.links == []
    outside = re.sub(r"`[^`]*`", "", text)
    assert not re.search(r"@\w|(?<![\w&])#\w|https?://|www\.|GH-\d", outside)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.startswith(f"{MARKER}\n")


@given(st.text(max_size=200))
def test_inert_text_makes_no_tag_and_no_link(words: str) -> None:
    page = html(f"x {inert(' '.join(words.split()))} y")
    assert set(page.tags) <= {"p"}


def test_a_comment_never_grows_beyond_the_limit_and_counts_what_it_leaves_out() -> None:
    findings = tuple(
        replace(samples.FINDING, message=f"Finding {n}: " + "€ words " * 40, fingerprint=f"{n:012x}")
        for n in range(300)
    )
    full = samples.comparison(samples.OLD, samples.NEW, *findings)
    said = review(*(replace(CHECKED, slug=f"p{n}", comparison=full, findings=findings) for n in range(3)))
    text = render_comment(said, link="https://github.example.com/run/1")
    assert len(text.encode()) <= COMMENT_LIMIT
    assert len(text.encode()) > COMMENT_LIMIT // 2
    assert re.search(r"\d+ parts more would not fit", text)
    assert "https://github.example.com/run/1" in text
    assert all(f"## p{n}" in text for n in range(3))


def test_it_says_what_to_do_when_nobody_has_decided_the_class() -> None:
    text = render_review(SAID)
    assert "needs at least the class **choice**" in text
    assert "Write `class: choice`" in text
    assert "a person must decide" in text


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (ChangeClass.NOTICE, "Raise the class from `notice` to `choice`"),
        (ChangeClass.CHOICE, "The class on record is `choice`"),
        (ChangeClass.TRANSITION, "The class on record is `transition`"),
    ],
)
def test_a_decision_on_record_is_held_against_what_is_needed(declared: ChangeClass, words: str) -> None:
    assert words in render_review(review(replace(CHECKED, declared=declared)))


def test_with_everything_answered_the_next_step_is_to_merge() -> None:
    sure = replace(samples.FINDING, confidence=Confidence.HIGH, severity=Severity.WARNING)
    full = samples.comparison(samples.OLD, samples.NEW, sure)
    text = render_review(
        review(replace(CHECKED, comparison=full, findings=(sure,), declared=ChangeClass.CHOICE))
    )
    assert "merge, then run the workflow that publishes" in text


def test_what_could_not_be_compared_is_said_and_never_reads_as_no_change() -> None:
    error = CannotCompareError("this clone is shallow", hint="fetch the rest")
    for said in (review(errors=(error,)), review(Checked("a", None, None, (), (error,)))):
        text = render_review(said)
        assert said.result == "could-not-compare"
        assert said.says_something
        assert "Could not be compared" in text
        assert "not changed" not in text
        assert "fetch the rest" in text


def test_an_unchanged_policy_is_nothing_to_say_and_a_change_of_form_is() -> None:
    same = samples.comparison(samples.OLD, samples.OLD)
    form = samples.comparison(samples.OLD, samples.OLD.replace("\n\n", "\n\n\n"))
    assert not review(replace(CHECKED, comparison=same, findings=())).says_something
    assert review(replace(CHECKED, comparison=form, findings=())).says_something


def test_a_policy_that_the_change_adds_is_said_and_one_never_published_is_not() -> None:
    added = review(Checked("a", None, None, (), file="p.md", added=True))
    assert added.says_something
    assert "added: the base does not have it" in render_review(added)
    assert not review(Checked("a", None, None, (), file="p.md")).says_something


def test_struck_and_written_words_stand_in_the_redline() -> None:
    page = html(render_review(SAID))
    assert "only" in page.words["del"]
    assert "advertisers" in page.words["ins"]
