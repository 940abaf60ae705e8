# SPDX-License-Identifier: Apache-2.0
"""The message catalogues: every language complete and true to its source, dates as people write them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from babel.messages.catalog import Message

from policyctl.adapters.catalogue import load_catalogue
from policyctl.core.notices.notice import NoticeKind, Occasion
from policyctl.core.revision import Kind
from policyctl.reports.mails.mail import render
from policyctl.reports.phrases import DOMAINS, LANGUAGES, Phrases, catalogue
from tests.core.notice_samples import SENDER, notice_of
from tests.reports.test_mail import ADA, SENT, Reader, letter

OTHERS = [language for language in LANGUAGES if language != "en"]


def messages(language: str, domain: str = "mail") -> Iterator[Message]:
    return (message for message in catalogue(language, domain) if message.id)


def strings(value: str | list[str] | tuple[str, ...]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def blanks(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_every_message_of_the_source_as_it_now_reads(language: str, domain: str) -> None:
    source = {(message.context, *strings(message.id)) for message in messages("en", domain)}
    assert {(message.context, *strings(message.id)) for message in messages(language, domain)} == source, (
        "run `make messages` and translate what it marks"
    )


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_has_the_blanks_of_the_source(language: str, domain: str) -> None:
    for message in messages(language, domain):
        (wanted,) = {frozenset(blanks(phrase)) for phrase in strings(message.id)}
        assert not message.fuzzy, message.context
        for phrase in strings(message.string):
            assert phrase.strip(), message.context
            assert blanks(phrase) == wanted, message.context


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("language", OTHERS)
def test_every_plural_form_of_a_language_is_there(language: str, domain: str) -> None:
    written = catalogue(language, domain)
    for message in messages(language, domain):
        if message.pluralizable:
            assert len(strings(message.string)) == written.num_plurals


def test_every_kind_of_change_has_a_word() -> None:
    for domain in DOMAINS:
        names = {message.context for message in messages("en", domain)}
        assert {f"kind.{kind}" for kind in Kind} <= names


def test_no_phrase_promotes_anything() -> None:
    selling = re.compile(
        r"\b(offer|discount|sale|upgrade|buy|free|deal|Angebot|Rabatt|gratis|offre|remise|gratuit|promo)\b",
        re.IGNORECASE,
    )
    phrases = [p for lang in LANGUAGES for m in messages(lang) for p in strings(m.string or m.id)]
    assert [phrase for phrase in phrases if selling.search(phrase)] == []


def test_a_value_with_braces_is_put_in_as_it_is() -> None:
    assert Phrases("en")("hello", name="{account}") == "Hello {account},"
    assert Phrases("fr")("hello", name="%(account)s {0}") == "Bonjour %(account)s {0},"


@pytest.mark.parametrize(
    ("locale", "written"),
    [
        ("en", "2 January 2027"),
        ("en-GB", "2 January 2027"),
        ("en-US", "January 2, 2027"),
        ("de", "2. Januar 2027"),
        ("de-AT", "2. Jänner 2027"),
        ("fr", "2 janvier 2027"),
        ("fr-xx-unknown", "2 janvier 2027"),
        ("zz", "2 January 2027"),
        ("../x", "2 January 2027"),
    ],
)
def test_a_day_is_written_as_the_addressees_country_writes_it(locale: str, written: str) -> None:
    assert Phrases(locale).day(date(2027, 1, 2)) == written


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        ("en", "and 1 more clause", "and 1,200 more clauses"),
        ("de", "und 1 weiterer Abschnitt", "und 1.200 weitere Abschnitte"),
        ("fr", "et 1 autre section", "et 1\u202f200 autres sections"),
    ],
)
def test_a_number_takes_the_plural_form_of_its_language(language: str, one: str, many: str) -> None:
    say = Phrases(language)
    assert (say.counted("changes.more.rest", 1), say.counted("changes.more.rest", 1200)) == (one, many)


@pytest.mark.parametrize(
    ("locale", "lang", "words"),
    [
        ("en", "en", "What data"),
        ("de", "de", "Welche Daten"),
        ("DE_ch", "de", "Welche Daten"),
        ("fr", "fr", "Quelles données"),
        ("fr-CA", "fr", "Quelles données"),
        ("el", "en", "What data"),
        ("", "en", "What data"),
        ("../x", "en", "What data"),
    ],
)
def test_a_mail_is_in_the_addressees_language_or_in_english(locale: str, lang: str, words: str) -> None:
    page = Reader(letter(notice_of(NoticeKind.CHOICE), locale=locale).html)
    assert page.attributes("html") == [{"lang": lang}]
    assert words in page.text


def test_no_two_languages_of_a_mail_say_the_same() -> None:
    notice = notice_of(NoticeKind.REVISION)
    openings = {
        render(notice, addressee=replace(ADA, locale=language), sender=SENDER, occasion=Occasion(SENT)).text
        for language in LANGUAGES
    }
    assert len(openings) == len(LANGUAGES)


# The labels of the built-in taxonomy


@pytest.mark.parametrize("language", OTHERS)
def test_every_label_of_the_taxonomy_has_a_word_of_its_own_in_every_language(language: str) -> None:
    terms, say = load_catalogue().taxonomy, Phrases(language)
    labels = [
        term.label for part in (terms.categories, terms.purposes, terms.recipients) for term in part.values()
    ]
    assert [label for label in labels if say.term(label) == label] == []
    assert len({say.term(label) for label in labels}) == len(set(labels)), "no two mean the same"
    assert [label for label in labels if Phrases("en").term(label) != label] == []


@pytest.mark.parametrize(
    ("label", "german"),
    [
        ("your e-mail address", "Ihre E-Mail-Adresse"),
        ("Example Print (business partners, for purposes of their own)",
         "Example Print (Geschäftspartner, für eigene Zwecke)"),
        ("Example Print (Paris)", "Example Print (Paris)"),
        ("your Faxnummer", "your Faxnummer"),
        ("()", "()"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_word_of_the_policys_own_stays_as_it_is(label: str, german: str) -> None:
    assert Phrases("de").term(label) == german


def test_a_choice_is_asked_in_the_readers_language_only() -> None:
    labels = {
        "data": ("your e-mail address", "your name"),
        "collected_for": ("running the service",),
        "new_use": "sending you offers and news by e-mail",
        "recipients": (
            "companies that deliver our messages",
            "Example Print (business partners, for purposes of their own)",
        ),
    }
    notice = notice_of(NoticeKind.CHOICE)
    notice = replace(notice, choices=tuple(replace(offer, **labels) for offer in notice.choices))
    english = [
        "your e-mail",
        "your name",
        "running the",
        "sending you",
        "companies that",
        "business partners",
    ]
    for language, words in (
        (
            "de",
            (
                "Ihre E-Mail-Adresse; Ihr Name",
                "Betrieb des Dienstes",
                "Angebote und Neuigkeiten an Sie per E-Mail",
            ),
        ),
        ("fr", ("votre adresse électronique; votre nom", "faire fonctionner le service")),
    ):
        sent = letter(notice, locale=language)
        for told in (" ".join(sent.text.split()), Reader(sent.html).text):
            assert [word for word in words if word not in told] == []
            assert [word for word in english if word in told] == []
