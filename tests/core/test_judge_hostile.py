# SPDX-License-Identifier: Apache-2.0
"""Text that wants to be read other than it displays: said, with code point, line and column."""

import unicodedata
from collections.abc import Iterator
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.diff.compare import compare
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.judge.findings import Finding, Severity
from policyctl.core.judge.rules.rule import Translation
from policyctl.core.judge.verdict import JudgeContext, judge
from policyctl.core.revision import Kind
from policyctl.core.text.coverage import rendered_words
from policyctl.core.text.parse import parse
from policyctl.reports.policy_html import policy_body
from tests.core.judging import CATALOGUE, judged_texts, policy

FRONT = "---\ntitle: Example Fax\neffective: 2027-03-01\n---\n\n"
TODAY = date(2027, 1, 4)
BASE = "We keep your faxes until you delete them."


def found(after: str, before: str = BASE, rule: str = "PC241") -> list[Finding]:
    """The findings of a rule about a policy's new text."""
    old, new = (read_policy(FRONT + policy(words), file="policy.md") for words in (before, after))
    judgement = judge(
        compare(old.document, new.document), catalogue=CATALOGUE, context=JudgeContext(old, new, {}, TODAY)
    )
    return [finding for finding in judgement.findings if finding.rule == rule]


def first_version(words: str) -> list[Finding]:
    """The findings about a policy that was never published."""
    new = read_policy(FRONT + policy(words), file="policy.md")
    revision = compare(new.document, new.document)
    return list(judge(revision, catalogue=CATALOGUE, context=JudgeContext(None, new, {}, TODAY)).findings)


def place_of(words: str, part: str) -> tuple[int, int]:
    text = FRONT + policy(words)
    offset = text.index(part)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


GRAVE = {
    "right-to-left override": ("We \u202eevas\u202c it.", "\u202e", "U+202E"),
    "direction isolate": ("We \u2066keep\u2069 it.", "\u2066", "U+2066"),
    "override as a decimal entity": ("We &#8238;evas it.", "&#8238;", "U+202E"),
    "override as a hexadecimal entity": ("We &#x202E;evas it.", "&#x202E;", "U+202E"),
    "zero-width space in a word": ("We do n\u200bot sell it.", "\u200b", "U+200B"),
    "zero-width space as an entity": ("We do n&#x200b;ot sell it.", "&#x200b;", "U+200B"),
    "zero-width space by its name": ("We do n&ZeroWidthSpace;ot sell it.", "&Zero", "U+200B"),
    "zero-width joiner in a word": ("We do n\u200dot sell it.", "\u200d", "U+200D"),
    "word joiner in a number": ("We keep it for 3\u20600 days.", "\u2060", "U+2060"),
    "several in a row": ("We do n\u200b\u2060\ufeffot sell it.", "\u200b", "U+200B"),
    "tag letters": ("We keep it.\U000e0041\U000e0042", "\U000e0041", "U+E0041"),
    "hangul filler in a word": ("We s\u3164ell it.", "\u3164", "U+3164"),
    "escape": ("We keep \x1b[2Kit.", "\x1b", "U+001B"),
    "backspace": ("We do not\b\b\b sell it.", "\b", "U+0008"),
    "Cyrillic in a Latin word": ("We s\u0435ll it.", "s\u0435ll", "U+0435"),
    "Cyrillic as an entity": ("We s&#1077;ll it.", "s&#1077;ll", "U+0435"),
    "Greek in a Latin word": ("We keep y\u03bfur faxes.", "y\u03bfur", "U+03BF"),
    "a whole word that only looks Latin": ("We keep it at no \u0441\u043e\u0440\u0435.", "\u0441", "U+0441"),
    "mathematical letters": ("We \U0001d42c\U0001d41e\U0001d425\U0001d425 it.", "\U0001d42c", "U+1D42C"),
    "full-width digits": ("We keep it for \uff13\uff10 days.", "\uff13", "U+FF13"),
}  # fmt: skip


@pytest.mark.parametrize("case", GRAVE)
def test_letters_that_deceive_block_with_code_point_line_and_column(case: str) -> None:
    words, part, code = GRAVE[case]
    (finding,) = found(words)
    line, column = place_of(words, part)
    assert finding.severity is Severity.ERROR
    assert finding.forced
    assert not finding.material
    assert finding.line == line
    assert f"line {line}, column {column}" in finding.message
    assert code in finding.message
    hidden = {char for char in finding.message if unicodedata.category(char) in {"Cf", "Cc", "Co", "Cs"}}
    assert hidden == set(), "the message shows them written out"


