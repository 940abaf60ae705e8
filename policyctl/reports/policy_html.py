# SPDX-License-Identifier: Apache-2.0
"""The text of a policy as HTML that is safe to serve, whoever wrote it.

Raw HTML is text. An image is its description: no reader's browser is sent anywhere by looking.
A link leads to http, https, mailto, or a place on this site; any other is text.
Every clause's heading carries the clause's id, so that a clause has a permanent address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from policyctl.core.policy import Clause, Document
from policyctl.core.text.coverage import NESTING
from policyctl.reports.words import shown

_SAFE_SCHEMES = frozenset({"", "http", "https", "mailto"})
_EXPLICIT_ID = re.compile(r"[ \t]*\{#[^{}\s]+\}[ \t]*$")
_DEEPEST = 6


def policy_body(document: Document, *, beside: Callable[[Clause], str] | None = None) -> str:
    """The policy's own text, front matter left out, headings below the title, which is the first.
    ``beside`` gives HTML to stand behind the heading of a clause.
    """
    text = document.text[document.body :]
    # Hidden characters are written out line by line, so that the lines of the clauses still hold.
    body = "\n".join(shown(line, keep="\t\r") for line in text.split("\n"))
    offset = document.text[: document.body].count("\n")
    parser = _parser()
    tokens = parser.parse(body)
    _mark_clauses(tokens, [(clause.line - offset, clause) for clause in document.clauses], beside)
    rendered: str = parser.renderer.render(tokens, parser.options, {})
    return rendered


def clause_bodies(document: Document, *, home: str) -> dict[str, str]:
    """What stands below the heading of each clause, by its id, as safe HTML; headings within it are those
    of a page's third level. An id that a text gives twice is that of the first. ``home``: where the whole
    text is, which links from clause to clause lead to.
    """
    parser, env = _parser(), dict[str, Any]()
    text = "\n".join(shown(line, keep="\t\r") for line in document.text[document.body :].split("\n"))
    offset = document.text[: document.body].count("\n")
    starts = [(clause.line - offset, clause) for clause in document.clauses]
    groups: dict[str, list[Token]] = {}
    own: list[Token] = []
    at, titled = 0, False
    for token in parser.parse(text, env):
        if token.level == 0 and token.nesting >= 0:
            while at < len(starts) and starts[at][0] <= _line(token):
                clause = starts[at][1]
                own, at = groups.setdefault(clause.id, []), at + 1
                titled = bool(clause.heading) and starts[at - 1][0] == _line(token)
        own.append(token)
        if titled and token.level == 0 and token.nesting <= 0:
            own.clear()
            titled = False
    return {name: _rendered(parser, tokens, env, home) for name, tokens in groups.items()}


def _rendered(parser: MarkdownIt, tokens: list[Token], env: dict[str, Any], home: str) -> str:
    for token in tokens:
        for child in token.children or ():
            where = str(child.attrGet("href") or "")
            if where.startswith("#"):
                child.attrSet("href", home + where)
        if token.type in {"heading_open", "heading_close"}:
            token.tag = "h3"
    rendered: str = parser.renderer.render(tokens, parser.options, env)
    return rendered


def _parser() -> MarkdownIt:
    options = {"html": False, "maxNesting": NESTING}
    parser = MarkdownIt("commonmark", options).enable("table").disable(["html_block", "html_inline"])
    parser.validateLink = _is_safe_link  # type: ignore[method-assign] # the library's own way to set it
    parser.add_render_rule("image", _described)
    parser.add_render_rule("link_open", _link)
    return parser


def _is_safe_link(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return False
    if parts.scheme.lower() not in _SAFE_SCHEMES:
        return False
    # "//host" and "/\\host" lead away without saying so.
    return bool(parts.scheme) or not re.match(r"(?:[/\\]|%5c){2}|\\|%5c", url.strip(), re.IGNORECASE)


def _described(
    self: RendererHTML,
    tokens: Sequence[Token],
    idx: int,
    options: Mapping[str, Any],
    env: dict[str, Any],
) -> str:
    described = self.renderInlineAsText(tokens[idx].children or [], options, env)  # type: ignore[arg-type]
    return f"[image: {_escaped(described) or 'no description'}]"


def _link(
    self: RendererHTML,
    tokens: Sequence[Token],
    idx: int,
    options: Mapping[str, Any],
    env: dict[str, Any],
) -> str:
    tokens[idx].attrSet("rel", "noopener noreferrer")
    return self.renderToken(tokens, idx, options, env)  # type: ignore[arg-type]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _mark_clauses(
    tokens: list[Token], clauses: Sequence[tuple[int, Clause]], beside: Callable[[Clause], str] | None
) -> None:
    """Every clause has its id on the page, at its heading where it has one. ``clauses`` by line. An id that
    a text gives twice is the place of the first.
    """
    by_line, given = dict(clauses), set[str]()
    for opened, inline in _headings(tokens):
        if opened.type == "heading_open" and inline.children:
            _drop_explicit_id(inline.children)
        clause = by_line.get(_line(opened))
        if clause and clause.id not in given:
            given.add(clause.id)
            opened.attrSet("id", clause.id)
            if beside is not None and clause.heading and inline.children:
                # Ours, made behind the parser: raw HTML of the text itself never becomes such a token.
                inline.children.append(Token("html_inline", "", 0, content=beside(clause)))
    for line, clause in clauses:
        if clause.id not in given:
            given.add(clause.id)
            _mark_line(tokens, line, clause.id)
    _settle_levels(tokens)


def _line(token: Token) -> int:
    return (token.map or [-1])[0] + 1


def _mark_line(tokens: list[Token], line: int, name: str) -> None:
    """Give an id to what begins on a line; where nothing does, a place of its own before what follows."""
    for token in tokens:
        if _line(token) == line and token.type != "inline" and not token.hidden and not token.attrGet("id"):
            token.attrSet("id", name)
            return
    behind = (at for at, token in enumerate(tokens) if token.level == 0 and token.map and _line(token) > line)
    place = Token("html_block", "", 0, content=f'<span id="{_escaped(name)}"></span>\n')
    tokens.insert(next(behind, len(tokens)), place)


def _settle_levels(tokens: Sequence[Token]) -> None:
    """The title of the page is the first level, and none is left out below it, whatever the text does: who
    goes from heading to heading by ear would look for what is not there.
    """
    above: list[tuple[int, int]] = []
    for token in tokens:
        if token.type == "heading_open":
            own = int(token.tag[1:])
            while above and above[-1][0] >= own:
                above.pop()
            above.append((own, min(_DEEPEST, (above[-1][1] if above else 1) + 1)))
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{above[-1][1]}"


def _headings(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """What may open a clause: headings, those in lists too, and at the top level paragraphs of bold text."""
    for opened, inline in pairwise(tokens):
        if opened.type == "heading_open" or (opened.level == 0 and opened.type == "paragraph_open"):
            yield opened, inline


def _drop_explicit_id(children: list[Token]) -> None:
    last = children[-1]
    if last.type == "text":
        last.content = _EXPLICIT_ID.sub("", last.content)
