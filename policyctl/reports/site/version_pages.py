# SPDX-License-Identifier: Apache-2.0
"""The pages of one version: written once, the same bytes whatever is published after it.

So they say nothing of later versions, and nothing of the day on which they are built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from policyctl.core.policy import Clause, Document
from policyctl.core.practice import Practice, Taxonomy
from policyctl.core.revision import Revision
from policyctl.reports.comparing.html import revision_view
from policyctl.reports.policy_html import policy_body
from policyctl.reports.site.clause_names import folder_of
from policyctl.reports.site.look import Head, Painter, time_of
from policyctl.reports.site.posted import (
    SCHEMA,
    InLanguage,
    Posted,
    Settled,
    dumped,
    to_json,
    translated,
)
from policyctl.reports.site.practice_tables import Says, practice_tables
from policyctl.reports.site.uses import changed_uses
from policyctl.reports.site.wording import Wording, wording
from policyctl.reports.words import shown

_RESERVED = frozenset({"on"})


@dataclass(frozen=True, slots=True)
class Printing:
    """What pages are made with."""

    painter: Painter
    taxonomy: Taxonomy


def version_files(settled: Settled, before: Posted | None, printing: Printing) -> Iterator[tuple[str, bytes]]:
    """The files of a version and of the step to it, by path below the site."""
    posted = settled.posted
    folder = f"{posted.key.slug}/v{posted.number}/"
    yield f"{folder}index.html", text_page(posted, settled.document, printing, path=folder)
    yield f"{folder}data.json", to_json(posted)
    for words in posted.translations:
        path = f"{folder}{language_folder(words.lang)}/"
        yield f"{path}index.html", translation_page(posted, words, printing, path=path)
    if posted.practices is not None:
        yield from practices_pages(posted, before.practices if before else None, printing, folder)
    if before is not None and settled.revision is not None:
        yield from _step_files(before, posted, settled.revision, printing)


def practices_pages(
    posted: Posted,
    before: tuple[Practice, ...] | None,
    printing: Printing,
    folder: str,
    said: Callable[[Wording, str], str] = lambda _say, _title: "",
) -> Iterator[tuple[str, bytes]]:
    """The page of practices in each language of the version, below ``folder``. ``said``: as for
    ``practices_page``, told the words and the title.
    """
    for words in (None, *posted.translations):
        lang, title = (words.lang, words.title) if words else (posted.language, posted.title)
        path = f"{folder}{language_folder(lang) + '/' if words else ''}practices/"
        own = said(wording(lang), title)
        yield f"{path}index.html", practices_page(posted, before, printing, path=path, said=own, words=words)


def _step_files(
    before: Posted, posted: Posted, revision: Revision, printing: Printing
) -> Iterator[tuple[str, bytes]]:
    folder, view = f"{posted.key.slug}/changes/v{before.number}..v{posted.number}/", revision_view(revision)
    yield f"{folder}index.html", step_page(before, posted, view, printing)
    yield f"{folder}data.json", dumped(step_json(before, posted, view))


def language_folder(lang: str) -> str:
    """The folder of a language, beside those that every policy has."""
    name = lang.lower()
    return f"x-{name}" if name in _RESERVED else name


# --- the text


def common(posted: Posted, *, glance: bool, data: str = "") -> dict[str, Any]:
    """What every page of a policy says."""
    return {
        "slug": posted.key.slug,
        "title": posted.title,
        "language": posted.language,
        "glance": glance,
        "data": data,
    }


def text_page(
    posted: Posted,
    document: Document,
    printing: Printing,
    *,
    path: str,
    current: dict[str, Any] | None = None,
) -> bytes:
    """The text in the language it was written in. ``current`` has what only the page of the current version
    says; without it the page is that of the version for ever.
    """
    lang = posted.language
    return _text(posted, posted.title, document, printing, path=path, lang=lang, current=current)


def translation_page(
    posted: Posted, words: InLanguage, printing: Printing, *, path: str, current: dict[str, Any] | None = None
) -> bytes:
    """The text in another language."""
    document = translated(posted, words)
    return _text(posted, words.title, document, printing, path=path, lang=words.lang, current=current)


def _text(
    posted: Posted,
    title: str,
    document: Document,
    printing: Printing,
    *,
    path: str,
    lang: str,
    current: dict[str, Any] | None,
) -> bytes:
    painter, fixed, say = printing.painter, current is None, wording(lang)
    mark = Markup(' lang="{}"').format(say.lang) if say.in_language(lang) else Markup()
    up = "../" * path.count("/") + posted.key.slug
    own = painter.look.address(f"{posted.key.slug}/v{posted.number}/")
    known = frozenset(name.id for name in posted.clauses)
    heading = say.text("titled", title=title, number=posted.number)
    values = common(posted, glance=posted.practices is not None, data="data.json") | {
        "title": title,
        "version": posted,
        "fixed": fixed,
        "lang": lang,
        "languages": _languages(posted, lang),
        "contents": _contents(document),
        "meta": (current or {}).get("meta") or _meta(posted, say),
        "kept": _kept(posted, up, say),
        "address": Markup('<a href="{}/v{}/">{}</a>').format(up, posted.number, own),
        # Made by markdown-it with raw HTML off, images off and links checked (policy_html.py).
        "body": Markup(policy_body(document, beside=lambda clause: _beside(clause, up, known, say, mark))),  # noqa: S704
        "upcoming": (),
    }
    if lang != posted.language:
        values["data"] = ""
    head = Head(
        path,
        heading if fixed else shown(title),
        lang,
        running=heading,
        here="text",
        skip=_free("content", document),
    )
    return painter.page("text.html.j2", head, **values | {"upcoming": (current or {}).get("upcoming", ())})


def _meta(posted: Posted, say: Wording) -> Markup:
    days = {"effective": time_of(posted.effective, say), "published": published_on(posted, say)}
    return say("text.fixed", number=posted.number, **days)


def published_on(posted: Posted, say: Wording) -> Markup:
    """The day of publication (UTC)."""
    return time_of(posted.published_at.date(), say)


def _kept(posted: Posted, up: str, say: Wording) -> Markup:
    link = Markup('<a href="{}/">{}</a>').format(up, say("text.kept.current"))
    return say("text.kept", number=posted.number, link=link)


def _free(name: str, document: Document) -> str:
    """An id that no clause has."""
    taken = {clause.id for clause in document.clauses}
    while name in taken:
        name += "-"
    return name


def _beside(clause: Clause, up: str, known: frozenset[str], say: Wording, mark: Markup) -> str:
    """A link to the clause, and one to its history where it has one: a translation may be cut otherwise.
    ``mark``: the language of these words where the text is in another.
    """
    name = shown(clause.heading)
    here, past = quote(clause.id, safe=""), quote(folder_of(clause.id), safe="")
    link = f'<a href="#{here}" aria-label="{say("text.link", heading=name)}">#</a>'
    if clause.id in known:
        of = say("text.history.of", heading=name)
        link += f'<a href="{up}/clauses/{past}/" aria-label="{of}">{say("text.history")}</a>'
    return f' <span class="beside"{mark}>{link}</span>'


def _contents(document: Document) -> list[dict[str, Any]]:
    """The clauses with a heading; level 7 is a heading in bold."""
    named = [clause for clause in document.clauses if clause.heading]
    top = min((clause.level for clause in named), default=0)
    entries = [
        {"id": each.id, "heading": each.heading, "depth": min(3, 1 + each.level - top)} for each in named
    ]
    return entries if len(entries) > 1 else []


def _languages(posted: Posted, lang: str) -> list[dict[str, Any]]:
    """All languages of the version, seen from a page of one of them; nothing where there is one only."""
    if not posted.translations:
        return []
    own = posted.language
    root = "./" if lang == own else "../"
    tags = [(own, ""), *((each.lang, f"{language_folder(each.lang)}/") for each in posted.translations)]
    return [
        {"lang": tag, "href": (root + where) or "./", "here": tag == lang, "name": _name_of(tag)}
        for tag, where in tags
    ]


_NAMES = {
    "bg": "Български", "cs": "Čeština", "da": "Dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English",
    "es": "Español", "et": "Eesti", "fi": "Suomi", "fr": "Français", "ga": "Gaeilge", "hr": "Hrvatski",
    "hu": "Magyar", "it": "Italiano", "ja": "日本語", "ko": "한국어", "lt": "Lietuvių", "lv": "Latviešu",
    "mt": "Malti", "nb": "Norsk bokmål", "nl": "Nederlands", "pl": "Polski", "pt": "Português",
    "ro": "Română", "ru": "Русский", "sk": "Slovenčina", "sl": "Slovenščina", "sv": "Svenska",
    "tr": "Türkçe", "uk": "Українська", "zh": "中文",
}  # fmt: skip


def _name_of(tag: str) -> str:
    """A language in its own words; the tag where we do not know them."""
    language, _, rest = tag.partition("-")
    name = _NAMES.get(language.lower())
    return (f"{name} ({rest})" if rest else name) if name else tag


# --- at a glance


def practices_page(
    posted: Posted,
    before: tuple[Practice, ...] | None,
    printing: Printing,
    *,
    path: str,
    said: str = "",
    words: InLanguage | None = None,
) -> bytes:
    """The three tables, beside those of the version before. ``said``: what the page of the version in force
    says of the version. ``words``: the translation in whose language they are.
    """
    lang, title = (words.lang, words.title) if words else (posted.language, posted.title)
    say = wording(lang)
    tables = practice_tables(posted.practices or (), before, Says(printing.taxonomy, say))
    changes = sum(table.changes for table in tables)
    marked = ""
    if before is not None:
        marked = say.text("practices.marked" if changes else "practices.same", number=posted.number - 1)
    named = {"title": title, "number": posted.number}
    names, text, named_in = _named_clauses(posted, words)
    values = common(posted, glance=True) | {
        "version": posted,
        "said": said or say.text("practices.fixed", **named, day=posted.effective),
        "link": _data_link(posted, path, say),
        "tables": [table for table in tables if table.rows],
        "marked": marked,
        "changes": changes if before is not None else 0,
        "names": names,
        "named_in": named_in,
        "text": text,
    }
    head = Head(path, say.text("practices.title.of", **named), lang, here="practices")
    return printing.painter.page("practices.html.j2", head, **values)


def _named_clauses(posted: Posted, words: InLanguage | None) -> tuple[dict[str, str], str, str]:
    """What the clauses are called, where they are from a page of practices, and in which language. A
    translation that is cut otherwise has no places for them: then they are in the text it is one of.
    """
    own = {each.id: each.heading or each.id for each in posted.clauses}
    if words is None:
        return own, "../", posted.language
    theirs = {each.id: each.heading or each.id for each in translated(posted, words).clauses}
    if theirs.keys() == own.keys():
        return theirs, "../", words.lang
    return own, "../../", posted.language


def _data_link(posted: Posted, path: str, say: Wording) -> Markup:
    where = f"{'../' * path.count('/')}{posted.key.slug}/v{posted.number}/data.json"
    return Markup('<a href="{}">{}</a>').format(where, say("practices.data"))


# --- what changed


def step_page(old: Posted, new: Posted, view: dict[str, Any], printing: Printing) -> bytes:
    """The redline of one step, or between any two versions; ``view`` is the ``revision_view`` of it."""
    step = new.number == old.number + 1
    say = wording(new.language)
    title = say.text("step.title", number=new.number)
    if not step:
        title = say.text("step.between", old=old.number, new=new.number)
    changes = view["practices"] if None not in (old.practices, new.practices) else ()
    values = common(new, glance=new.practices is not None, data="data.json" if step else "") | {
        "old": old,
        "new": new,
        "step": step,
        "class": new.change_class.value if new.change_class else "first",
        "view": view,
        "uses": changed_uses(changes, Says(printing.taxonomy, say)),
    }
    path = f"{new.key.slug}/changes/v{old.number}..v{new.number}/"
    head = Head(path, f"{title}: {shown(new.title)}", new.language, here="changes")
    return printing.painter.page("step.html.j2", head, **values)


def step_json(old: Posted, new: Posted, view: dict[str, Any]) -> dict[str, Any]:
    """``data.json`` beside a step: which clauses changed, and how many words."""
    return {
        "schema": SCHEMA,
        "page": "step",
        "policy": new.key.slug,
        "from": old.number,
        "to": new.number,
        "class": new.change_class.value if new.change_class else None,
        "effective": new.effective.isoformat(),
        "summary": new.summary,
        "words": {"inserted": view["counts"].inserted, "deleted": view["counts"].deleted},
        "clauses": [
            {
                "anchor": item.anchor,
                "heading": item.heading,
                "change": item.label,
                "inserted": item.words.inserted,
                "deleted": item.words.deleted,
            }
            for item in view["loud"]
        ],
        "practices": [
            {"id": each.id, "change": _what(each.old, each.new), "fields": list(each.fields)}
            for each in view["practices"]
        ],
    }


def _what(old: Practice | None, new: Practice | None) -> str:
    return "added" if old is None else "removed" if new is None else "changed"


# --- on paper


def _titled(posted: Posted) -> str:
    return wording(posted.language).text("titled", title=posted.title, number=posted.number)


def paper_page(posted: Posted, document: Document, printing: Printing) -> str:
    """The page that the PDF of a version is made from."""
    painter = printing.painter
    address = painter.look.address(f"{posted.key.slug}/v{posted.number}/")
    return painter.text(
        "paper.html.j2",
        lang=posted.language,
        title=shown(posted.title),
        version=posted,
        address=address,
        foot=Markup(painter.foot(_titled(posted), address)),  # noqa: S704 - a string of CSS
        body=Markup(policy_body(document)),  # noqa: S704 - safe by policy_html
    )
