# SPDX-License-Identifier: Apache-2.0
"""One comment under a pull request: written, written anew in its place, or taken away.

1. The run that made the report is known from the event that GitHub itself delivered, never from the report.
2. The pull request is the open one whose head is the commit that was checked: neither a number in the report
   nor one in the event is believed. A commit that is no longer the head gets no comment.
3. Ours is a comment of our own author that begins with our marker; nobody else's is ever touched.
4. Nothing to say: no comment, and an old one goes. The same words again: nothing is written.
5. A token that may not write is no failure of the check: it is told, and that is all.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyctl.adapters.files import read_below, read_bytes
from policyctl.adapters.github import Comment, GitHub, PullRequest, ReadOnlyError
from policyctl.errors import CannotCompareError, InputError
from policyctl.reports.checking.review_markdown import MARKER, render_comment
from policyctl.reports.checking.review_v1 import LARGEST, Review, read_review

_SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CheckedRun:
    """The run whose report it is: the commit, where its branch lives, and the run's page."""

    head_sha: str
    head_repository: int
    head_owner: str
    head_branch: str
    page: str


def comment(report: Path, event: Path, *, github: GitHub, author: str) -> str:
    """Read the event and the report, and bring the comment up to them; what was done, in a few words.

    The report came out of an archive that the pull request's own run has made: no link is followed, it is
    not read beyond its cap, and anything but the JSON of a review is refused.
    """
    run = run_of_event(read_bytes(event, max_bytes=LARGEST).decode("utf-8", "replace"))
    data = read_below(report.absolute().parent, report.name, max_bytes=LARGEST)
    if data is None:
        raise CannotCompareError(f"there is no {report}", hint="download the artifact of the check first")
    return post_review(read_review(data), run, github=github, author=author)


def run_of_event(text: str) -> CheckedRun:
    """The run that a ``workflow_run`` event tells of. InputError for any other event."""
    try:
        run = json.loads(text)["workflow_run"]
        head = run["head_repository"]
        found = CheckedRun(
            str(run["head_sha"]),
            int(head["id"]),
            str(head["owner"]["login"]),
            str(run["head_branch"]),
            str(run["html_url"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            "the event is not that of a workflow_run", hint="run it from a workflow `on: workflow_run`"
        ) from error
    if not _SHA.fullmatch(found.head_sha) or not found.page.startswith("https://"):
        raise InputError("the event names no commit and no page", hint="run it as GitHub Actions does")
    return found


def post_review(review: Review, run: CheckedRun, *, github: GitHub, author: str) -> str:
    """Bring the comment up to the review; what was done, in a few words."""
    pull = _pull_request(run, github)
    if pull is None:
        return "no open pull request has this commit at its head: nothing to comment on"
    ours = [each for each in github.comments(pull.number) if _is_ours(each, author)]
    try:
        return _settled(review, run, pull, ours, github)
    except ReadOnlyError as error:
        return f"the comment is skipped: {error.message}"


def _pull_request(run: CheckedRun, github: GitHub) -> PullRequest | None:
    found = github.open_pull_requests(run.head_owner, run.head_branch)
    return next(
        (p for p in found if (p.head_sha, p.head_repository) == (run.head_sha, run.head_repository)), None
    )


def _is_ours(comment: Comment, author: str) -> bool:
    return comment.author == author and comment.body.startswith(MARKER)


def _settled(review: Review, run: CheckedRun, pull: PullRequest, ours: list[Comment], github: GitHub) -> str:
    keep, extra = ours[:1], ours[1:]
    for comment in extra:
        github.delete_comment(comment.id)
    if not review.says_something:
        for comment in keep:
            github.delete_comment(comment.id)
        return "nothing to say" + (": the comment is taken away" if keep else "")
    body = render_comment(review, link=run.page)
    if not keep:
        github.create_comment(pull.number, body)
        return f"commented on #{pull.number}"
    if _words(keep[0].body) == _words(body):
        return f"the comment on #{pull.number} says so already"
    github.update_comment(keep[0].id, body)
    return f"the comment on #{pull.number} is written anew"


def _words(body: str) -> list[str]:
    """A body without what GitHub may change: line ends and white space at the ends."""
    return [line.rstrip() for line in body.strip().splitlines()]


def outputs(review: Review) -> dict[str, Any]:
    """What the action gives to later steps."""
    return {
        "result": review.result,
        "material": str(any(policy.material for policy in review.policies)).lower(),
    }
