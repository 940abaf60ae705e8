# SPDX-License-Identifier: Apache-2.0
"""Before and after: much that changes on the page and nothing in what it says."""

import textwrap

import pytest

from policyctl.core.judge.findings import Confidence
from tests.core.judging import judged, judged_texts

BODY = """# Privacy policy of Sample Prints

Last updated: 4 January 2027

## 1. What we collect

We collect your name, your mailing address and the drawings that you upload to our print shop.
When you order, we record the order and the payment.

## 2. How we use it

We use your mailing address to ship your order, and your drawings to print them.
We analyse how our shop is used, so that we can organise the catalogue by favourite colours.

## 3. Who receives it

We share your mailing address with carriers. We do not sell personal data.

## 4. Your choices

You can delete your drawings in the settings, and you have the right to ask for a copy of your data.

## 5. Contact

Write to privacy@example.com if you have a question.
"""

MENU = "[Home](/) [Shop](/shop) [Gallery](/gallery) [Careers](/jobs)\n\nSign up\n\nLog in\n\n"
FOOT = (
    "\n\n## Company\n\n* About us\n* Press\n* Careers\n\n## Follow us\n\n* Pictures\n* Videos\n\n"
    "Subscribe to our newsletter for news about posters, frames and fairs.\n\nAll rights reserved.\n"
)
OTHER_PAGE = (
    "\n\n# Our team\n\nIda has drawn maps for thirty years and teaches at an academy of arts in the north. "
    "She advises us on inks and on ageing paper.\n\nOtto has run a bindery with his brother since his youth "
    "and shares stories of the trade at fairs.\n"
)
BANNER = (
    "> We are updating our privacy policy. The new version will take effect on 1 March 2027 and says how we "
    "use artificial intelligence. [Read the new version](/next).\n\n"
)
COOKIE_BANNER = "We use cookies on this page. Accept all. Reject all. Cookie preferences.\n\n"


def _renumbered() -> str:
    return (
        BODY.replace("## 5", "## 6").replace("## 4", "## 5").replace("## 3", "## IV").replace("## 2", "## B")
    )


def _american() -> str:
    return (
        BODY.replace("analyse", "analyze").replace("organise", "organize")
        .replace("favourite", "favorite").replace("colours", "colors")
        .replace("catalogue", "catalog")
    )  # fmt: skip


def _wrapped() -> str:
    return "\n".join(textwrap.fill(line, 40) for line in BODY.split("\n"))


def _bold_headings() -> str:
    lines = (f"**{line[3:]}**" if line.startswith("## ") else line for line in BODY.split("\n"))
    return "\n".join(lines)


def _contents() -> str:
    names = [line[3:] for line in BODY.split("\n") if line.startswith("## ")]
    contents = "\n".join(f"* [{name}](#{n})" for n, name in enumerate(names))
    return BODY.replace("## 1.", f"**Contents**\n\n{contents}\n\n## 1.", 1)


def _sections_turned_round() -> str:
    head, *sections = BODY.split("\n## ")
    return "\n## ".join([head, *reversed(sections)])


SAME = {
    "sections numbered otherwise": _renumbered(),
    "spelling of another country": _american(),
    "lines wrapped otherwise": _wrapped(),
    "headings in bold": _bold_headings(),
    "a table of contents": _contents(),
    "sections in another order": _sections_turned_round(),
    "a menu captured along": MENU + BODY,
    "a footer captured along": BODY + FOOT,
    "another page captured along": BODY + OTHER_PAGE,
    "a banner about another version": BANNER + BODY,
    "a cookie banner captured along": COOKIE_BANNER + BODY,
    "the shop has another name": BODY.replace("Sample Prints", "Paper & Ink").replace(
        "print shop", "web shop"
    ),
    "another date": BODY.replace("4 January 2027", "15 February 2028"),
    "another mail address": BODY.replace("privacy@example.com", "data.protection@example.org"),
    "a postal address": BODY.replace(
        "if you have a question.", "if you have a question, or by post to Sample Prints, 4 Mill Street, Oslo."
    ),
    "the text captured twice": BODY + "\n\n" + BODY,
    "typographic quotes and dashes": BODY.replace("'", "\u2019").replace(" - ", " \u2013 "),
    "pictures": BODY.replace("## 2.", "![A press](press.png)\n\n## 2."),
    "emphasis": BODY.replace("We do not sell personal data.", "**We do not sell** personal data."),
    "headings in capitals": "\n".join(
        line.upper() if line.startswith("#") else line for line in BODY.split("\n")
    ),
    "links to another place": BODY.replace("carriers", "[carriers](https://www.example.com/carriers?x=1)"),
}


@pytest.mark.parametrize("case", SAME, ids=list(SAME))
@pytest.mark.parametrize("backwards", [False, True], ids=["there", "and back"])
def test_a_page_that_says_the_same_is_not_material(case: str, *, backwards: bool) -> None:
    pair = (SAME[case], BODY) if backwards else (BODY, SAME[case])
    judgement = judged_texts(*pair)
    assert [(f.rule, f.message) for f in judgement.findings if f.material] == []


