# SPDX-License-Identifier: Apache-2.0
"""``policyctl site build``: every published version as pages, all or nothing.

1. What was built before is looked at: pages of a version whose version ref, looks and terms are the same, and
   whose bytes are still those that were written, stay as they are, and so do those of all versions before it.
2. Only the versions behind those are read from git and compared; a page once built is never built anew.
3. Tables, feeds and the page of the version in force are made from the data beside each version.
4. The pages are written beside the site and swapped in (``adapters/site/folder.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from policyctl import __version__
from policyctl.adapters.site.folder import Earlier, building_alone, earlier_site, write_site
from policyctl.core.formats.version_note import MarkedVersion
from policyctl.core.practice import Taxonomy
from policyctl.core.proof.heads import read_heads
from policyctl.errors import CannotCompareError, PolicyctlError, RefusedError
from policyctl.reports.site.look import Look, Painter, Theme, recipe
from policyctl.reports.site.pages import PostedPolicy, overview_files
from policyctl.reports.site.posted import (
    InLanguage,
    Posted,
    PostedRef,
    Settled,
    Signature,
    document_of,
    from_json,
    settle,
)
from policyctl.reports.site.version_pages import Printing, paper_page, version_files

if TYPE_CHECKING:
    from policyctl.actions.evidence.trust import Trust
    from policyctl.actions.versions.sources import Shelf, Source

Load = Callable[[MarkedVersion], "Source"]
Printer = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How the site is made. ``theme`` reads the theme, told the slugs; ``printer`` opens what makes PDFs,
    None where none are wanted; ``signed_by`` says who signed a version's ref: None where it bears no
    signature, empty where whose it is cannot be confirmed; without it nobody is asked.
    """

    look: Look = field(default_factory=Look)
    theme: Callable[[frozenset[str]], Theme] | None = None
    printer: Callable[[], Printer | None] | None = None
    signed_by: Callable[[MarkedVersion], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """``changed``: anything was (or would be) written; ``pages`` of the site, ``made`` anew among those of
    versions, ``without_pdf``: how many versions have no PDF.
    """

    changed: bool
    pages: int
    made: int
    without_pdf: int


def trusted(shelf: Shelf, trust: Trust) -> Load:
    """Reads versions, and refuses those whose refs ``sync`` would refuse: nobody else's text is posted."""

    def load(mark: MarkedVersion) -> Source:
        trust.require(mark.key, mark.tag)
        return shelf.version(mark)

    return load


@dataclass(slots=True)
class _Build:
    """What one build has gathered."""

    printing: Printing
    earlier: Earlier
    options: SiteOptions
    files: dict[str, bytes] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    printed: dict[str, str] = field(default_factory=dict)
    signers: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def keep(self, paths: Iterable[str]) -> Mapping[str, bytes] | None:
        """These pages as they stand; None where one is not as it was written."""
        found = {path: self.earlier.read(path) for path in paths}
        return (
            {path: data for path, data in found.items() if data is not None} if all(found.values()) else None
        )


def build_site(
    marked: Sequence[MarkedVersion],
    *,
    load: Load,
    site: Path,
    today: date,
    taxonomy: Taxonomy,
    options: SiteOptions,
    anew: bool = False,
    dry_run: bool = False,
) -> Built:
    """Bring the pages in ``site`` up to the published versions, ``marked`` in order of slug and number.
    ``anew``: nothing is kept but PDFs. With ``dry_run`` nothing is written.
    """
    site = _led_to(site)
    with nullcontext() if dry_run else building_alone(site):
        build, policies, notes = _gather(marked, load, site, today, taxonomy, options, anew=anew)
        changed = not dry_run and write_site(site, build.files, kept=build.kept, notes=notes)
    without = sum(not version.pdf for policy in policies for version in policy.versions)
    return Built(changed or (dry_run and _differs(build)), len(build.files), build.made, without)


def _led_to(site: Path) -> Path:
    """Of a link, what it leads to is replaced, not the link. RefusedError for a place within git's folder."""
    try:
        place = site.resolve()
    except (OSError, RuntimeError) as error:  # the second of a loop, before Python 3.13
        raise RefusedError(
            f"{site} is a link that leads nowhere", hint="make it a folder, or name another"
        ) from error
    if ".git" in map(str.casefold, place.parts):
        raise RefusedError(f"{site} lies in the folder of git itself", hint="name another folder")
    return place


def site_pages(
    marked: Sequence[MarkedVersion],
    *,
    load: Load,
    site: Path,
    today: date,
    taxonomy: Taxonomy,
    options: SiteOptions,
) -> Mapping[str, bytes]:
    """Every page by its path, made anew from the version refs (PDFs aside); writes nothing."""
    return _gather(marked, load, site, today, taxonomy, options, anew=True)[0].files


def _gather(
    marked: Sequence[MarkedVersion],
    load: Load,
    site: Path,
    today: date,
    taxonomy: Taxonomy,
    options: SiteOptions,
    *,
    anew: bool,
) -> tuple[_Build, list[PostedPolicy], dict[str, Any]]:
    """All pages, the policies they show, and what the next builder is told."""
    if not marked:
        raise CannotCompareError(
            "no version is published, so there is nothing to post", hint="run `policyctl publish SLUG --plan`"
        )
    slugs = frozenset(mark.key.slug for mark in marked)
    printing = open_printing(options, taxonomy, slugs)
    made_by = recipe(
        printing.painter.look, terms=repr(taxonomy), release=f"{__version__} {bool(options.printer)}"
    )
    build = _Build(printing, earlier_site(site), options)
    known = {} if anew or build.earlier.notes.get("recipe") != made_by else build.earlier.notes["versions"]
    notes: dict[str, Any] = {
        "recipe": made_by,
        "versions": {},
        "printed": build.printed,
        "signers": build.signers,
    }
    policies = [
        _policy([mark for mark in marked if mark.key.slug == slug], load, known, build, notes["versions"])
        for slug in sorted(slugs)
    ]
    build.files |= dict(overview_files(policies, printing, today))
    return build, policies, notes


def open_printing(options: SiteOptions, taxonomy: Taxonomy, slugs: frozenset[str] = frozenset()) -> Printing:
    """What pages are made with."""
    look = replace(options.look, theme=options.theme(slugs)) if options.theme else options.look
    return Printing(Painter(look), taxonomy)


def _differs(build: _Build) -> bool:
    there = build.earlier.files
    wanted = {path: hashlib.sha256(data).hexdigest() for path, data in build.files.items()}
    return dict(there) != wanted


def _policy(
    marked: Sequence[MarkedVersion],
    load: Load,
    known: Mapping[str, Any],
    build: _Build,
    notes: dict[str, Any],
) -> PostedPolicy:
    """The versions of one policy; their pages go into the build, and which those are into the notes."""
    kept = _kept(marked, known, build)
    last = Settled(kept[-1], document_of(kept[-1]), None) if kept else None
    versions = list(kept)
    signers = {mark.key.number: _signer(mark, build, known=bool(known)) for mark in marked}
    for mark in marked[len(kept) :]:
        settled = settle(_posted(mark, load(mark), build, signers[mark.key.number]), last)
        settled, pages = _pages(settled, last, build)
        build.files |= pages
        build.made += len(pages)
        notes[str(mark.key)] = {"tag": mark.tag, "pages": sorted(pages)}
        versions.append(settled.posted)
        last = settled
    notes |= {str(version.key): known[str(version.key)] for version in kept}
    heads = {mark.key.number: read_heads(mark.note.ledger_head) for mark in marked}
    return PostedPolicy(marked[0].key.slug, tuple(versions), signers, heads)


def _signer(mark: MarkedVersion, build: _Build, *, known: bool) -> str | None:
    """Who signed the ref. A signature is looked at once: the tag's id is that of its bytes."""
    if build.options.signed_by is None:
        return None
    there = build.earlier.notes.get("signers", {}) if known else {}
    signer: str | None = there[mark.tag] if mark.tag in there else build.options.signed_by(mark)
    if signer is not None:
        build.signers[mark.tag] = signer
    return signer


def _kept(marked: Sequence[MarkedVersion], known: Mapping[str, Any], build: _Build) -> list[Posted]:
    """The versions from the first on whose pages stay."""
    found: list[Posted] = []
    for mark in marked:
        note = known.get(str(mark.key))
        pages = build.keep(note["pages"]) if note and note["tag"] == mark.tag else None
        posted = _read(pages, mark) if pages else None
        if pages is None or posted is None:
            break
        build.files |= pages
        build.kept |= {path: build.earlier.files[path] for path in pages}
        build.printed |= {
            path: page for path, page in build.earlier.notes["printed"].items() if path in pages
        }
        found.append(posted)
    return found


def _read(pages: Mapping[str, bytes], mark: MarkedVersion) -> Posted | None:
    try:
        posted = from_json(pages[f"{mark.key.slug}/v{mark.key.number}/data.json"])
    except (ValueError, KeyError, TypeError):  # of another release: it is built again
        return None
    return posted


def _posted(mark: MarkedVersion, source: Source, build: _Build, signer: str | None) -> Posted:
    change = source.policy.change if source.policy else None
    number, slug = mark.key.number, mark.key.slug
    return Posted(
        key=mark.key,
        title=mark.note.title,
        change_class=mark.note.change_class,
        published_at=mark.published_at,
        effective=mark.note.effective,
        summary=change.summary.strip() if change else "",
        impact=change.impact.strip() if change else "",
        text_sha256=source.side.sha256,
        practices=source.practices,
        translations=tuple(
            InLanguage(each.file.split(".")[1], each.policy.title, _body(each.policy.document))
            for each in source.translations
        ),
        pdf=f"{slug}-v{number}.pdf" if build.options.printer else "",
        language=(source.policy.language if source.policy else "") or build.options.look.language,
        markdown=_body(source.document),
        ref=PostedRef(mark.tag, mark.commit, read_heads(mark.note.ledger_head), _signature(build, signer)),
    )


def _signature(build: _Build, signer: str | None) -> Signature | None:
    """As it was found; None where nobody is asked."""
    if build.options.signed_by is None:
        return None
    if signer is None:
        return Signature("none")
    return Signature("good", signer) if signer else Signature("unconfirmed")


def _body(document: Any) -> str:
    text: str = document.text[document.body :]
    return text


def _pages(settled: Settled, last: Settled | None, build: _Build) -> tuple[Settled, dict[str, bytes]]:
    """The files of a version. One that cannot be printed has no PDF, and says so nowhere else."""
    pdf = _pdf(settled, build)
    if pdf is None and settled.posted.pdf:
        settled = replace(settled, posted=replace(settled.posted, pdf=""))
    pages = dict(version_files(settled, last.posted if last else None, build.printing))
    if pdf is not None:
        pages[_pdf_path(settled.posted)] = pdf
    return settled, pages


def _pdf_path(posted: Posted) -> str:
    return f"{posted.key.slug}/v{posted.number}/{posted.pdf}"


def _pdf(settled: Settled, build: _Build) -> bytes | None:
    """The PDF, the one that is there where it was made from the same page."""
    if build.options.printer is None:
        return None
    page, path = paper_page(settled.posted, settled.document, build.printing), _pdf_path(settled.posted)
    digest = hashlib.sha256(page.encode()).hexdigest()
    there = build.earlier.notes.get("printed", {}).get(path) == digest
    data = (build.earlier.read(path) if there else None) or _printed(page, build.options.printer())
    if data is not None:
        build.printed[path] = digest
    return data


def _printed(page: str, printer: Printer | None) -> bytes | None:
    try:
        return printer(page) if printer is not None else None
    except PolicyctlError:
        return None
