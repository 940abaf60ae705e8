# SPDX-License-Identifier: Apache-2.0
"""The comment under a pull request, over real HTTP against a GitHub on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from policyctl.actions.versions.review import CheckedRun, comment, post_review, run_of_event
from policyctl.adapters.github import LONGEST_WAIT, GitHub
from policyctl.errors import CannotCompareError, InputError, UsageError
from policyctl.reports.checking.checked import Checked, Report
from policyctl.reports.checking.review_markdown import MARKER
from policyctl.reports.checking.review_v1 import Review, render_review_json, review_of
from tests.adapters.fake_github import BOT, REPOSITORY, TOKEN, Fake, fake_github
from tests.reports import samples

SHA = "a" * 40
RUN = CheckedRun(SHA, 1, "example-org", "edit", "https://github.example.com/run/1")
FULL = samples.comparison(samples.OLD, samples.NEW, samples.FINDING)
SAID = review_of(
    Report((Checked("example", "example@v1", FULL, FULL.judgement.findings, file="p.md"),), "error", 0)
)
SAME = samples.comparison(samples.OLD, samples.OLD)
NOTHING = review_of(Report((Checked("example", "example@v1", SAME, (), file="p.md"),), "error", 0))


@pytest.fixture
def fake() -> Iterator[Fake]:
    with fake_github() as made:
        made.pull(7, SHA)
        yield made


def posted(fake: Fake, review: Review = SAID, run: CheckedRun = RUN, waits: list[float] | None = None) -> str:
    slept: list[float] = [] if waits is None else waits
    github = GitHub(REPOSITORY, TOKEN, api=fake.url, wait=slept.append)
    try:
        return post_review(review, run, github=github, author=BOT)
    finally:
        github.close()


def test_one_comment_is_written_and_then_left_alone_while_it_says_the_same(fake: Fake) -> None:
    assert "commented on #7" in posted(fake)
    assert "says so already" in posted(fake)
    assert len(fake.bodies()) == 1
    assert fake.bodies()[0].startswith(MARKER)
    assert "https://github.example.com/run/1" in fake.bodies()[0]


def test_another_report_is_written_in_its_place(fake: Fake) -> None:
    posted(fake)
    (place,) = fake.comments
    other = replace(SAID, policies=(replace(SAID.policies[0], title="Another title"),))
    assert "written anew" in posted(fake, other)
    assert list(fake.comments) == [place]
    assert "Another title" in fake.comments[place]["body"]


def test_with_nothing_to_say_the_comment_goes(fake: Fake) -> None:
    posted(fake)
    assert "taken away" in posted(fake, NOTHING)
    assert fake.bodies() == []
    assert posted(fake, NOTHING) == "nothing to say"


def test_other_peoples_comments_are_never_touched(fake: Fake) -> None:
    fake.comment(7, f"{MARKER}\nmine, says somebody else", author="mallory")
    fake.comment(7, "an ordinary comment of the bot")
    posted(fake)
    posted(fake, NOTHING)
    assert fake.bodies("mallory") == [f"{MARKER}\nmine, says somebody else"]
    assert fake.bodies() == ["an ordinary comment of the bot"]


def test_ours_is_found_beyond_the_first_page(fake: Fake) -> None:
    for number in range(230):
        fake.comment(7, f"comment {number}", author="reader")
    ours = fake.comment(7, f"{MARKER}\nold words")
    assert "written anew" in posted(fake)
    assert fake.comments[ours]["body"] != f"{MARKER}\nold words"
    assert len(fake.bodies()) == 1


def test_of_two_of_ours_one_stays(fake: Fake) -> None:
    first = fake.comment(7, f"{MARKER}\none")
    fake.comment(7, f"{MARKER}\ntwo")
    posted(fake)
    assert list(fake.comments) == [first]


@pytest.mark.parametrize(
    "change",
    [
        {"head_sha": "b" * 40},
        {"head_repository": 2},
        {"head_owner": "mallory"},
        {"head_branch": "other"},
    ],
    ids=["a newer commit", "another repository", "another owner", "another branch"],
)
def test_a_run_that_is_not_the_head_of_an_open_pull_request_comments_nowhere(
    fake: Fake, change: dict[str, str]
) -> None:
    assert "no open pull request" in posted(fake, run=replace(RUN, **change))
    assert fake.writes() == []


def test_a_hostile_branch_name_is_only_a_value(fake: Fake) -> None:
    branch = "x&state=all&head=a:b/../?#$(id)`\n"
    fake.pull(8, SHA, owner="mallory", branch=branch, repo=5)
    run = CheckedRun(SHA, 5, "mallory", branch, RUN.page)
    assert "commented on #8" in posted(fake, run=run)


def test_a_token_that_may_not_write_skips_the_comment_and_says_so(fake: Fake) -> None:
    fake.read_only = True
    assert "skipped" in posted(fake)
    assert fake.bodies() == []


def test_a_limit_is_waited_for_as_long_as_told(fake: Fake) -> None:
    fake.script = [(403, {"Retry-After": "3"}), (429, {"Retry-After": "0"})]
    waits: list[float] = []
    assert "commented" in posted(fake, waits=waits)
    assert waits == [3.0, 0.0]


def test_a_limit_that_lasts_too_long_is_an_error_not_a_silent_skip(fake: Fake) -> None:
    fake.script = [(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"})]
    waits: list[float] = []
    with pytest.raises(CannotCompareError, match="limit"):
        posted(fake, waits=waits)
    assert all(wait <= LONGEST_WAIT for wait in waits)


def test_a_server_error_is_tried_again_for_reads_and_never_for_writes(fake: Fake) -> None:
    fake.script = [(502, {})]
    assert "commented" in posted(fake)
    fake.comments.clear()
    fake.requests.clear()
    fake.script = []

    def on_write() -> list[str]:
        return fake.writes()

    github = GitHub(REPOSITORY, TOKEN, api=fake.url, wait=lambda _: None)
    fake.script = [(500, {})]
    with pytest.raises(CannotCompareError, match="500"):
        github.create_comment(7, "words")
    github.close()
    assert len(on_write()) == 1


def test_a_wrong_token_is_an_error_that_does_not_name_it(fake: Fake) -> None:
    github = GitHub(REPOSITORY, "wrong-token-123", api=fake.url)
    with pytest.raises(CannotCompareError) as caught:
        github.comments(7)
    github.close()
    assert "wrong-token-123" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize(
    ("repository", "token", "api"),
    [
        ("no-slash", TOKEN, "https://api.example.com"),
        ("a/b/../c", TOKEN, "https://api.example.com"),
        (REPOSITORY, "", "https://api.example.com"),
        (REPOSITORY, "line\nbreak", "https://api.example.com"),
        (REPOSITORY, TOKEN, "http://api.example.com"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(
    repository: str, token: str, api: str
) -> None:
    with pytest.raises(UsageError):
        GitHub(repository, token, api=api)


def event(**changes: object) -> str:
    run = {
        "head_sha": SHA,
        "head_branch": "edit",
        "html_url": RUN.page,
        "head_repository": {"id": 1, "owner": {"login": "example-org"}},
        **changes,
    }
    return json.dumps({"workflow_run": run})


def test_the_run_is_known_from_the_event() -> None:
    assert run_of_event(event()) == RUN


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "not json",
        event(head_sha="main"),
        event(head_repository=None),
        event(html_url="javascript:x"),
    ],
)
def test_another_event_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        run_of_event(text)


def test_the_report_is_a_file_of_its_folder_and_no_link_is_followed(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(event())
    report = tmp_path / "policyctl-review.json"
    github = GitHub(REPOSITORY, TOKEN, api=fake.url)

    def told() -> str:
        return comment(report, tmp_path / "event.json", github=github, author=BOT)

    with pytest.raises(CannotCompareError, match="there is no"):
        told()
    (tmp_path / "elsewhere.json").write_text(render_review_json(SAID))
    report.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(CannotCompareError, match="symbolic link"):
        told()
    report.unlink()
    report.write_text(render_review_json(SAID))
    assert "commented on #7" in told()
    github.close()
