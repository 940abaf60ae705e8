# SPDX-License-Identifier: Apache-2.0
"""A version as the body of a release on GitHub: what changes for the reader, from when on, what proves it.

Every word of a policy is shown as itself: no markup, no link, nobody called by name, no issue mentioned.
"""

from __future__ import annotations

from collections.abc import Iterator

from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.revision import ClauseChange, Kind, Revision
from policyctl.reports.checking.review_markdown import inert
from policyctl.reports.comparing.comparison import headline, loud_changes, name_of, sorted_kinds
from policyctl.reports.words import KIND_WORDS, day, one_line

LIMIT = 125_000
"""How many characters GitHub takes as the body of a release."""
_MOST_ROWS = 200


def release_notes(
    mark: MarkedVersion, revision: Revision | None, *, impact: str = "", base_url: str = ""
) -> str:
    """The body in Markdown, a newline at its end. ``revision`` is None for a first version; ``base_url`` is
    that of the site, empty where it has none: then the redline in the repository is named.
    """
    return "\n\n".join(part for part in _parts(mark, revision, impact, base_url) if part) + "\n"


def _parts(mark: MarkedVersion, revision: Revision | None, impact: str, base_url: str) -> Iterator[str]:
    note = mark.note
    yield f"## {_line(note.title)}, version {mark.key.number}"
    named = note.change_class.value if note.change_class else "first version"
    yield f"**Effective {day(note.effective)}.** Published {day(mark.published_at.date())}. Class: {named}."
    yield _prose(note.summary)
    if impact.strip():
        yield f"**What it means for you.** {_prose(impact)}"
    if revision is not None:
        yield _table(loud_changes(revision))
    yield _links(mark, base_url)
    yield _proof(mark)


def _line(text: str) -> str:
    return inert(one_line(text))


def _prose(text: str) -> str:
    """Paragraphs stay apart; each is one line of the source."""
    paragraphs = text.strip()[: LIMIT // 8].split("\n\n")
    return "\n\n".join(_line(part) for part in paragraphs if part.strip())


def _table(changes: tuple[ClauseChange, ...] | list[ClauseChange]) -> str:
    if not changes:
        return "No clause changed its words."
    rows = ["| Clause | Change |", "| --- | --- |"]
    rows += [f"| {_clause(change)} | {_kinds(change)} |" for change in changes[:_MOST_ROWS]]
    if len(changes) > _MOST_ROWS:
        rows.append(f"| and {len(changes) - _MOST_ROWS} more | |")
    return "\n".join(rows)


def _clause(change: ClauseChange) -> str:
    name = _line(headline(change)[:300])
    if Kind.RENAMED in change.kinds and change.old:
        return f"{' + '.join(_line(name_of(clause)[:300]) for clause in change.old)} → {name}"
    return name


def _kinds(change: ClauseChange) -> str:
    return ", ".join(KIND_WORDS[kind] for kind in sorted_kinds(change))


def _links(mark: MarkedVersion, base_url: str) -> str:
    """Addresses are our own: slug, number and the site's address."""
    slug, number = mark.key.slug, mark.key.number
    if base_url:
        top = f"{base_url.rstrip('/')}/{slug}/"
        step = f"[What changed, word by word](<{top}changes/v{number - 1}..v{number}/>) · "
        return (step if number > 1 else "") + f"[The text of this version](<{top}v{number}/>)"
    if number == 1:
        return ""
    return f"What changed, word by word: `diffs/{slug}/v{number - 1}..v{number}.md` in the repository."


def _proof(mark: MarkedVersion) -> str:
    note = mark.note
    rows = [
        ("Version ref", mark.key.ref.removeprefix("refs/tags/")),
        ("Commit", mark.commit),
        ("SHA-256 of the text", note.text_sha256),
        ("Ledger head", note.ledger_head),
    ]
    lines = ["| Proof | |", "| --- | --- |"]
    return "\n".join(lines + [f"| {name} | `{value}` |" for name, value in rows if value])
