# SPDX-License-Identifier: Apache-2.0
"""How the site looks: its templates and style, and what a theme puts in their place.

Every page may load a style, a picture or a font from this site and nothing from anywhere else, and runs no
script: its content security policy says so, in the page and again where the page is served.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import BaseLoader, ChoiceLoader, DictLoader, PackageLoader, StrictUndefined, TemplateError
from jinja2 import Environment as Templates
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from policyctl.errors import InputError, Place
from policyctl.reports.site.wording import Wording, catalogues, wording
from policyctl.reports.words import html_without_commands, shown

STYLE, THEME_STYLE = "style.css", "theme.css"
_OURS = "site"
_BULLET = re.compile(r"(?m)^[-*+][^\S\n]+")
_LISTED = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")


@dataclass(frozen=True, slots=True)
class Theme:
    """A company's own look. ``files`` by their path on the site (``theme.css`` is loaded by every page
    behind our own style); ``templates`` take the place of ours of the same name. ``folder`` is how errors
    call it.
    """

    folder: str = ""
    templates: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What holds for every page. ``base_url`` is where the site is served, without a slash at the end;
    empty when nobody said. ``language`` is that of policies that do not say theirs, and of the list of
    policies. ``served``: by ``policyctl serve``, which compares any two versions and knows any day.
    ``authority`` begins the ids of feeds (RFC 4151: a name and a day on which it was ours); empty: they
    begin with the host of ``base_url``.
    """

    name: str = "Privacy policies"
    base_url: str = ""
    language: str = "en"
    served: bool = False
    authority: str = ""
    theme: Theme = field(default_factory=Theme)

    @property
    def prefix(self) -> str:
        """The path below which the site is served: empty, or with a slash before it and none behind."""
        return quote(urlsplit(self.base_url).path.rstrip("/"), safe="/%~")

    def address(self, path: str) -> str:
        """Where a page is, as far as that is known: a URL, or a path of the host."""
        return f"{self.base_url or self.prefix}/{path}"


@dataclass(frozen=True, slots=True)
class Head:
    """What the head of a page says. ``path`` is the page's own below the site (``fax/v3/``), ``lang`` the
    tag of the language that the words around are wanted in, ``running`` what stands at the foot of every
    printed sheet. ``skip``: the id of the main part, which must be free on the page.
    """

    path: str
    title: str
    lang: str
    running: str = ""
    canonical: str = ""
    form: bool = False
    here: str = ""
    skip: str = "content"


class Painter:
    """Fills templates, those of the theme first."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self._templates: dict[str, Templates] = {}

    def page(self, template: str, head: Head, **values: Any) -> bytes:
        """A page of the site."""
        look = self.look
        depth = head.path.count("/")
        running = _running(head.running or head.title, look.address(head.path))
        values |= {
            "site": look,
            "head": head,
            "top": "../" * depth or "./",
            "canonical": look.address(head.path if not head.canonical else head.canonical),
            "themed": THEME_STYLE in look.theme.files,
            "running": Markup(running),  # noqa: S704 - no sign of it means anything to HTML
            "security": _security(running, form=head.form),
        }
        return html_without_commands(self._fill(template, head.lang, values)).encode()

    def text(self, template: str, *, lang: str = "en", **values: Any) -> str:
        """Any other file."""
        return self._fill(template, lang, {"site": self.look, "lang": lang, **values})

    @staticmethod
    def foot(words: str, address: str) -> str:
        """Two lines at the foot of a sheet, fit for a string of CSS."""
        return f"{_css(words)}\\a {_css(address)}"

    def _fill(self, template: str, lang: str, values: Mapping[str, Any]) -> str:
        if lang not in self._templates:
            self._templates[lang] = _templates(self.look.theme, wording(lang))
        try:
            return self._templates[lang].get_template(template).render(values)
        except TemplateError as error:
            if template in self.look.theme.templates or self.look.theme.templates:
                raise _theme_error(self.look.theme, template, error) from error
            raise


def _theme_error(theme: Theme, template: str, error: TemplateError) -> InputError:
    name = getattr(error, "name", None) or template
    line = getattr(error, "lineno", None)
    return InputError(
        f"the template cannot be used: {error.message or type(error).__name__}",
        hint="look at ours of the same name in policyctl/reports/templates/site/",
        place=Place(f"{theme.folder}/{name}", line),
    )


def _templates(theme: Theme, say: Wording) -> Templates:
    """Templates that speak one language. Those of a theme run in a sandbox: who may change the looks need
    not be able to run code.
    """
    ours = PackageLoader("policyctl.reports", f"templates/{_OURS}")
    loaders: list[BaseLoader] = [DictLoader(theme.templates), ours]
    kind = ImmutableSandboxedEnvironment if theme.templates else Templates
    made = kind(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals |= {"say": say, "in_language": say.in_language}
    made.filters |= {
        "written": lambda text: shown(str(text)),
        "day": say.day,
        "time": lambda day: time_of(day, say),
        "prose": prose,
        "thousands": say.number,
        "capfirst": lambda words: words[:1].upper() + words[1:],
        "part": lambda name: quote(str(name), safe=""),
        "code": lambda text: Markup("<code>{}</code>").format(text),
    }
    return made


def time_of(day: date, say: Wording) -> Markup:
    """A day in words, and for machines."""
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), say.day(day))


def prose(words: str) -> str:
    """Legal's words without the line breaks of the file they stand in; lists and paragraphs keep theirs, and
    the items of a list a sign that is one.
    """
    lines = shown(words.strip(), keep="\n\t").split("\n")
    text = lines[0]
    for before, line in pairwise(lines):
        breaks = not line.strip() or not before.strip() or _LISTED.match(line)
        text += f"{chr(10) if breaks else ' '}{line.strip()}"
    return _BULLET.sub("• ", text)


def _running(words: str, address: str) -> str:
    """The style of the sheets: version and address at the foot of each."""
    font = "font: 8pt sans-serif;"
    return (
        "@page { margin: 18mm 18mm 22mm; "
        f'@bottom-left {{ content: "{Painter.foot(words, address)}"; white-space: pre; {font} }} '
        f'@bottom-right {{ content: counter(page) " / " counter(pages); {font} }} }}'
    )


def _css(words: str) -> str:
    """Words inside a string of CSS: whatever is not plain is written as its number."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char in " .,:/_-~") else f"\\{ord(char):x} "
        for char in shown(words, keep="")
    )


def _security(running: str, *, form: bool) -> str:
    digest = b64encode(hashlib.sha256(running.encode()).digest()).decode()
    action = "'self'" if form else "'none'"
    return (
        f"default-src 'none'; style-src 'self' 'sha256-{digest}'; img-src 'self'; font-src 'self'; "
        f"base-uri 'none'; form-action {action}"
    )


def recipe(look: Look, *, terms: str, release: str) -> str:
    """The SHA-256 of all that pages are made with beside the versions: what is kept of an older site was
    made by the same. ``terms``: the words of the taxonomy; ``release``: of this program.
    """
    theme = look.theme
    parts = [
        release,
        terms,
        repr((look.name, look.base_url, look.language, look.served, look.authority)),
        json.dumps(sorted(theme.templates.items())),
        json.dumps(THEME_STYLE in theme.files),
        *_our_templates(),
        *catalogues(),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _our_templates() -> list[str]:
    loader = PackageLoader("policyctl.reports", f"templates/{_OURS}")
    bare = Templates(autoescape=True)
    return [loader.get_source(bare, name)[0] for name in loader.list_templates()]
