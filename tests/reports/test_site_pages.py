# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import posixpath
import re
from dataclasses import replace
from datetime import date
from html import unescape
from urllib.parse import unquote

import feedparser
import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from policyctl.adapters.schemas import load_schema
from policyctl.core.practice import ChoiceMode, Practice, Recipient
from policyctl.core.text.parse import parse
from policyctl.errors import InputError
from policyctl.reports.policy_html import policy_body
from policyctl.reports.site.look import Look, Theme
from policyctl.reports.site.posted import InLanguage, document_of, from_json, settle, to_json
from tests.core.markdown_texts import MESSY, policy
from tests.reports import samples
from tests.reports.test_faces import Page

LOOK = Look(name="Example Notes", base_url="https://policies.example.com/site")
TEXTS = (samples.OLD, samples.NEW, samples.NEW.replace("one cookie", "two cookies"))
ONE = Practice("account", "collection", ("user.name",), "essential", retention="P1Y6M", line=2)
TWO = replace(ONE, purpose="sales", recipients=(Recipient("partner", "Example Print"),))
DECLARED = (
    samples.version(1, TEXTS[0], practices=(ONE,)),
    samples.version(2, TEXTS[1], practices=(TWO, replace(ONE, id="health", categories=("user.health",)))),
    samples.version(
        3,
        TEXTS[2],
        practices=(TWO,),
        translations=(InLanguage("de", "Beispiel", "# Erhebung\n\nWir erheben.\n"),),
        pdf="example-notes-v3.pdf",
    ),
)
PDF = {"example-notes/v3/example-notes-v3.pdf"}  # made by another
SITE = samples.site(*DECLARED, look=LOOK, signers={2: "legal@example.com"})
HTML = sorted(path for path in SITE if path.endswith(".html"))
JSON = sorted(path for path in SITE if path.endswith(".json"))


def said(path: str, site: dict[str, bytes] = SITE) -> str:
    return " ".join(site[path].decode().split())


def words_of(path: str, site: dict[str, bytes] = SITE) -> str:
    """What a reader of the page reads."""
    body = site[path].decode().partition("<body>")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", "", body)).split())


def test_every_version_has_its_page_and_every_step_its_redline() -> None:
    pages = {path.removesuffix("/index.html") for path in HTML if path.startswith("example-notes/")}
    assert pages >= {f"example-notes/v{number}" for number in (1, 2, 3)}
    assert pages >= {"example-notes/changes/v1..v2", "example-notes/changes/v2..v3", "example-notes/changes"}
    assert pages >= {f"example-notes/on/{day}" for day in ("2026-02-01", "2026-03-01", "2026-04-01", "later")}
    assert pages >= {"example-notes/de", "example-notes/v3/de", "example-notes/practices"}
    assert {"example-notes/clauses", "example-notes/clauses/collection"} <= pages


def test_what_was_published_keeps_its_bytes_when_a_version_follows_and_days_pass() -> None:
    before = samples.site(*DECLARED[:2], today=date(2026, 2, 2), look=LOOK)
    fixed = [path for path in before if "/v" in path]
    assert len(fixed) > 6
    assert all(before[path] == SITE[path] for path in fixed)


def test_the_same_versions_give_the_same_bytes_whatever_the_day_while_the_same_one_is_in_force() -> None:
    assert (
        samples.site(*DECLARED, today=date(2026, 4, 1), look=LOOK, signers={2: "legal@example.com"}) == SITE
    )


@pytest.mark.parametrize("path", HTML)
def test_every_link_within_the_site_leads_to_a_page_and_a_place_that_is_there(path: str) -> None:
    for link in Page(SITE[path].decode()).links:
        if link.startswith(("http", "mailto:")):
            continue
        target, _, part = (link.removeprefix(LOOK.prefix) if path == "404.html" else link).partition("#")
        where = (
            posixpath.normpath(posixpath.join("/" + posixpath.dirname(path), target))[1:] if target else path
        )
        where = posixpath.join(where, "index.html") if target.endswith("/") else where
        assert where in SITE or where in PDF, link
        if part:
            assert unquote(part) in Page(SITE[where].decode()).ids, link


