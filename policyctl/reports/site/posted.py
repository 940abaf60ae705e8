# SPDX-License-Identifier: Apache-2.0
"""A version as it is posted, and its way to ``data.json`` and back.

What is posted is what anybody may read: the text without its front matter, where legal's waivers and names
stand. A site that is built again reads the versions that are there from these files, so what a page of a
later version needs of an earlier one is all in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from policyctl.core.diff.compare import compare
from policyctl.core.policy import ChangeClass, Clause, Document, VersionKey
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.proof.heads import LedgerHead, heads_json
from policyctl.core.revision import Kind, Revision
from policyctl.core.text.parse import parse
from policyctl.reports.comparing.json_v1 import practice_json

SCHEMA = "policyctl.site/1"
_FRONT = "---\npolicy:\n---\n"
"""Stands above every posted text, so that no text that begins with a line of dashes loses its beginning."""

_REMEMBERED = 4  # the version in force, the newest and those compared: parsing one takes longer than a page

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InLanguage:
    """The policy in one more language; ``lang`` is a language tag."""

    lang: str
    title: str
    markdown: str


@dataclass(frozen=True, slots=True)
class ClauseName:
    """A clause of a version, in the order of the text."""

    id: str
    heading: str
    level: int


@dataclass(frozen=True, slots=True)
class ClauseLink:
    """How clauses of the version before (by id) go on in this one."""

    kinds: frozenset[Kind]
    old: tuple[str, ...]
    new: tuple[str, ...]
    format: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """What was found of the signature of a version ref when the version was first posted. ``state``:
    ``good``, ``unconfirmed`` (whose it is could not be told) or ``none``. ``signer`` is empty but of a good
    one.
    """

    state: str
    signer: str = ""


@dataclass(frozen=True, slots=True)
class PostedRef:
    """The version ref: its tag object, the commit it names, and the heads of the ledger that it anchors.
    ``signature`` is None where nobody asked for it.
    """

    tag: str
    commit: str
    heads: tuple[LedgerHead, ...]
    signature: Signature | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """One version. ``change_class`` is None for a first version, ``practices`` where none are declared.
    ``published_at`` is aware UTC; ``text_sha256`` that of ``policy.md``. ``pdf`` names its PDF, if there is
    one; ``language`` is the tag of that of ``markdown``. ``ref`` is None where the version comes from no
    repository. What stands between them is filled in by ``settle``.
    """

    key: VersionKey
    title: str
    change_class: ChangeClass | None
    published_at: datetime
    effective: date
    summary: str
    impact: str
    text_sha256: str
    practices: tuple[Practice, ...] | None
    translations: tuple[InLanguage, ...]
    pdf: str
    language: str
    markdown: str
    cut_at: str = "headings"
    clauses: tuple[ClauseName, ...] = ()
    links: tuple[ClauseLink, ...] = ()
    ref: PostedRef | None = None

    @property
    def signature(self) -> Signature | None:
        """Of the version ref."""
        return self.ref.signature if self.ref else None

    @property
    def number(self) -> int:
        """Of the version."""
        return self.key.number

    @property
    def changed(self) -> tuple[ClauseLink, ...]:
        """The links in which words, place, heading or level changed."""
        return tuple(link for link in self.links if link.kinds - {Kind.UNCHANGED, Kind.FORMAT_ONLY})


@dataclass(frozen=True, slots=True)
class Settled:
    """A version with its clauses named, its text, and the step from the one before (None for the first)."""

    posted: Posted
    document: Document
    revision: Revision | None


def settle(posted: Posted, before: Settled | None) -> Settled:
    """Name the clauses: an id stays with its clause from version to version."""
    document = parse(_FRONT + posted.markdown)
    if before is None:
        return Settled(_named(posted, document, None), document, None)
    earlier, later = before.posted.practices or (), posted.practices or ()
    revision = compare(before.document, document, earlier, later)
    return Settled(_named(posted, revision.new, revision), revision.new, revision)


def between(old: Posted, new: Posted) -> Revision:
    """What differs between any two versions of a policy."""
    return compare(document_of(old), document_of(new), old.practices or (), new.practices or ())


def _named(posted: Posted, document: Document, revision: Revision | None) -> Posted:
    names = tuple(ClauseName(each.id, each.heading, each.level) for each in document.clauses)
    links = tuple(
        ClauseLink(change.kinds, _ids(change.old), _ids(change.new), change.format)
        for change in (revision.clauses if revision else ())
    )
    return replace(posted, cut_at=document.cut_at, clauses=names, links=links)


def _ids(clauses: tuple[Clause, ...]) -> tuple[str, ...]:
    return tuple(clause.id for clause in clauses)


@lru_cache(_REMEMBERED)
def document_of(posted: Posted) -> Document:
    """The text of a version that was settled before. ValueError where its clauses are not those named."""
    document = parse(_FRONT + posted.markdown, cut_at=posted.cut_at)
    return _with_ids(document, [name.id for name in posted.clauses])


def _with_ids(document: Document, ids: list[str]) -> Document:
    named = zip(document.clauses, ids, strict=True)
    return replace(document, clauses=tuple(replace(clause, id=own) for clause, own in named))


def translated(posted: Posted, words: InLanguage) -> Document:
    """The text in another language. Where it has the same clauses, they bear the same ids."""
    document = parse(_FRONT + words.markdown, cut_at=posted.cut_at)
    levels = [name.level for name in posted.clauses]
    if [clause.level for clause in document.clauses] != levels:
        return document
    return _with_ids(document, [name.id for name in posted.clauses])


def to_json(posted: Posted) -> bytes:
    """``data.json`` beside a version."""
    return dumped(
        {
            "schema": SCHEMA,
            "page": "version",
            "policy": posted.key.slug,
            "version": posted.number,
            "title": posted.title,
            "class": posted.change_class.value if posted.change_class else None,
            "published": moment(posted.published_at),
            "effective": posted.effective.isoformat(),
            "summary": posted.summary,
            "impact": posted.impact,
            "text_sha256": posted.text_sha256,
            "ref": _ref_json(posted),
            "practices": None
            if posted.practices is None
            else [{**practice_json(each), "line": each.line} for each in posted.practices],
            "pdf": posted.pdf or None,
            "language": posted.language,
            "cut_at": posted.cut_at,
            "clauses": [
                {"id": each.id, "heading": each.heading, "level": each.level} for each in posted.clauses
            ],
            "changes": [_link_json(each) for each in posted.links],
            "markdown": posted.markdown,
            "translations": [
                {"lang": each.lang, "title": each.title, "markdown": each.markdown}
                for each in posted.translations
            ],
        }
    )


def _ref_json(posted: Posted) -> Json | None:
    if posted.ref is None:
        return None
    signed = posted.ref.signature
    return {
        "name": f"policy/{posted.key.slug}/v{posted.number}",
        "tag": posted.ref.tag,
        "commit": posted.ref.commit,
        "signature": {"state": signed.state, "signer": signed.signer or None} if signed else None,
        "ledger_heads": heads_json(posted.ref.heads),
    }


def _link_json(link: ClauseLink) -> Json:
    return {
        "kinds": sorted(kind.value for kind in link.kinds),
        "old": list(link.old),
        "new": list(link.new),
        "format": list(link.format),
    }


def dumped(values: Json) -> bytes:
    """JSON for the site: the same values give the same bytes."""
    return (json.dumps(values, ensure_ascii=False, indent=1) + "\n").encode()


def moment(at: datetime) -> str:
    """``2026-11-30T09:00:00Z``."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def from_json(data: bytes) -> Posted:
    """Read one back; ValueError (KeyError and TypeError too) where it is not what ``to_json`` wrote."""
    raw = json.loads(data)
    if raw["schema"] != SCHEMA or raw["page"] != "version":
        raise ValueError(raw["schema"])
    practices = raw["practices"]
    return Posted(
        key=VersionKey(raw["policy"], raw["version"]),
        title=raw["title"],
        change_class=ChangeClass(raw["class"]) if raw["class"] else None,
        published_at=datetime.fromisoformat(raw["published"]),
        effective=date.fromisoformat(raw["effective"]),
        summary=raw["summary"],
        impact=raw["impact"],
        text_sha256=raw["text_sha256"],
        practices=None if practices is None else tuple(map(_practice, practices)),
        translations=tuple(InLanguage(**each) for each in raw["translations"]),
        pdf=raw["pdf"] or "",
        language=raw["language"],
        markdown=raw["markdown"],
        cut_at=raw["cut_at"],
        clauses=tuple(ClauseName(**each) for each in raw["clauses"]),
        links=tuple(map(_link, raw["changes"])),
        ref=_ref(raw["ref"]) if raw["ref"] else None,
    )


def _ref(raw: Mapping[str, Any]) -> PostedRef:
    signed = raw["signature"]
    heads = tuple(LedgerHead(each["entry"], bytes.fromhex(each["root"])) for each in raw["ledger_heads"])
    signature = Signature(signed["state"], signed["signer"] or "") if signed else None
    return PostedRef(raw["tag"], raw["commit"], heads, signature)


def _link(raw: Mapping[str, Any]) -> ClauseLink:
    kinds = frozenset(Kind(kind) for kind in raw["kinds"])
    return ClauseLink(kinds, tuple(raw["old"]), tuple(raw["new"]), tuple(raw["format"]))


def _practice(raw: Mapping[str, Any]) -> Practice:
    return Practice(
        id=raw["id"],
        clause=raw["clause"],
        categories=tuple(raw["data"]),
        purpose=raw["purpose"],
        recipients=tuple(Recipient(each["class"], each["name"]) for each in raw["recipients"]),
        retention=raw["retention"],
        choice=ChoiceMode(raw["choice"]),
        keep_existing=raw["existing"] == "keep",
        line=raw["line"],
    )
