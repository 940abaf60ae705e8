# SPDX-License-Identifier: Apache-2.0
"""Previews: every kind of mail in every language, of what is owed or would be, and sent to nobody."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from policyctl.actions.mailing.preview import Previewed, preview
from policyctl.adapters.pdf import Printer
from policyctl.core.notices.notice import Sender
from policyctl.errors import CannotCompareError
from policyctl.reports.phrases import LANGUAGES
from tests.actions.instance import (
    DAYS,
    PRACTICES_2,
    SLUG,
    TEXT_2,
    Opened,
    make_instance,
    make_published,
    policy,
    publish,
)
from tests.adapters.mail_samples import part, read_back
from tests.cli.run import inside
from tests.core.notice_samples import SENDER
from tests.repos import Repo

KINDS = ("revision", "choice", "reminder")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Version 1 published, its change committed and not published."""
    made = make_published(tmp_path / "policies-repository")
    made.commit("Newsletter", policy(TEXT_2, PRACTICES_2))
    return made


def paper(html: str) -> bytes:
    return b"%PDF-" + html.encode()


def previewed(
    root: Path, folder: Path, sender: Sender = SENDER, printer: Printer | None = paper, url: str = ""
) -> Previewed:
    with Opened(root) as opened:
        return preview(
            DAYS[2],
            folder,
            ledger=opened.ledger,
            history=opened.history,
            standards=opened.standards,
            sender=sender,
            printer=printer,
            url=url,
        )


def names(number: int) -> set[str]:
    return {
        f"{SLUG}-v{number}-{kind}-{language}.{ending}"
        for kind in KINDS
        for language in LANGUAGES
        for ending in ("eml", "html")
    }


def test_a_text_not_published_yet_is_shown_as_every_mail_it_would_bring(repo: Repo, tmp_path: Path) -> None:
    done = previewed(repo.root, tmp_path / "shown")
    assert {path.name for path in (tmp_path / "shown").iterdir()} == names(2)
    assert set(done.written) == {str(path) for path in (tmp_path / "shown").iterdir()}
    assert done.remarks == ()
    message = read_back((tmp_path / "shown" / f"{SLUG}-v2-choice-fr.eml").read_bytes())
    assert part(message, "html") == (tmp_path / "shown" / f"{SLUG}-v2-choice-fr.html").read_text("utf-8")
    assert "Quelles données" in part(message, "plain")
    revision = read_back((tmp_path / "shown" / f"{SLUG}-v2-revision-de.eml").read_bytes())
    assert [file.get_filename() for file in revision.iter_attachments()] == [f"{SLUG}-v2.pdf"]
    assert message["To"].addresses[0].domain == "example.com", "an invented addressee"


def test_where_pages_are_served_the_mails_lead_to_them(repo: Repo, tmp_path: Path) -> None:
    url = "https://privacy.example.com"
    previewed(repo.root, tmp_path / "shown", url=url)
    message = read_back((tmp_path / "shown" / f"{SLUG}-v2-choice-en.eml").read_bytes())
    for kind in ("plain", "html"):
        assert f"{url}/answers/preview" in part(message, kind)
        assert "mailto:" not in part(message, kind)


def test_a_preview_publishes_records_and_sends_nothing(repo: Repo, tmp_path: Path) -> None:
    before = sorted(repo.root.rglob("*"))
    previewed(repo.root, tmp_path / "shown")
    with Opened(repo.root) as opened:
        assert [mark.key.number for mark in opened.history.published(SLUG)] == [1]
        assert opened.ledger.outbox_counts() == ()
    assert sorted(repo.root.rglob("*")) == before


def test_what_is_published_is_shown_the_same_and_an_older_preview_is_written_over(
    repo: Repo, tmp_path: Path
) -> None:
    previewed(repo.root, tmp_path / "shown")
    (tmp_path / "shown" / f"{SLUG}-v2-revision-en.html").write_text("old")
    publish(repo.root, DAYS[2] - timedelta(days=0))
    previewed(repo.root, tmp_path / "shown")
    assert {path.name for path in (tmp_path / "shown").iterdir()} == names(2)
    assert "newsletter" in (tmp_path / "shown" / f"{SLUG}-v2-revision-en.html").read_text("utf-8")


def test_a_mail_that_would_be_withheld_is_shown_with_the_reason(repo: Repo, tmp_path: Path) -> None:
    done = previewed(repo.root, tmp_path / "shown", Sender("privacy", "X", "answers@example.com", "Street 1"))
    assert len(done.remarks) == len(KINDS)
    assert all("would be withheld: the sender's address" in remark for remark in done.remarks)


def test_what_the_administrators_will_not_get_is_said(repo: Repo, tmp_path: Path) -> None:
    (remark,) = previewed(repo.root, tmp_path / "shown", printer=None).remarks
    assert "no PDF" in remark
    assert "policyctl[pdf]" in remark


def test_a_draft_that_cannot_be_published_is_said_to_be_missing(repo: Repo, tmp_path: Path) -> None:
    publish(repo.root, DAYS[2])
    repo.commit("Say nothing of it", policy(TEXT_2.replace("with offers", "with news of partners")))
    done = previewed(repo.root, tmp_path / "shown")
    assert {path.name for path in (tmp_path / "shown").iterdir()} == names(2), "the newest that was published"
    assert any("v3 is not shown" in remark or "HEAD is not shown" in remark for remark in done.remarks)


def test_a_first_version_has_nothing_to_show(tmp_path: Path) -> None:
    made = make_instance(tmp_path / "repository")
    with pytest.raises(CannotCompareError, match="no notice to preview"):
        previewed(made.root, tmp_path / "shown")
    assert not (tmp_path / "shown").exists()


def test_the_command_writes_them_and_names_them(repo: Repo, tmp_path: Path) -> None:
    run = inside("notify", SLUG, "--preview", tmp_path / "shown", cwd=repo.root)
    assert run.returncode == 0, run.stderr
    assert "9 mails" in run.stdout
    assert {path.name for path in (tmp_path / "shown").iterdir()} == names(2)


@pytest.mark.parametrize("other", [["--dry-run"], ["--test", "me@example.com"]])
def test_a_preview_goes_with_no_sending(repo: Repo, tmp_path: Path, other: list[str]) -> None:
    run = inside("notify", "--preview", tmp_path / "shown", *other, cwd=repo.root)
    assert run.returncode == 2
    assert not (tmp_path / "shown").exists()


def test_a_folder_that_cannot_be_written_is_named(repo: Repo, tmp_path: Path) -> None:
    (tmp_path / "shown").write_text("a file")
    run = inside("notify", "--preview", tmp_path / "shown", cwd=repo.root)
    assert run.returncode == 4
    assert "shown" in run.stderr