@pytest.mark.parametrize("case", GRAVE)
def test_a_first_version_is_looked_through_too(case: str) -> None:
    assert "PC241" in {finding.rule for finding in first_version(GRAVE[case][0])}


@pytest.mark.parametrize("case", GRAVE)
def test_plain_markdown_is_looked_through_too(case: str) -> None:
    judgement = judged_texts(policy(BASE), policy(GRAVE[case][0]))
    assert "PC241" in {finding.rule for finding in judgement.findings}


def test_what_stood_there_before_is_not_told_again() -> None:
    deceptive = GRAVE["right-to-left override"][0]
    assert found(f"{deceptive}\n\n{BASE} And more.", f"{deceptive}\n\n{BASE}") == []


TOLD = {
    "soft hyphen": "Your faxes are con\u00adfi\u00adden\u00adtial.",
    "break opportunity behind a word": "We keep faxes\u200b and pages.",
    "left-to-right mark without need": "We keep faxes\u200e and pages.",
    "line separator": "We keep faxes.\u2028And pages.",
}


@pytest.mark.parametrize("case", TOLD)
def test_invisible_letters_that_come_from_copying_are_told_and_do_not_block(case: str) -> None:
    assert [finding.severity for finding in found(TOLD[case])] == [Severity.WARNING]


HONEST = {
    "accents": "Le caf\u00e9 na\u00efve, r\u00e9sum\u00e9 d\u2019\u0153uvre, \u00c5ngstr\u00f6m.",
    "Russian": "\u041c\u044b \u0445\u0440\u0430\u043d\u0438\u043c \u0444\u0430\u043a\u0441\u044b, "
    "\u0430 \u043e\u043d\u0438 \u0441\u043e\u0445\u0440\u0430\u043d\u044f\u044e\u0442\u0441\u044f.",
    "Greek": "\u0394\u03b9\u03b1\u03c4\u03b7\u03c1\u03bf\u03cd\u03bc\u03b5 \u03c4\u03b1 \u03c6\u03b1\u03be.",
    "Persian with its joiners": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u06cc\u0645 \u0641\u06a9\u0633",
    "Hebrew with a mark": "\u05e4\u05e7\u05e1\u200f (Fax)",
    "Japanese with full-width digits": "\uff13\uff10\u65e5\u9593\u4fdd\u5b58\u3057\u307e\u3059\u3002",
    "a flag and a family": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f "
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "entities of plain letters": "Smith &amp; Co &copy; 2027&nbsp;&mdash; all &lt;here&gt;.",
    "no-break space": "We keep it for 30\u00a0days.",
    "a unit": "It takes 5\u00a0\u03bcs at 10\u00a0k\u03a9.",
}


@pytest.mark.parametrize("case", HONEST)
def test_honest_letters_are_not_told(case: str) -> None:
    assert found(HONEST[case]) == []


HIDING = {
    "hidden": "<div hidden>We sell it.</div>",
    "hidden in capitals": '<DIV HIDDEN="">We sell it.</DIV>',
    "display": '<p style="display:none">We sell it.</p>',
    "display with room and comment": "<p style='Display : /* x */ NONE !important'>We sell it.</p>",
    "display as an entity": '<p style="display&#58;none">We sell it.</p>',
    "escaped style": '<p style="\\64isplay:none">We sell it.</p>',
    "over two lines": "<div\n  hidden>We sell it.</div>",
    "visibility": '<span style="visibility:hidden">We sell it.</span>',
    "no size": '<span style="font-size:0">We sell it.</span>',
    "tiny": '<span style="font-size:1px">We sell it.</span>',
    "see-through": '<span style="opacity:0.0">We sell it.</span>',
    "off the page": '<span style="position:absolute;left:-9999px">We sell it.</span>',
    "white on white": '<span style="color:#fff">We sell it.</span>',
    "white by rgb": '<span style="color: rgb(255, 255, 255)">We sell it.</span>',
    "one colour on itself": '<span style="color:#123;background:#123">We sell it.</span>',
    "white font": '<font color="white">We sell it.</font>',
    "script": "<script>We sell it.</script>",
    "template": "<template>We sell it.</template>",
    "style element": "<style>p{display:none}</style>",
    "class": '<p class="text sr-only">We sell it.</p>',
    "screen readers": '<p aria-hidden="true">We sell it.</p>',
    "a stray quote": '<div " hidden>We sell it.</div>',
    "a quote that never ends": '<div title="<b hidden>We sell it.</div>',
}