@pytest.mark.parametrize("path", HTML)
def test_every_page_has_no_script_one_top_heading_and_a_strict_security_policy(path: str) -> None:
    page = Page(SITE[path].decode())
    assert "script" not in page.tags
    assert page.tags.count("h1") == 1
    assert b"default-src 'none'" in SITE[path].replace(b"&#39;", b"'")
    assert len(page.ids) == len(set(page.ids))
    assert len(SITE[path]) < 100_000


@pytest.mark.parametrize("path", JSON)
def test_every_data_file_is_what_its_schema_says(path: str) -> None:
    jsonschema.validate(json.loads(SITE[path]), json.loads(load_schema("site")))


def test_the_schema_of_the_site_refuses_what_is_not_of_it() -> None:
    data = json.loads(SITE["example-notes/changes/data.json"])
    for broken in (data | {"page": "other"}, data | {"extra": 1}, data | {"versions": [{}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, json.loads(load_schema("site")))


def test_a_version_is_read_back_from_its_data() -> None:
    settled = settle(settle(DECLARED[0], None).posted, None)
    later = settle(DECLARED[2], settled)
    assert from_json(to_json(later.posted)) == later.posted
    assert document_of(later.posted) == later.document


@pytest.mark.parametrize(
    "text",
    ["---\nkey: value\n---\n\n# A\n\nb\n", "", "\n\n", "# A\r\n\r\nb\r\n", "words\n\nonly\n", "\ufeff# A\n"],
)
def test_a_text_that_looks_like_front_matter_or_like_nothing_is_read_back_too(text: str) -> None:
    one = settle(replace(samples.version(1, ""), markdown=text), None)
    two = settle(replace(samples.version(2, ""), markdown=text + "\n## More\n\nWords.\n"), one)
    for each in (one, two):
        back = from_json(to_json(each.posted))
        assert back.markdown == each.posted.markdown
        assert document_of(back).clauses == each.document.clauses


def test_the_current_page_says_what_is_in_force_and_what_comes() -> None:
    upcoming = samples.site(*DECLARED, today=date(2026, 3, 31), look=LOOK)
    page = words_of("example-notes/index.html", upcoming)
    assert "Version 2, in force since 1 March 2026" in page
    assert "From 1 April 2026, version 3 applies." in page
    assert "two cookies" not in page
    assert json.loads(upcoming["example-notes/data.json"])["upcoming"] == [3]
    now = words_of("example-notes/index.html")
    assert "Version 3, in force since 1 April 2026" in now
    assert "two cookies" in now
    assert "applies." not in now


def test_a_first_version_that_is_not_in_force_yet_says_so() -> None:
    site = samples.site(DECLARED[0], today=date(2026, 1, 1))
    assert "Version 1 takes effect on 1 February 2026." in words_of("example-notes/index.html", site)
    assert json.loads(site["example-notes/data.json"])["current"] is None


def test_a_version_that_a_newer_one_overtook_was_never_in_force() -> None:
    late = replace(DECLARED[1], effective=date(2026, 9, 1))
    site = samples.site(DECLARED[0], late, DECLARED[2])
    assert "never: a newer version took effect first" in said("example-notes/changes/index.html", site)
    periods = json.loads(site["example-notes/on/data.json"])["periods"]
    assert [(each["version"], each["since"], each["until"]) for each in periods] == [
        (1, "2026-02-01", "2026-03-31"),
        (3, "2026-04-01", None),
    ]


def test_the_table_of_versions_says_when_how_and_by_whom() -> None:
    page = words_of("example-notes/changes/index.html")
    for words in (
        "1 February 2026",
        "1 March 2026 to 31 March 2026",
        "notice",
        "Plain words.",
        "First version",
    ):
        assert words in page
    assert page.count("legal@example.com") == 1
    assert page.count("not signed") == 2
    assert "<form" not in page


def test_a_form_is_offered_only_where_somebody_answers_it() -> None:
    page = said("example-notes/changes/index.html", samples.site(*DECLARED, look=replace(LOOK, served=True)))
    assert 'action="compare"' in page
    assert "form-action &#39;self&#39;" in page
    assert "form-action &#39;none&#39;" in said("example-notes/changes/index.html")


def test_every_day_up_to_the_newest_version_leads_to_the_version_that_was_in_force() -> None:
    lines = [line.split() for line in SITE["_redirects"].decode().splitlines()]
    assert len(lines) == 28 + 31 + 1 + 1
    assert ["/site/example-notes/on/2026-02-28/", "/site/example-notes/v1/", "302"] in lines
    assert ["/site/example-notes/on/2026-03-31/", "/site/example-notes/v2/", "302"] in lines
    assert lines[-1] == ["/site/example-notes/on/*", "/site/example-notes/on/later/", "404"]
    assert 'content="0; url=../../v2/"' in said("example-notes/on/2026-03-01/index.html")


def test_the_tables_of_practices_mark_what_changed() -> None:
    page = said("example-notes/v2/practices/index.html")
    assert "1 year 6 months" in page
    assert '<ins><span class="said">new: </span>winning customers</ins>' in page
    assert '<del><span class="said">no longer: </span>running the service</del>' in page
    assert (
        'Your health <span class="chip sensitive">sensitive</span> <span class="chip new">new</span>' in page
    )
    assert 'Example Print (business partners) <span class="chip new">new</span>' in page
    gone = said("example-notes/v3/practices/index.html")
    assert (
        '<del>Your health</del> <span class="chip sensitive">sensitive</span> <span class="chip gone">'
        in gone
    )
    assert "chip new" not in said("example-notes/v1/practices/index.html")


def test_who_may_say_no_is_in_the_table() -> None:
    asked = replace(ONE, choice=ChoiceMode.OPT_IN)
    site = samples.site(samples.version(1, TEXTS[0], practices=(asked,)))
    assert "only if you agree" in said("example-notes/practices/index.html", site)


def test_a_clause_that_is_renamed_keeps_its_address_and_its_history() -> None:
    page = words_of("example-notes/clauses/sharing/index.html")
    assert "Version 2, effective 1 March 2026: renamed, reworded" in page
    assert "it was there from the first version on" in page
    assert 'id="sharing"' in said("example-notes/v3/index.html")


def test_clauses_have_permanent_addresses_and_their_id_marks_are_not_shown() -> None:
    page = said("example-notes/v2/index.html")
    assert 'id="collection"' in page
    assert "{#collection}" not in page


def test_a_clause_id_that_no_address_can_hold_has_a_page_all_the_same() -> None:
    site = samples.site_of("# A {#../../etc/passwd}\n\nWords.\n\n# B {#Ünï:1}\n\nMore.\n")
    assert all(".." not in path.replace("v1..v2", "") for path in site)
    assert sum(path.startswith("example-notes/clauses/id-") for path in site) == 2


def test_each_language_says_which_it_is_and_leads_to_the_others() -> None:
    german, own = said("example-notes/v3/de/index.html"), said("example-notes/v3/index.html")
    assert '<html lang="de">' in german
    assert "<article lang" not in german
    assert 'hreflang="en" href="../"' in german
    assert 'hreflang="de" href="./de/"' in own
    assert ">Deutsch</a>" in own


def test_a_text_in_another_language_than_the_words_around_it_says_so() -> None:
    site = samples.site(samples.version(1, TEXTS[0], language="el"))
    for path in ("example-notes/v1/index.html", "example-notes/index.html"):
        assert '<html lang="en">' in said(path, site)
        assert '<article lang="el"' in said(path, site)
        assert '<h1 lang="el">' in said(path, site)
        assert '<span class="beside" lang="en">' in said(path, site)
    assert "lang=" not in said("example-notes/v2/index.html").partition("<article")[2].partition(">")[0]


def test_a_printed_page_says_version_and_address_at_the_foot_of_each_sheet() -> None:
    page = SITE["example-notes/v2/index.html"].decode()
    assert "Example Notes \\26  Co, version 2\\a https://policies.example.com/site/example-notes/v2/" in page


def test_a_theme_changes_the_looks_and_nothing_that_was_published() -> None:
    theme = Theme("theme", {}, {"theme.css": b":root { --accent: #a00; }", "assets/logo.svg": b"<svg/>"})
    site = samples.site(*DECLARED, look=replace(LOOK, theme=theme))
    assert site["theme.css"] == theme.files["theme.css"]
    assert site["assets/logo.svg"] == b"<svg/>"
    assert '<link rel="stylesheet" href="../../theme.css">' in said("example-notes/v2/index.html", site)


def test_a_template_of_a_theme_takes_the_place_of_ours() -> None:
    theme = Theme("theme", {"brand.html.j2": '<p class="brand">Ours &amp; yours {{ site.name }}</p>'})
    site = samples.site(*DECLARED, look=replace(LOOK, theme=theme))
    assert "Ours &amp; yours Example Notes" in said("example-notes/v2/index.html", site)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ nothing.there }}", "undefined"),
        ("{{ site.__class__.__mro__[1].__subclasses__() }}", "unsafe"),
        ("{% include 'away.html' %}", "away.html"),
    ],
)
def test_a_template_that_is_wrong_or_wants_too_much_is_named(template: str, message: str) -> None:
    look = replace(LOOK, theme=Theme("theme", {"brand.html.j2": template}))
    with pytest.raises(InputError, match=message) as raised:
        samples.site(*DECLARED, look=look)
    assert str(raised.value).startswith("theme/")


