# SPDX-License-Identifier: Apache-2.0
"""The word lists: every entry can be found, means a term that exists, and is read by the engine."""

from collections.abc import Mapping

import pytest

from policyctl.adapters.catalogue import load_catalogue
from policyctl.core.judge.catalogue import Entry, Lexicon, LocalTerms, find_hits, language_of
from policyctl.core.judge.signals import CATEGORY_OF
from policyctl.core.practice import Term
from policyctl.core.text.words import folded

CATALOGUE = load_catalogue()
LEXICONS = list(CATALOGUE.lexicons.values())


def in_words(entry: Entry) -> str:
    """A text in which the phrase stands; wildcards stand for nothing."""
    return " ".join(word.strip("*") for word in entry.words)


@pytest.mark.parametrize("lexicon", LEXICONS, ids=lambda lexicon: lexicon.code)
def test_every_entry_is_found_in_its_own_words(lexicon: Lexicon) -> None:
    lost = [
        entry
        for entry in lexicon.entries
        if not any(
            (hit.kind, hit.id) == (entry.kind, entry.id)
            for hit in find_hits(folded(in_words(entry)), lexicon)
        )
    ]
    assert lost == []


@pytest.mark.parametrize("lexicon", LEXICONS, ids=lambda lexicon: lexicon.code)
@pytest.mark.parametrize("kind", ["data", "purpose", "recipient"])
def test_every_term_is_one_of_the_taxonomy(lexicon: Lexicon, kind: str) -> None:
    taxonomy = CATALOGUE.taxonomy
    tables: Mapping[str, Mapping[str, Term]] = {
        "data": taxonomy.categories, "purpose": taxonomy.purposes, "recipient": taxonomy.recipients,
    }  # fmt: skip
    assert {entry.id for entry in lexicon.entries if entry.kind == kind} <= set(tables[kind])


@pytest.mark.parametrize("lexicon", LEXICONS, ids=lambda lexicon: lexicon.code)
def test_every_practice_has_a_category_and_every_language_knows_them_all(lexicon: Lexicon) -> None:
    assert {entry.id for entry in lexicon.entries if entry.kind == "practice"} == set(CATEGORY_OF)


def test_both_languages_turn_on_the_same_small_words() -> None:
    turning = {
        "negation",
        "only",
        "unless",
        "opt_in",
        "opt_out",
        "company",
        "controller",
        "contact",
        "announce",
    }
    for lexicon in LEXICONS:
        assert turning <= {entry.id for entry in lexicon.entries if entry.kind == "cue"}


def test_the_longest_phrase_wins() -> None:
    hits = find_hits(folded("your IP address"), CATALOGUE.lexicons["en"])
    assert [hit.id for hit in hits if hit.kind == "data"] == ["user.device.ip_address"]


def test_a_repository_adds_terms_that_are_looked_for_in_the_text() -> None:
    own = LocalTerms(categories={"user.fax_cover": Term("user.fax_cover", "cover sheet")})
    catalogue = load_catalogue(own)
    assert "user.fax_cover" in catalogue.taxonomy.categories
    hits = find_hits(folded("We keep the cover sheet."), catalogue.lexicons["en"])
    assert "user.fax_cover" in {hit.id for hit in hits}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("We keep what you send to us for as long as you have an account with us, and no longer.", "en"),
        ("Wir speichern, was du uns schickst, solange du ein Konto bei uns hast, und nicht länger.", "de"),
        ("Nous conservons vos télécopies pendant la durée de votre abonnement, puis nous les effaçons.", ""),
        ("", ""),
    ],
)
def test_the_language_is_told_by_its_common_words(text: str, code: str) -> None:
    assert language_of(folded(text), CATALOGUE.lexicons) == code
