# SPDX-License-Identifier: Apache-2.0
"""A text that somebody already has -> a ``policy.md`` to go on with.

Markdown keeps its body byte for byte; plain text goes through ``plaintext``; HTML has been turned
into Markdown before (adapters/html_text.py).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from policyctl.core.formats.complaints import parse_day, plain
from policyctl.core.formats.frontmatter import KEYS, front_lines
from policyctl.core.formats.yamltext import YamlMap, read_yaml
from policyctl.core.policy import Clause
from policyctl.core.text.day_in_words import effective_day
from policyctl.core.text.parse import front_matter_end, parse
from policyctl.core.text.plaintext import from_plain

_PLAIN_YAML = re.compile(r"[^\W\d_](?:[\w .,'’()/&–-]*[\w.)])?")
_YAML_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ATX = re.compile(r"^#{1,6}\s+\S", re.MULTILINE)
_HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|main|article|h1|div|p)\b",
    re.IGNORECASE | re.DOTALL,
)


class SourceKind(StrEnum):
    """What kind of text a file holds."""

    MARKDOWN = "Markdown"
    HTML = "HTML"
    PLAIN = "plain text"


@dataclass(frozen=True, slots=True)
class Imported:
    """A new ``policy.md``, what was found in the source, and what a person should look at."""

    text: str
    title: str
    effective: date | None
    clauses: tuple[Clause, ...]
    remarks: tuple[str, ...]


def kind_of(name: str, text: str) -> SourceKind:
    """By the ending of the name, else by how the text begins and what it holds."""
    ending = name.lower().rpartition(".")[2]
    if ending in {"md", "markdown", "mdown", "mkd"}:
        return SourceKind.MARKDOWN
    if ending in {"html", "htm", "xhtml"} or _HTML.match(text):
        return SourceKind.HTML
    if ending in {"txt", "text"}:
        return SourceKind.PLAIN
    return SourceKind.MARKDOWN if _ATX.search(text) or text.startswith("---\n") else SourceKind.PLAIN


def import_plain(text: str, *, fallback_title: str) -> Imported:
    """Plain text: headings, lists and nesting are guessed (core/text/plaintext.py)."""
    found = from_plain(text)
    remarks = ("headings and their nesting are guesses: look them over",) if found.headings else ()
    return _imported(found.title, found.body, effective_day(text), fallback_title, remarks)


def import_markdown(text: str, *, file: str, fallback_title: str) -> Imported:
    """Markdown: the body stays as it is; of a front matter, our own keys are kept.

    Raises ``InputError`` when there is a front matter that cannot be read.
    """
    text = text.removeprefix("\ufeff")
    body = text[front_matter_end(text) :]
    front = front_lines(text, file=file) if front_matter_end(text) else None
    fields = read_yaml(front, file=file, first_line=2) if front else None
    kept, remarks = _kept(fields if isinstance(fields, YamlMap) else None)
    title = kept.get("title") or _first_top_heading(body)
    day = parse_day(kept.get("effective", "")) or effective_day(body)
    return _imported(title, body, day, fallback_title, remarks)


def import_html(title: str, markdown: str, *, fallback_title: str) -> Imported:
    """HTML that an adapter has turned into Markdown already."""
    return _imported(title, markdown, effective_day(markdown), fallback_title, ())


def draft(title: str) -> str:
    """A policy to fill in. Its clauses are empty, which no check lets pass."""
    return front_matter(title, None) + "\n" + _OUTLINE


def _imported(
    title: str, body: str, day: date | None, fallback_title: str, remarks: tuple[str, ...]
) -> Imported:
    if day is None:
        remarks = (*remarks, "no effective date was found: write one before publishing")
    if not title:
        remarks = (*remarks, "no title was found: the one in the front matter comes from the name")
    name = " ".join((title or fallback_title).split())
    text = front_matter(name, day) + "\n" + body.lstrip("\n")
    document = parse(text)
    clauses = tuple(clause for clause in document.clauses if clause.heading)
    return Imported(text, name, day, clauses, remarks)


def front_matter(title: str, effective: date | None) -> str:
    """The block that opens a ``policy.md``."""
    day = f"effective: {effective}" if effective else "# effective: 2027-01-15   the day from which it binds"
    return f"---\ntitle: {_yaml(title)}\n{day}\n---\n"


def _yaml(words: str) -> str:
    """Words as a YAML scalar: bare where that is safe, else in double quotes (JSON is YAML)."""
    bare = _PLAIN_YAML.fullmatch(words) and words.lower() not in _YAML_WORDS
    return words if bare else json.dumps(words, ensure_ascii=False)


def _kept(fields: YamlMap | None) -> tuple[dict[str, str], tuple[str, ...]]:
    """The values of our own keys, and a remark on those that were left out."""
    if fields is None:
        return {}, ()
    kept = {key: plain(node) or "" for key, node in fields.items.items() if key in KEYS}
    foreign = [key for key in fields.items if key not in {"title", "effective"}]
    return kept, ((f"left out of the front matter: {', '.join(foreign)}",) if foreign else ())


def _first_top_heading(body: str) -> str:
    """The document's own title: its only top heading, if it is also the first."""
    headed = [clause for clause in parse(body).clauses if clause.heading]
    tops = [clause for clause in headed if clause.level == 1]
    return tops[0].heading if len(tops) == 1 and headed[0] is tops[0] else ""


_OUTLINE = """\
## What we collect {#collection}

<!-- Which data, from whom, and when. -->

## What we use it for {#use}

<!-- Each purpose in a sentence. Declare the same in practices.yaml. -->

## Who receives it {#recipients}

<!-- Kinds of companies, and names where you can give them. -->

## How long we keep it {#retention}

<!-- A time for each kind of data. -->

## Your choices {#choices}

<!-- What the reader can refuse or ask for, and how. -->

## Changes to this policy {#changes}

<!-- Where a change is announced, who is told, and how long before it takes effect. -->

## Contact {#contact}

<!-- Who is responsible, and how to reach them. -->
"""