@pytest.mark.parametrize("case", HIDING)
def test_html_that_hides_blocks(case: str) -> None:
    words = f"{BASE}\n\n{HIDING[case]}"
    findings = found(words)
    assert findings
    assert findings[0].severity is Severity.ERROR
    assert findings[0].line == place_of(words, HIDING[case])[0]


@pytest.mark.parametrize(
    "shown",
    [
        "<b>bold</b> and <br> a break", '<a id="here"></a>', "5 < 6 and 7 > 3", "<https://example.com/a?b=hidden>",
        '<span style="color:#333">dark</span>', '<p class="hidden-gem">x</p>', "a hidden fee, display:none",
        "<law-enforcement officers' rules and <b>others",
        "<!-- a note -->", '<td style="height:20px">x</td>', 'if a<b then "c" and d<e',
    ],
)  # fmt: skip
def test_html_that_shows_its_words_does_not_block(shown: str) -> None:
    assert found(f"{BASE}\n\n{shown}") == []


def deep_lists(count: int) -> str:
    return "\n".join(f"{'  ' * n}- item {n}" for n in range(count))


@pytest.mark.parametrize(
    "deep",
    [
        "> " * 21 + "We sell it.",
        ">" * 21 + " We sell it.",
        "> " * 20 + "We sell it.",
        "> " * 500 + "We sell it.",
        deep_lists(11),
        "> - " * 8 + "We sell it.",
        "- " * 12 + "We sell it.",
        "> " * 21 + "```\n" + "> " * 21 + "x",
    ],
)
def test_text_nested_too_deep_to_be_shown_blocks_and_is_never_unchanged(deep: str) -> None:
    words = f"{BASE}\n\n{deep}"
    findings = found(words)
    assert findings
    assert "not shown" in findings[0].message
    assert findings[0].line == place_of(words, deep)[0] + (9 if deep.startswith("- item 0") else 0)
    old, new = parse(policy(BASE)), parse(policy(words))
    assert any(change.kinds - {Kind.UNCHANGED} for change in compare(old, new).clauses)


@pytest.mark.parametrize("fine", ["> " * 5 + "quoted", deep_lists(8), "> - 1. quoted", "a > b > c > d"])
def test_usual_nesting_is_fine(fine: str) -> None:
    assert found(f"{BASE}\n\n{fine}") == []


LEFT_OVER = {
    "template braces": ("We are {{company_name}}.", "{{"),
    "template block": ("{% if eu %}We keep it.{% endif %}", "{%"),
    "erb": ("We are <%= company %>.", "<%"),
    "shell": ("We are ${COMPANY}.", "${"),
    "placeholder": ("We are [Company Name].", "[Company Name]"),
    "merge conflict": ("<<<<<<< HEAD\nWe keep it.", "<<<<<<<"),
}


@pytest.mark.parametrize("case", LEFT_OVER)
def test_marks_of_a_template_block(case: str) -> None:
    words, mark = LEFT_OVER[case]
    (finding,) = found(words, rule="PC251")
    assert finding.severity is Severity.ERROR
    assert mark in finding.message
    assert finding.line == place_of(words, mark)[0]


RUNNING = {
    "javascript": "[here](javascript:alert(1))",
    "capitals": "[here](JaVaScRiPt:alert(1))",
    "an entity": "[here](javascript&#58;alert(1))",
    "an entity and a tab": "[here](java&#9;script:alert(1))",
    "data": "[here](data:text/html;base64,PHNjcmlwdD4=)",
    "file": "[here](file:///etc/passwd)",
    "autolink": "<javascript:alert(1)>",
    "reference": "[here][x]\n\n[x]: vbscript:msgbox(1)",
    "html": '<a href="javascript:alert(1)">here</a>',
    "image": "![x](data:image/svg+xml;base64,AAAA)",
}


@pytest.mark.parametrize("case", RUNNING)
def test_links_that_run_something_block(case: str) -> None:
    findings = found(RUNNING[case], rule="PC251")
    assert Severity.ERROR in {finding.severity for finding in findings}


@pytest.mark.parametrize("link", ["http://example.com", "//example.com/a", "ftp://example.com/x"])
def test_links_that_are_not_https_are_told(link: str) -> None:
    assert [f.severity for f in found(f"[here]({link})", rule="PC251")] == [Severity.WARNING]


