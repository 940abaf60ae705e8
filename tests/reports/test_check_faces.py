# SPDX-License-Identifier: Apache-2.0
"""A check as a terminal, GitHub, GitLab, a code scanner and a test runner take it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.judge.findings import Finding, Severity
from policyctl.core.judge.rules import RULES
from policyctl.errors import CannotCompareError, InputError, Place
from policyctl.reports.checking.check_v1 import check_json
from policyctl.reports.checking.checked import Checked, Report, spot_of
from policyctl.reports.checking.github import check_github, escape_data, escape_property
from policyctl.reports.checking.gitlab import check_gitlab
from policyctl.reports.checking.junit import check_junit
from policyctl.reports.checking.review_markdown import render_review
from policyctl.reports.checking.review_v1 import review_of
from policyctl.reports.checking.sarif import MOST, check_sarif
from policyctl.reports.checking.text import check_text
from tests.reports import samples

TOKEN = "0123456789abcdef"
FULL = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
CHECKED = Checked("example", "example@v1", FULL, (samples.FINDING,), file="policies/example/policy.md")
ERROR = InputError(
    "not YAML \x1b[2J\n::error::x", hint="mend it", place=Place("policies/a/policy.md", 3, key="k")
)


def report(*policies: Checked, errors: tuple[CannotCompareError, ...] = (), code: int = 0) -> Report:
    return Report(policies or (CHECKED,), "error", code, errors)


def findings(number: int, severity: Severity = Severity.ERROR) -> tuple[Finding, ...]:
    return tuple(
        replace(samples.FINDING, severity=severity, line=n + 1, fingerprint=f"{n:012x}")
        for n in range(number)
    )


def commands(text: str) -> list[str]:
    """What a runner would obey: it hears nothing between stop-commands and its token."""
    heard, stopped = [], False
    for line in re.split(r"\r\n|\r|\n", text):
        if line == f"::stop-commands::{TOKEN}":
            stopped = True
        elif line == f"::{TOKEN}::":
            stopped = False
        elif not stopped and line.lstrip().startswith("::"):
            heard.append(line)
    return heard


def test_annotations_name_file_line_and_rule() -> None:
    (line,) = commands(check_github(report(), token=TOKEN))
    assert line.startswith("::warning file=policies/example/policy.md,line=15,title=PC101 new-recipient::")


def test_beyond_ten_of_a_kind_the_rest_is_counted() -> None:
    found = (*findings(300), *findings(12, Severity.WARNING), *findings(12, Severity.INFO))
    lines = commands(check_github(report(replace(CHECKED, findings=found)), token=TOKEN))
    kinds = [line.split(" ")[0].strip(":") for line in lines]
    assert (kinds.count("error"), kinds.count("warning"), kinds.count("notice")) == (10, 10, 10)
    assert "and 295 findings more" in lines[-1]


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_can_give_the_runner_a_command(words: str, path: str) -> None:
    finding = replace(samples.FINDING, message=words, before=f"::{words}", after=words, mend=words)
    error = CannotCompareError(words, hint=words, place=Place(path, 3))
    policy = Checked(words, path, FULL, (finding,), file=path)
    broken = Checked(words, None, None, (), (error,), file=path)
    lines = commands(check_github(report(policy, broken, code=3), token=TOKEN))
    assert [re.match(r"::(error|warning) [^:]*::", line) is not None for line in lines] == [True, True]


@given(st.text(max_size=80))
def test_an_escaped_message_comes_back_as_it_was(words: str) -> None:
    for escape in (escape_data, escape_property):
        line = escape(words)
        assert "\n" not in line
        assert "\r" not in line
        back = line.replace("%3A", ":").replace("%2C", ",").replace("%0A", "\n").replace("%0D", "\r")
        assert back.replace("%25", "%") == words


def sarif(given: Report) -> Any:
    return json.loads(json.dumps(check_sarif(given, rules=RULES, version="1.2.3")))["runs"][0]


def test_every_result_of_sarif_has_a_rule_a_place_and_a_fingerprint() -> None:
    run = sarif(report(replace(CHECKED, findings=(samples.FINDING, replace(samples.FINDING, waived=True)))))
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "policies/example/policy.md"
        assert place["region"]["startLine"] == 15
        assert result["partialFingerprints"] == {"policyctlFinding/v1": "example:0123456789ab"}
    assert [len(result.get("suppressions", ())) for result in run["results"]] == [0, 1]


def test_sarif_keeps_to_what_github_shows_and_says_how_many_more() -> None:
    run = sarif(report(replace(CHECKED, findings=findings(MOST + 7))))
    assert len(run["results"]) == MOST
    assert "7 findings more" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


@pytest.mark.parametrize(
    "path", ["policies/a b/p.md", "p#1?.md", "p%41.md", "politique-é.md", "javascript:alert(1)", "a\ud800b"]
)
def test_a_path_becomes_a_relative_uri(path: str) -> None:
    (result,) = sarif(report(replace(CHECKED, file=path)))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri)


FACES = {
    "text": check_text,
    "github": lambda given: check_github(given, token=TOKEN),
    "gitlab": check_gitlab,
    "junit": check_junit,
    "sarif": lambda given: json.dumps(check_sarif(given, rules=RULES, version="1")),
    "json": lambda given: json.dumps(check_json(given)),
    "markdown": lambda given: render_review(review_of(given)),
}
NOT_COMPARED = {
    "text": "could not be compared",
    "github": "::error",
    "gitlab": "could-not-compare",
    "junit": "<error",
    "sarif": '"executionSuccessful": false',
    "json": '"result": "could-not-compare"',
    "markdown": "Could not be compared",
}


@pytest.mark.parametrize("name", sorted(FACES))
def test_what_could_not_be_compared_has_words_of_its_own_in_every_face(name: str) -> None:
    whole = report(Checked("a", None, None, (), (ERROR,), file="policies/a/policy.md"), code=3)
    nothing = Report((), "error", 3, (CannotCompareError("no such base", hint="fetch it"),))
    for each in (whole, nothing):
        assert NOT_COMPARED[name] in FACES[name](each) or "error: no such base" in FACES[name](each)
    assert NOT_COMPARED[name] not in FACES[name](report())


@pytest.mark.parametrize("name", sorted(FACES))
def test_a_removed_policy_is_loud_in_every_face(name: str) -> None:
    gone = samples.comparison(samples.OLD, "")
    text = FACES[name](report(Checked("a", "a@v1", gone, (), file="p.md", removed=True), code=1))
    assert "removed" in text
    assert "could not" not in text.lower()


@pytest.mark.parametrize("name", sorted(set(FACES) - {"json", "sarif", "gitlab"}))
def test_no_control_character_reaches_a_log(name: str) -> None:
    bad = replace(samples.FINDING, message="\x1b[31m \u202e \x00", before="\x1b]8;;x\x07", after="\x9b")
    text = FACES[name](report(replace(CHECKED, findings=(bad,)), replace(CHECKED, errors=(ERROR,)), code=3))
    assert not set(text) & {"\x1b", "\u202e", "\x00", "\x07", "\x9b"}


def test_gitlab_takes_an_array_with_a_fingerprint_for_each() -> None:
    rows = json.loads(check_gitlab(report(CHECKED, replace(CHECKED, slug="other", file="other.md"))))
    assert {row["severity"] for row in rows} == {"major"}
    assert len({row["fingerprint"] for row in rows}) == 2
    assert all(row["location"]["lines"]["begin"] == 15 for row in rows)


def test_junit_counts_what_fails_and_what_only_speaks() -> None:
    found = (*findings(2), *findings(3, Severity.INFO), replace(samples.FINDING, waived=True))
    root = ET.fromstring(check_junit(report(replace(CHECKED, findings=found), code=1)))  # noqa: S314 - our own text
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == (
        "7", "2", "0", "1",
    )  # fmt: skip


def test_the_terminal_says_words_first_and_the_rule_last() -> None:
    lines = check_text(report()).split("\n")
    first = next(n for n, line in enumerate(lines) if "warning:" in line)
    assert "advertisers" in lines[first]
    assert "PC101" not in lines[first]
    assert any(
        "policies/example/policy.md:15" in line and line.endswith("PC101 new-recipient") for line in lines
    )


def test_a_class_too_low_comes_with_the_line_to_paste() -> None:
    low = replace(samples.FINDING, rule="PC211", name="class-too-low", severity=Severity.ERROR)
    text = check_text(report(replace(CHECKED, findings=(low,)), code=1))
    assert "paste:\n      change:\n        class: choice\n" in text


def test_words_that_are_gone_are_shown_where_they_stood() -> None:
    old = "# One\n\nHere.\n\n# Two\n\nThis goes.\n\n# Three\n\nStays.\n"
    new = "# One\n\nHere.\n\nAnd\n\nmore.\n\n# Three\n\nStays.\n"
    gone = replace(samples.FINDING, clause="two", line=7, before="This goes.", after=None)
    policy = replace(CHECKED, comparison=samples.comparison(old, new, gone))
    assert spot_of(policy, gone).line == 7
    assert new.split("\n")[6] == "more."


def test_a_finding_about_a_practice_points_into_practices_yaml() -> None:
    policy = replace(CHECKED, practice_file="policies/example/practices.yaml", practice_lines={"ads": 9})
    spot = spot_of(policy, replace(samples.FINDING, practice="ads"))
    assert (spot.file, spot.line) == ("policies/example/practices.yaml", 9)