def broken_links(site: dict[str, bytes], path: str) -> list[str]:
    """Links of a page within the site that lead nowhere, and ids that stand twice."""
    page, broken = Page(site[path].decode()), []
    for link in page.links:
        if link.startswith(("http", "mailto:", "/")):
            continue
        target, _, part = link.partition("#")
        where = (
            posixpath.normpath(posixpath.join("/" + posixpath.dirname(path), target))[1:] if target else path
        )
        where = posixpath.join(where, "index.html") if target.endswith("/") else where
        if where not in site or (part and unquote(part) not in Page(site[where].decode()).ids):
            broken.append(link)
    return [*broken, *(name for name in page.ids if page.ids.count(name) > 1)]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.one_of(MESSY, st.just(policy())), min_size=1, max_size=3))
@example(["# A {#x}\n\nb\n\n# B {#x}\n\nc\n", "# A {#x}\n\nb\n"])
@example(["*   ## One\n\n    words\n\n*   ## Two\n\n    more\n\n## Three\n\nwords\n"])
def test_of_whatever_text_every_link_leads_somewhere_and_no_id_stands_twice(texts: list[str]) -> None:
    site = samples.site_of(*texts)
    found = {path: broken for path in site if path.endswith(".html") and (broken := broken_links(site, path))}
    own = {"#collection", "https://example.com/a?b=c"}  # what the texts link to themselves
    assert {path: set(broken) - own for path, broken in found.items() if set(broken) - own} == {}


