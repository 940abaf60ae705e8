# SPDX-License-Identifier: Apache-2.0
"""The body of a release: whatever a policy says stays words."""

from __future__ import annotations

from datetime import UTC, date, datetime

from markdown_it import MarkdownIt

from policyctl.core.diff.compare import compare
from policyctl.core.formats.version_note import MarkedVersion, VersionNote
from policyctl.core.policy import ChangeClass, VersionKey
from policyctl.core.text.parse import parse
from policyctl.reports.posting.release_notes import LIMIT, release_notes
from tests.reports import samples
from tests.reports.test_faces import Page

EVIL = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> [a](javascript:x) ![b](http://evil.example/b.png)"
    " @octocat #1 example/repo#2 GH-3 https://evil.example www.evil.example | `code` \x1b[31m \u202e <!-- "
)


def notes(title: str, summary: str, old: str = samples.OLD, new: str = samples.NEW) -> str:
    note = VersionNote(
        key=VersionKey("example-notes", 2),
        title=title,
        change_class=ChangeClass.NOTICE,
        effective=date(2027, 3, 1),
        decided_by="legal@example.com",
        text_sha256="a" * 64,
        practices_sha256="",
        summary=summary,
        ledger_head=f"812:{'b' * 64}",
    )
    mark = MarkedVersion(note.key, "c" * 40, "d" * 40, datetime(2027, 1, 1, tzinfo=UTC), note)
    revision = compare(parse(old), parse(new), (), ())
    return release_notes(mark, revision, impact=summary, base_url="https://example.com")


def test_a_hostile_text_does_nothing_in_a_release() -> None:
    clause = f"# {EVIL} {{#collection}}\n\nWords.\n"
    text = notes(EVIL, f"{EVIL}\n\n{EVIL}\n::error::x", samples.OLD, samples.FRONT + clause)
    page = Page(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    assert not {"script", "img"} & set(page.tags)
    ours = {"https://example.com/example-notes/changes/v1..v2/", "https://example.com/example-notes/v2/"}
    assert set(page.links) == ours
    for live in ("@octocat", "#1 ", "repo#2", "GH-3", "https://evil", "www.evil", "\x1b", "\u202e"):
        assert live not in text, live
    rows = [line for line in text.splitlines() if line.startswith("| ") and "octocat" in line]
    assert rows
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)
    assert "legal@example.com" not in text


def test_a_release_of_a_large_change_fits_into_what_github_takes() -> None:
    clauses = "\n".join(f"# {'Clause ' * 60} {number}\n\nWords {number}.\n" for number in range(400))
    text = notes("Example", "word " * 50_000, samples.OLD, samples.FRONT + clauses)
    assert len(text) < LIMIT
    assert "and 2" in text