@pytest.mark.parametrize(
    "link", ["https://example.com", "mailto:a@example.com", "/terms", "#contact", "tel:+4930"]
)
def test_other_links_are_fine(link: str) -> None:
    assert found(f"See [here]({link}).", rule="PC251") == []


def test_a_comment_is_told_and_what_it_hides_counts_as_gone() -> None:
    hidden = f"<!-- {BASE} -->"
    assert any("comment" in finding.message for finding in found(hidden, rule="PC251"))
    changes = compare(parse(policy(BASE)), parse(policy(hidden))).clauses
    assert any(change.kinds & {Kind.REWORDED, Kind.REMOVED} for change in changes)


def test_a_skipped_level_is_told() -> None:
    (finding,) = found(f"{BASE}\n\n#### Deep\n\nWords.", rule="PC251")
    assert "Deep" in finding.message


@pytest.mark.parametrize("second", ["fax", "FAX", "\uff46\uff41\uff58"])
def test_an_id_claimed_twice_blocks_in_any_case_or_form(second: str) -> None:
    words = f"{BASE}\n\n## One {{#fax}}\n\nWords.\n\n## Two {{#{second}}}\n\nWords."
    assert any(f.severity is Severity.ERROR and "twice" in f.message for f in found(words, rule="PC251"))


@pytest.mark.parametrize("depth", [19, 20, 30, 100])
def test_the_site_shows_text_however_deep_it_is_nested(depth: int) -> None:
    assert "We sell it." in policy_body(parse("> " * depth + "We sell it.\n"))
    assert "item 30" in policy_body(parse(deep_lists(31)))


def test_the_site_shows_hidden_html_as_the_text_it_is() -> None:
    body = policy_body(parse("<div hidden>We sell it.</div>\n"))
    assert "&lt;div hidden&gt;We sell it.&lt;/div&gt;" in body


def test_a_text_full_of_traps_does_not_bury_the_rest() -> None:
    findings = found("\n".join(["We \u202ekeep it."] * 500))
    assert len(findings) <= 21
    assert "480 more" in findings[0].message or "480 more" in findings[-1].message


def test_translations_are_looked_through() -> None:
    new = read_policy(FRONT + policy(BASE), file="policy.md")
    other = Translation(
        "policy.de.md", read_policy(FRONT + "# A\n\nWir \u202ebehalten es.\n", file="policy.de.md")
    )
    context = JudgeContext(new, new, {}, TODAY, translations=(other,))
    findings = judge(compare(new.document, new.document), catalogue=CATALOGUE, context=context).findings
    assert any(f.rule == "PC241" and "policy.de.md" in f.message for f in findings)


@pytest.mark.parametrize("hostile", ["<a '", "<div <", "[a](b", "{{", "&#x", "<!--", ">" * 9 + "\n", "- "])
def test_rows_of_hostile_marks_are_judged(hostile: str) -> None:
    text = hostile * 3000
    judgement = judged_texts("Words.\n", text)
    assert len(judgement.findings) < 100


TRICKY = st.lists(
    st.sampled_from([
        "sell ", "not ", "we ", "keep ", "a", "b", " ", "\n", "\n\n", "> ", "- ", "  ", "1. ", "# ", "`",
        "**", "_", "<div hidden>", "</div>", "<!-- ", " -->", "[", "](x)", "]: y", "&#8238;", "&lt;", "\\",
        "| ", "```\n", "\u202e", "\u200b", "\u0435", "{{", "\x1b[2K", "::error::", "\r\n", "\t",
    ]),
    max_size=40,
).map("".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(TRICKY, TRICKY)
def test_any_text_is_judged_and_findings_can_be_shown(before: str, after: str) -> None:
    for finding in (*found(after, before), *found(after, before, "PC251"), *first_version(after)):
        assert not any(unicodedata.category(char) in {"Cf", "Cs"} for char in finding.message) or (
            finding.rule not in {"PC241", "PC251"}
        )


def words_seen(text: str) -> Iterator[str]:
    """What a browser shows, by another reader of Markdown than ours."""
    yield from rendered_words(text).split()


@settings(max_examples=250, deadline=None)
@given(TRICKY, TRICKY)
def test_what_a_browser_shows_differently_is_never_unchanged(before: str, after: str) -> None:
    if [*words_seen(before)] == [*words_seen(after)]:
        return
    changes = compare(parse(before), parse(after)).clauses
    assert any(change.kinds != {Kind.UNCHANGED} for change in changes)