# --- hostile text


def test_a_hostile_text_is_shown_and_does_nothing() -> None:
    html = policy_body(parse(samples.HOSTILE))
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert sorted(page.links) == [
        "#collection",
        "https://www.example.com/a?b=1&c=2",
        "mailto:privacy@example.com",
    ]
    assert "[image: pixel]" in html
    assert "\x1b" not in html
    assert "javascript:alert(4)" in html


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", "&#106;avascript:alert(1)",
        "data:text/html;base64,PHN2Zz4=", "vbscript:x",
        "file:///etc/passwd", "//evil.example.org", "/\\evil.example.org", "\\\\evil.example.org",
        "blob:x", "ftp://example.org/",
    ],
)  # fmt: skip
def test_a_link_that_leads_anywhere_unsafe_is_no_link(target: str) -> None:
    assert (
        Page(policy_body(parse(f"# A\n\n[press]({target}) <{target}>\n\n[b]\n\n[b]: {target}\n"))).links == []
    )


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)> \x1b[2J \u202e {{ 7*7 }} </style></title>'


def test_hostile_words_anywhere_in_a_version_are_words_on_every_page() -> None:
    bad = Practice(EVIL, EVIL, (EVIL,), EVIL, (Recipient("partner", EVIL),), EVIL)
    clause = f"# {EVIL.splitlines()[0]} {{#x'y\"z}}\n\n{EVIL}\n"
    versions = [
        samples.version(
            number, clause * number, EVIL, title=EVIL, impact=EVIL, practices=(bad,) * (number > 1),
            translations=(InLanguage("de", EVIL, clause),),
        )
        for number in (1, 2)
    ]  # fmt: skip
    site = samples.site(
        *versions, look=Look(name=EVIL, base_url='https://example.com/a"b<c'), signers={2: EVIL}
    )
    for path in (path for path in site if path.endswith(".html")):
        page = Page(site[path].decode())
        assert not {"script", "img"} & set(page.tags), path
        assert page.tags.count("style") == 1, path
        assert b"\x1b" not in site[path]
        assert "\u202e".encode() not in site[path]
        assert b"49" not in re.sub(rb"7\*7|sha256-[^&]*", b"", site[path]), path
    assert not feedparser.parse(site["example-notes/feed.xml"]).bozo
