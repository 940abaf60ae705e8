# SPDX-License-Identifier: Apache-2.0
"""HTML -> Markdown (markdownify over Beautiful Soup), with headings that keep their anchors.

1. What is not the document goes: scripts, styles, forms, navigation, hidden parts.
2. If there is one ``main`` or ``article``, that is the document; else the body, without its own
   ``header`` and ``footer``.
3. A single top heading that comes first is the title. Other headings get ``{#id}``, their own id if
   they have one. Pictures become their alternative text; links keep only safe addresses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag
from markdownify import ATX, MarkdownConverter

from policyctl.core.text.escape import escape_line, escape_words
from policyctl.core.text.plaintext import free_anchor

_NOT_TEXT = (
    "script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "canvas", "video", "audio",
    "nav", "form", "button", "input", "select", "textarea", "dialog", "link", "meta", "base",
)  # fmt: skip
_ROLES = frozenset(
    {"navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "complementary"}
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_SAFE_LINK = re.compile(r"(?:https?://|mailto:|tel:|#|/|\./|\.\./|[\w-]+(?:[./?#]|$))", re.IGNORECASE)
_UNSAFE_LINK = re.compile(r"[\s\x00-\x1f]*(?:javascript|data|vbscript|file):", re.IGNORECASE)
_ANCHOR = re.compile(r"[A-Za-z0-9][\w.:-]*")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BLANKS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class HtmlText:
    """The title, empty when none was found, and the Markdown below it."""

    title: str
    markdown: str


class _Converter(MarkdownConverter):
    """markdownify with our own escaping: its own leaves ``#`` and ``<`` alive or escapes every sign."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Escape words; at the start of a block also what would open a heading, list or quote."""
        if not text.strip():
            return text
        if parent_tags & {"td", "th"}:
            return escape_words(text).replace("|", "\\|")
        if parent_tags & {"h1", "h2", "h3", "h4", "h5", "h6", "a", "strong", "b", "em", "i"}:
            return escape_words(text)
        return "\n".join(_escaped(line) for line in text.split("\n"))


def _escaped(line: str) -> str:
    """``escape_line`` for a line that may be indented."""
    bare = line.lstrip()
    return line[: len(line) - len(bare)] + escape_line(bare)


def html_to_markdown(text: str) -> HtmlText:
    """Turn a page into Markdown; see the rules at the head of this file."""
    soup = BeautifulSoup(text, "html.parser")
    page_title = soup.title.get_text(" ", strip=True) if soup.title else ""
    _remove_what_is_not_text(soup)
    root = _document(soup)
    title = _take_title(root)
    _anchor_headings(root)
    _tame_links(root)
    markdown = _Converter(heading_style=ATX, bullets="-", autolinks=False).convert_soup(root)
    lines = (line.rstrip() for line in markdown.split("\n"))
    return HtmlText(title or page_title, _BLANKS.sub("\n\n", "\n".join(lines)).strip("\n") + "\n")


def _remove_what_is_not_text(soup: BeautifulSoup) -> None:
    for tag in soup.find_all(_NOT_TEXT):
        tag.decompose()
    for tag in soup.find_all(name=True):
        if not tag.decomposed and _is_hidden(tag):
            tag.decompose()


def _is_hidden(tag: Tag) -> bool:
    return (
        tag.has_attr("hidden")
        or tag.get("aria-hidden") == "true"
        or tag.get("role") in _ROLES
        or bool(_HIDDEN.search(str(tag.get("style", ""))))
    )


def _document(soup: BeautifulSoup) -> Tag:
    for name in ("main", "article"):
        found = soup.find_all(name)
        if len(found) == 1:
            return found[0]
    body = soup.body or soup
    for tag in body.find_all(["header", "footer", "aside"]):
        if not tag.decomposed and tag.find("h1") is None:
            tag.decompose()
    return body


def _take_title(root: Tag) -> str:
    headings = root.find_all(_HEADINGS)
    tops = [tag for tag in headings if tag.name == "h1"]
    if len(tops) != 1 or headings[0] is not tops[0]:
        return ""
    return " ".join(tops[0].extract().get_text(" ").split())


def _anchor_headings(root: Tag) -> None:
    taken: set[str] = set()
    for tag in root.find_all(_HEADINGS):
        words = " ".join(tag.get_text(" ").split())
        if not words:
            tag.decompose()
            continue
        own = str(tag.get("id") or "")
        anchor = own if _ANCHOR.fullmatch(own) and own not in taken else free_anchor(words, taken)
        taken.add(anchor)
        tag.append(f" {{#{anchor}}}")


def _tame_links(root: Tag) -> None:
    for image in root.find_all("img"):
        image.replace_with(str(image.get("alt") or ""))
    for link in root.find_all("a"):
        address = str(link.get("href") or "").strip()
        if _UNSAFE_LINK.match(address) or not _SAFE_LINK.match(address):
            link.unwrap()