WORDING = {
    "a sentence becomes a list": (
        "We collect your name, your mailing address and your drawings.",
        "We collect:\n\n* your name\n* your mailing address\n* your drawings",
    ),
    "a list becomes a table": (
        "We collect:\n\n* your name, to ship your order\n* your drawings, to print them",
        ("| We collect | What for |\n| --- | --- |\n"
        "| your name | to ship your order |\n| your drawings | to print them |"),
    ),
    "a table turned into paragraphs": (
        ("| Data | Purpose |\n| --- | --- |\n"
        "| Mailing address | Shipping your order |\n| Drawings | Printing them |"),
        "Data: Mailing address\n\nPurpose: Shipping your order\n\nData: Drawings\n\nPurpose: Printing them",
    ),
    "a sentence cut in two": (
        "We record your order, and we share your mailing address with carriers.",
        "We record your order. We share your mailing address with carriers.",
    ),
    "contractions": (
        "We don't sell your drawings, and we won't rent them.",
        "We do not sell your drawings, and we will not rent them.",
    ),
    "the passive voice": (
        "We share your mailing address with carriers.",
        "Your mailing address is shared with carriers.",
    ),
    "clearer words": (
        "We utilize your mailing address in order to ship your order.",
        "We use your mailing address to ship your order.",
    ),
    "the order of a list": (
        "We collect your name, your drawings and your mailing address.",
        "We collect your mailing address, your name and your drawings.",
    ),
    "a pointer to another page": (
        "We share your mailing address with carriers.",
        "We share your mailing address with carriers. To learn more, see our help pages.",
    ),
    "the name of a page": (
        "See our Cookie Notice for the cookies we use.",
        "See our Cookie Policy for the cookies we use.",
    ),
    "another data protection officer": (
        "Our data protection officer is Ida Berg, 4 Mill Street, Oslo.",
        "Our data protection officer is Otto Lund, 9 Quay Road, Bergen.",
    ),
    "another representative in the union": (
        "Our representative in the European Union is Nordlys Compliance GmbH, Lange Gasse 1, Berlin.",
        "Our representative in the European Union is Sudwind Services Ltd, Short Lane 2, Dublin.",
    ),
    "how changes are told": (
        "We may change this policy. We will post the new version here.",
        "We may update this policy from time to time, and will post the updated version on this page.",
    ),
    "a greeting": (
        "Thank you for printing with us.",
        "Welcome, and thank you for printing with us. We love posters.",
    ),
    "statistics about the company": (
        "Some 2,000 painters print with us.",
        "Some 5,000 painters print with us.",
    ),
    "the singular": (
        "We share your mailing address with our carrier.",
        "We share your mailing address with our carriers.",
    ),
    "a word mended": (
        "We share you mailing adress with carriers.",
        "We share your mailing address with carriers.",
    ),
    "a reference to another section": (
        "You can ask us to delete your drawings as described in the section on requests below.",
        "You can ask us to delete your drawings as described in the table below.",
    ),
    "a summary of changes": (
        "We print posters.",
        "We've added a paragraph about how we use artificial intelligence. We print posters.",
    ),
    "how to read the page": (
        "We print posters.",
        "You can use this table of contents to move through the page. We print posters.",
    ),
    "people of whom the page tells": (
        "Ida has drawn maps for thirty years.",
        "Otto has secured bridges abroad and advises on cross-border trade in paper.",
    ),
    "a word that leads to an example": (
        "We use your mailing address to ship your order.",
        "We use your mailing address, for example, to ship your order.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WORDING, ids=list(WORDING))
@pytest.mark.parametrize("backwards", [False, True], ids=["there", "and back"])
def test_the_same_said_otherwise_is_not_material(case: str, *, backwards: bool) -> None:
    pair = WORDING[case][::-1] if backwards else WORDING[case]
    judgement = judged(*pair)
    assert [(f.rule, f.message) for f in judgement.findings if f.material] == []


def test_a_translation_is_not_judged_and_says_so() -> None:
    german = (
        "# Datenschutz\n\nWir erheben deinen Namen und deine Anschrift, und wir drucken die Zeichnungen, die "
        "du uns schickst. Wenn du eine Frage hast, dann schreib uns, und wir antworten dir gern.\n"
    ) * 2  # fmt: skip
    judgement = judged_texts(BODY, german)
    assert not judgement.verdict.material
    assert any(finding.confidence is Confidence.UNDECIDED for finding in judgement.findings)


def test_a_small_change_is_seen_inside_a_page_captured_anew() -> None:
    after = MENU + _renumbered().replace("We do not sell", "We may sell") + FOOT
    judgement = judged_texts(BODY, after)
    assert judgement.verdict.material
    assert any("sell personal data" in (f.after or "") for f in judgement.findings if f.material)
