# SPDX-License-Identifier: Apache-2.0
"""Reads the taxonomy and the word lists that ship inside the package."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any

from policyctl.core.judge.catalogue import KINDS, Catalogue, Entry, Lexicon, Lexicons, LocalTerms, index_of
from policyctl.core.practice import Taxonomy, Term
from policyctl.core.text.words import folded

_NEXT_TABLE = re.compile(r"^\[(?!language\])", re.MULTILINE)
_LISTS = (("data", "categories"), ("purpose", "purposes"), ("recipient", "recipients"))


def load_catalogue(local: LocalTerms | None = None) -> Catalogue:
    """The package's taxonomy and lexicons, with a repository's own terms added."""
    own = local or LocalTerms()
    return Catalogue(taxonomy=_taxonomy(own), lexicons=_lexicons(own))


def _taxonomy(own: LocalTerms) -> Taxonomy:
    raw = tomllib.loads(_text("policyctl", "taxonomy.toml"))
    return Taxonomy(
        categories=MappingProxyType(_terms(raw["categories"]) | dict(own.categories)),
        purposes=MappingProxyType(_terms(raw["purposes"]) | dict(own.purposes)),
        recipients=MappingProxyType(_terms(raw["recipients"]) | dict(own.recipients)),
    )


def _terms(raw: Mapping[str, Any]) -> dict[str, Term]:
    return {
        key: Term(key, value["label"], sensitive=bool(value.get("sensitive")), dpv=value.get("dpv", ""))
        for key, value in raw.items()
    }


def _lexicons(own: LocalTerms) -> Lexicons:
    """Of each list only the head is read at once: most texts are in one language."""
    folder = resources.files("policyctl.core.judge").joinpath("lexicon")
    texts: dict[str, str] = {}
    common: dict[str, frozenset[str]] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            text = file.read_text("utf-8")
            head = tomllib.loads(_NEXT_TABLE.split(text, maxsplit=1)[0])
            code = head["language"]["code"]
            texts[code], common[code] = text, _common(head)
    return Lexicons(MappingProxyType(common), lambda code: _lexicon(tomllib.loads(texts[code]), own))


def _common(raw: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(raw["language"]["common"].casefold().split())


def _lexicon(raw: Mapping[str, Any], own: LocalTerms) -> Lexicon:
    entries = (*_entries(raw), *_local(own))
    return Lexicon(
        code=raw["language"]["code"],
        name=raw["language"]["name"],
        common=_common(raw),
        entries=entries,
        units=MappingProxyType({word.casefold(): days for word, days in raw.get("units", {}).items()}),
        numbers=MappingProxyType({word.casefold(): value for word, value in raw.get("numbers", {}).items()}),
        months=frozenset(map(str.casefold, raw.get("months", {}).get("names", ()))),
        ages=frozenset(map(str.casefold, raw["language"].get("ages", ()))),
        persons=frozenset(map(str.casefold, raw["language"]["persons"])),
        refers=frozenset(map(str.casefold, raw["language"].get("refers", ()))),
        places=frozenset(map(str.casefold, raw["language"].get("places", ()))),
        negation_follows=raw["language"].get("negation_follows", 0),
        index=index_of(entries),
    )


def _entries(raw: Mapping[str, Any]) -> Iterator[Entry]:
    for kind in KINDS:
        for term, phrases in raw.get(kind, {}).items():
            for phrase in dict.fromkeys(phrases):
                yield Entry(kind, term, tuple(phrase.casefold().split()))


def _local(own: LocalTerms) -> Iterator[Entry]:
    for kind, name in _LISTS:
        for term in getattr(own, name).values():
            if words := folded(term.label):
                yield Entry(kind, term.id, words)


def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text("utf-8")
