# SPDX-License-Identifier: Apache-2.0
"""The site's own words: in the policy's language, whole, and declared."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest
from markupsafe import Markup

from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.proof.heads import LedgerHead
from policyctl.reports.phrases import LANGUAGES, catalogue
from policyctl.reports.site.look import Look
from policyctl.reports.site.posted import InLanguage, Posted, PostedRef, Signature, from_json, settle, to_json
from policyctl.reports.site.wording import Wording
from tests.reports import samples
from tests.reports.test_site_pages import broken_links, words_of

ATOM = "{http://www.w3.org/2005/Atom}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
LOOK = Look(name="Fax", base_url="https://fax.example.com", language="de", served=True)
TEXTS = (
    "# Erhebung {#e}\n\nWir erheben Ihren Namen.\n\nNie das Alter.\n\n# Cookies {#c}\n\nEin Cookie.\n",
    "# Cookies {#c}\n\nEin Cookie.\n\n# Erhebung {#e}\n\nWir erheben Namen und Nummer.\n\nNie das Alter.\n",
    "# Cookies {#c}\n\nEin Cookie.\n\n# Neu {#n}\n\nEtwas.\n",
)
USE = Practice("a", "e", ("user.name",), "essential", retention="P1Y", choice=ChoiceMode.OPT_OUT)
USES = (
    (USE,),
    (
        replace(USE, retention="P2Y", recipients=(Recipient("partner"),)),
        replace(USE, id="b", purpose="sales"),
    ),
    (replace(USE, choice=ChoiceMode.OPT_IN),),
)


def versions(lang: str) -> list[Posted]:
    made = []
    for number, (text, uses) in enumerate(zip(TEXTS, USES, strict=True), 1):
        summary = "Kurz gesagt." if number > 1 else ""
        more = {"title": "Fax-Erklärung", "language": lang, "practices": uses, "impact": summary}
        made.append(samples.version(number, text, summary, **more))
    return made


def site_in(lang: str, today: date = date(2026, 3, 15), **more: object) -> dict[str, bytes]:
    look = replace(LOOK, language=lang, **more)  # type: ignore[arg-type]
    return samples.site(*versions(lang), today=today, look=look, signers={2: "L <l@x.example>", 3: ""})


def read_and_heard(page: bytes) -> str:
    """All words of a page, those for the ear and of the head among them."""
    text = page.decode()
    heard = re.findall(r'(?:aria-label|data-label|title)="([^"]*)"', text)
    return " ".join(re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL).split() + heard)


def english_phrases(lang: str) -> list[re.Pattern[str]]:
    """Each English phrase that differs in the language, its blanks matching anything."""
    found = []
    for source, other in zip(
        sorted((m for m in catalogue("en", "site") if m.id), key=lambda m: str(m.context)),
        sorted((m for m in catalogue(lang, "site") if m.id), key=lambda m: str(m.context)),
        strict=True,
    ):
        english = source.id if isinstance(source.id, str) else source.id[1]
        theirs = other.string if isinstance(other.string, str) else other.string[-1]
        bare = re.sub(r"\{\w+\}", "", english).strip(" .:,“”")
        if english != theirs and len(bare) > len("to the"):
            pattern = r".{1,60}?".join(map(re.escape, re.split(r"\{\w+\}", english.strip())))
            found.append(re.compile(rf"(?<!\w){pattern}(?!\w)"))
    return found


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_no_page_of_a_policy_says_anything_in_english(lang: str) -> None:
    phrases = english_phrases(lang)
    assert len(phrases) > 100
    left = {
        (path, phrase.pattern)
        for path, data in site_in(lang).items()
        if path.endswith((".html", ".xml"))
        for phrase in phrases
        if phrase.search(read_and_heard(data))
    }
    assert left == set()


def test_every_phrase_is_asked_for_somewhere() -> None:
    reports = files("policyctl.reports")
    folders = (reports / "site", reports / "templates" / "site")
    asked = " ".join(
        file.read_text("utf-8") for folder in folders for file in folder.iterdir() if file.is_file()
    )
    keys = [str(message.context) for message in catalogue("en", "site") if message.id]
    heads = {key: (f'"{head}." ~', f'f"{head}.{{') for key in keys for head in [key.rpartition(".")[0]]}
    assert [
        key for key in keys if f'"{key}"' not in asked and not any(head in asked for head in heads[key])
    ] == [
        "index.name",
        "redline.to.link",
        "redline.from.link",
    ]  # for policyctl.toml; put together of three parts


def test_a_page_declares_the_language_of_its_words() -> None:
    german, greek = site_in("de-AT"), site_in("el")
    for path in (path for path in german if path.endswith(".html")):
        assert b'<html lang="de-AT">' in german[path]
        assert b'<html lang="en">' in greek[path]
    assert "in Kraft seit 1. März 2026" in words_of("example-notes/index.html", german)
    assert b'<article lang="el"' in greek["example-notes/index.html"]
    assert b'<p class="prose" lang="el">' in greek["example-notes/changes/index.html"]


def test_a_translation_has_the_words_of_its_own_language() -> None:
    text = "# Cookies\n\nUn cookie.\n\n# Collecte\n\nNous recueillons.\n"
    french = InLanguage("fr", "Politique", text)
    other = InLanguage("el", "Other", f"{text}\n# More\n\nWords.\n")
    posted = [replace(each, translations=(french, other)) for each in versions("de")]
    site = samples.site(*posted, today=date(2026, 3, 15), look=replace(LOOK, language="en"))
    for path in ("example-notes/fr/index.html", "example-notes/v2/fr/index.html"):
        page = site[path].decode()
        assert '<html lang="fr">' in page
        assert "Sommaire" in page
        assert 'hreflang="de">Modifications</a>' in page
    assert "depuis le 1 mars 2026" in words_of("example-notes/fr/index.html", site)
    assert '<p class="prose" lang="de">Kurz gesagt.</p>' in site["example-notes/fr/index.html"].decode()
    for path in ("example-notes/fr/practices/index.html", "example-notes/v2/fr/practices/index.html"):
        page = site[path].decode()
        assert '<html lang="fr">' in page
        assert "Ce que nous recueillons" in page
        assert "Politique, version 2, en vigueur" in page
        assert 'href="../#e">Collecte</a>' in page
        cut_otherwise = site[path.replace("/fr/", "/el/")].decode()
        assert 'href="../../#e" lang="de">Erhebung</a>' in cut_otherwise
    assert 'href="practices/">En bref</a>' in site["example-notes/v2/fr/index.html"].decode()
    front = site["index.html"].decode()
    assert '<html lang="en">' in front
    assert '<h2 lang="de">' in front


def test_a_feed_speaks_the_language_of_its_policy() -> None:
    posted = versions("de")
    posted[0] = replace(posted[0], language="en")
    site = samples.site(*posted, look=LOOK)
    root = ET.fromstring(site["example-notes/feed.xml"])  # noqa: S314 - our own feed
    assert root.get(LANG) == "de"
    assert root.findtext(f"{ATOM}title") == "Änderungen: Fax-Erklärung"
    newest, _, first = root.findall(f"{ATOM}entry")
    assert newest.findtext(f"{ATOM}title") == "Fax-Erklärung, Fassung 3"
    assert (newest.get(LANG), first.get(LANG)) == (None, "en")
    assert first.findtext(f"{ATOM}summary") == "Effective 1 February 2026."
    category = newest.find(f"{ATOM}category")
    assert category is not None
    assert dict(category.attrib) == {"term": "notice", "label": "mit Mitteilung"}


def test_what_changes_for_data_is_said_in_words() -> None:
    second = words_of("example-notes/changes/v1..v2/index.html", site_in("en"))
    assert (
        "new Your name used for winning customers kept for 1 year your choice: yes, unless you object"
        in second
    )
    assert "changed Your name used for running the service new: disclosed to business partners" in second
    assert "no longer: kept for 1 year new: kept for 2 years" in second
    third = words_of("example-notes/changes/v2..v3/index.html", site_in("en"))
    assert "no longer: disclosed to business partners" in third
    assert "no longer Your name used for winning customers" in third
    assert "new: your choice: only if you agree" in third


def test_a_link_from_clause_to_clause_leads_into_the_whole_text() -> None:
    text = (
        "# A {#a}\n\nSee [b](#b).\n\n[c]: #b\n\n# B {#b}\n\nSee [a][c].\n\n## In it\n\n* # Deep\n\n  Words.\n"
    )
    site = samples.site_of(text)
    for name in "ab":
        assert b'<a href="../../v1/#b"' in site[f"example-notes/clauses/{name}/index.html"]
        assert b'<a href="#b"' in site["example-notes/v1/index.html"]
    assert broken_links(site, "example-notes/clauses/a/index.html") == []


def test_a_clause_shows_what_it_says_now() -> None:
    site = site_in("en")
    page = words_of("example-notes/clauses/c/index.html", site)
    assert "What it says in version 3 Ein Cookie." in page
    gone = words_of("example-notes/clauses/e/index.html", site)
    assert "It is gone since version 3." in gone
    assert "What it says" not in gone


def test_a_value_put_into_a_phrase_is_words_whatever_it_holds() -> None:
    say = Wording("de")
    said = say("titled", title="<b>{number}\u202e", number=2)
    assert said == "&lt;b&gt;{number}\\u202e, Fassung 2"
    assert say("text.address", link=Markup("<a>x</a>")) == "Ihre eigene Adresse: <a>x</a>"
    assert say.in_language('x"><script>') == ' lang="x&#34;&gt;&lt;script&gt;"'
    assert say.in_language("DE") == ""


@pytest.mark.parametrize(
    "signature", [None, Signature("none"), Signature("unconfirmed"), Signature("good", "L <l@x.example>")]
)
def test_the_version_ref_stands_in_the_data_and_is_read_back(signature: Signature | None) -> None:
    heads = (LedgerHead(812, bytes(range(32))), LedgerHead(0))
    ref = PostedRef("a" * 40, "b" * 40, heads, signature)
    posted = settle(replace(versions("de")[0], ref=ref), None).posted
    assert from_json(to_json(posted)) == posted
    told = json.loads(to_json(posted))["ref"]
    assert told["name"] == "policy/example-notes/v1"
    assert told["ledger_heads"][0] == {"entry": 812, "root": bytes(range(32)).hex()}
    site = samples.site(replace(versions("en")[0], ref=ref))
    signed = "Signed by L <l@x.example>" in words_of("example-notes/v1/index.html", site)
    assert signed == (signature is not None and signature.state == "good")


def test_ids_of_feeds_stay_when_a_site_with_an_authority_moves() -> None:
    def ids(**more: str) -> set[str]:
        site = site_in("de", **more)
        pattern = re.compile(r"<id>([^<]*)</id>")
        return {
            each for path in site if path.endswith(".xml") for each in pattern.findall(site[path].decode())
        }

    here, there = ({"base_url": f"https://{host}.example.com"} for host in ("old", "new"))
    assert not ids(**here) & ids(**there)
    named = {"authority": "example.com,2026-11-30"}
    assert ids(**here, **named) == ids(**there, **named)
    assert "tag:example.com,2026-11-30:example-notes/v3" in ids(**here, **named)
