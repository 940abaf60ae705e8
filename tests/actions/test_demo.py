# SPDX-License-Identifier: Apache-2.0
"""The demo plays the whole job for real, and tells what happened."""

import email
import email.policy
import os
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from policyctl.actions.demo import play_demo, prepare_demo
from policyctl.adapters.sample import SLUG, VERSIONS, sample_settings, sample_version
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.policy import VersionKey
from policyctl.core.story import DemoStory
from policyctl.core.use.question import UseAnswer
from policyctl.errors import RefusedError
from tests.demo_stage import ROOT, staged, written_diffs
from tests.peers.mail_checkers import SpamAssassin

PERMITTED, REFUSED, UNDECIDED = UseAnswer.PERMITTED, UseAnswer.REFUSED, UseAnswer.UNDECIDED


@dataclass(frozen=True)
class Demo:
    """The story, its folder, its mails as (to, day, plain text), and where the outbox stands."""

    folder: Path
    story: DemoStory
    mails: list[tuple[str, str, str]]
    states: dict[tuple[str, str, str], int]
    seen: list[str]
    seconds: float


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    # A relative path, as a user would name one.
    folder = Path(os.path.relpath(tmp_path_factory.mktemp("demo") / "story"))
    started = time.perf_counter()
    with staged(folder) as stage:
        story = play_demo(stage)
        seconds = time.perf_counter() - started
        counts = stage.ledger.outbox_counts(SLUG)
        states = {(str(each.version), each.kind.value, each.state): each.count for each in counts}
        seen = [customer for customer, _ in stage.ledger.acknowledgements(VersionKey(SLUG, 3))]
    mails = [read_mail(path) for path in sorted((folder / ".policyctl" / "outbox").glob("*.eml"))]
    return Demo(folder, story, mails, states, seen, seconds)


def read_mail(path: Path) -> tuple[str, str, str]:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    part = mail.get_body(("plain",))
    assert part is not None
    return str(mail["To"]), f"{mail['Date'].datetime:%Y-%m-%d}", str(part.get_content())


def the_mail(demo: Demo, to: str, day: str) -> str:
    [text] = [text for who, when, text in demo.mails if to in who and when == day]
    return text


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_demo_is_over_soon(demo: Demo) -> None:
    assert demo.seconds < 20


def test_four_versions_are_published_as_annotated_refs_that_hold_the_sample(demo: Demo) -> None:
    for number in VERSIONS:
        ref = f"refs/tags/policy/{SLUG}/v{number}"
        assert git(demo.folder, "cat-file", "-t", ref) == "tag"
        for path, text in sample_version(number).items():
            assert git(demo.folder, "show", f"{ref}^{{commit}}:{path}") == text.strip()
    assert git(demo.folder, "status", "--short") == ""


def test_everybody_is_written_to_as_promised_and_nobody_twice(demo: Demo) -> None:
    assert Counter(day for _, day, _ in demo.mails) == {"2026-03-02": 3, "2026-05-04": 9, "2026-08-03": 9}
    assert len({(to, day) for to, day, _ in demo.mails}) == len(demo.mails)
    assert not [to for to, _, _ in demo.mails if "it@harbour-clinic" in to]


def test_an_administrators_mail_holds_the_full_revised_text(demo: Demo) -> None:
    policy = read_policy(sample_version(3)[f"policies/{SLUG}/policy.md"], file="policy.md")
    sent = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", the_mail(demo, "office@", "2026-05-04"))  # links as words
    shown = " ".join(sent.split())
    blocks = [block.visible for clause in policy.document.clauses for block in clause.blocks]
    assert [block for block in blocks if " ".join(block.split()) not in shown] == []


def test_users_are_asked_in_their_own_language(demo: Demo) -> None:
    english, german = (the_mail(demo, who, "2026-05-04") for who in ("ben@", "clara@"))
    for text in (english, german):
        assert "Example Print" in text
        assert f"{SLUG}@v3#partner-offers" in text
    assert "Ihre" in german
    assert "Ihre" not in english


def test_every_exhibit_is_there_to_be_opened(demo: Demo) -> None:
    exhibits = [exhibit for chapter in demo.story.chapters for exhibit in chapter.exhibits]
    assert {"the redline", "the page of the site", "the administrator's mail"} <= {e.what for e in exhibits}
    assert all((demo.folder / exhibit.path).is_file() for exhibit in exhibits)


def test_the_questions_show_yes_no_and_undecided_each_with_its_reason(demo: Demo) -> None:
    decisions = [question.decision for question in demo.story.questions]
    said = [(each.answer, " ".join(reason.text for reason in each.reasons)) for each in decisions]
    expected = [
        (PERMITTED, "states this use"),
        (REFUSED, "answered refuse"),
        (PERMITTED, "consented"),
        (REFUSED, "not stated"),
        (REFUSED, "none is on record"),
        (REFUSED, "the customer answered refuse"),
        (UNDECIDED, "tagged"),
    ]
    assert [answer for answer, _ in said] == [answer for answer, _ in expected]
    for (_, why), (_, words) in zip(said, expected, strict=True):
        assert words in why
    assert all(each.missing for each in decisions if each.answer is not PERMITTED)


def test_what_became_of_the_notices_stands_in_the_ledger(demo: Demo) -> None:
    assert demo.states[f"{SLUG}@v2", "revision", "accepted"] == 3
    assert demo.states[f"{SLUG}@v3", "choice", "bounced"] == 1
    assert demo.states[f"{SLUG}@v3", "choice", "delivered"] == 5
    assert demo.states[f"{SLUG}@v4", "transition", "delivered"] == 6
    assert demo.seen == ["harbour-clinic"]


@pytest.mark.peer("spamassassin")
def test_no_mail_of_the_sample_policy_looks_like_spam(demo: Demo, spamassassin: SpamAssassin) -> None:
    mails = {path.name: path.read_bytes() for path in (demo.folder / ".policyctl/outbox").glob("*.eml")}
    scores = dict(zip(mails, spamassassin.scores([*mails.values()]), strict=True))
    assert scores
    assert {name: score for name, score in scores.items() if score >= 2.0} == {}


def test_the_diffs_of_this_repository_are_what_publishing_writes(demo: Demo) -> None:
    assert written_diffs(ROOT) == written_diffs(demo.folder), "run: python -m tests.demo_stage"


def test_the_settings_of_this_repository_are_the_samples() -> None:
    assert (ROOT / "policyctl.toml").read_text("utf-8") == sample_settings()


def test_a_folder_that_holds_anything_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x", "utf-8")
    with pytest.raises(RefusedError, match="not empty"):
        prepare_demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_users_own_hooks_and_signing_stay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    trap = home / "hooks" / "pre-commit"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\nexit 1\n", "utf-8")
    trap.chmod(0o755)
    config = f"[core]\n  hooksPath = {home}/hooks\n[commit]\n  gpgSign = true\n[tag]\n  gpgSign = true\n"
    (home / ".gitconfig").write_text(config, "utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    prepare_demo(tmp_path / "demo").close()
    assert not (tmp_path / "ran").exists()
    assert git(tmp_path / "demo", "log", "--format=%an") == "Example Legal"
