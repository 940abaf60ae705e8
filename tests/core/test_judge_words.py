# SPDX-License-Identifier: Apache-2.0
"""Before and after: tiny differences that matter, and huge ones that do not."""

import pytest

from policyctl.core.judge.findings import Confidence, Direction
from policyctl.core.policy import ChangeClass
from tests.core.judging import judged, judged_texts, policy, rules

MORE, LESS = Direction.EXPANDS, Direction.RESTRICTS

TINY = {
    "a sale is no longer denied": (
        "We do not sell your fax number to anyone.",
        "We sell your fax number to anyone.",
        "PC192", MORE,
    ),
    "a sale is newly denied": (
        "We may sell your fax number to list buyers.",
        "We never sell your fax number to list buyers.",
        "PC193", LESS,
    ),
    "thirty days become three hundred": (
        "We keep the received faxes for 30 days.",
        "We keep the received faxes for 300 days.",
        "PC131", MORE,
    ),
    "two years become six months": (
        "We keep billing records for two years.",
        "We keep billing records for six months.",
        "PC132", LESS,
    ),
    "a period in words loses its limit": (
        "We keep received faxes for thirty days and then delete them.",
        "We keep received faxes.",
        "PC131", MORE,
    ),
    "both conditions become either": (
        "We disclose a fax only if you ask for it and a court orders it.",
        "We disclose a fax only if you ask for it or a court orders it.",
        "PC192", MORE,
    ),
    "the objection is dropped": (
        "We share your fax number with our partners unless you object.",
        "We share your fax number with our partners.",
        "PC141", MORE,
    ),
    "only is dropped": (
        "We use your fax number only to deliver your faxes.",
        "We use your fax number to deliver your faxes.",
        "PC192", MORE,
    ),
    "only is added": (
        "We use your fax number to deliver your faxes.",
        "We use your fax number only to deliver your faxes.",
        "PC193", LESS,
    ),
    "a product drops out of a promise": (
        "We do not train models on faxes sent with Example Fax Home, Example Fax Team or Example Fax Pro.",
        "We do not train models on faxes sent with Example Fax Home or Example Fax Pro.",
        "PC192", MORE,
    ),
    "consent is no longer asked": (
        "With your consent we use your faxes to write statistics.",
        "We use your faxes to write statistics.",
        "PC141", MORE,
    ),
    "a data category in a list": (
        "We collect your fax number and the time of each call.",
        "We collect your fax number, your voiceprint and the time of each call.",
        "PC101", MORE,
    ),
    "a data category leaves a list": (
        "We collect your fax number, your date of birth and the time of each call.",
        "We collect your fax number and the time of each call.",
        "PC102", LESS,
    ),
    "a purpose in a list": (
        "We use your fax number to bill you.",
        "We use your fax number to bill you and for targeted advertising.",
        "PC111", MORE,
    ),
    "models are trained": (
        "We use received faxes to route them.",
        "We use received faxes to route them and to train our artificial intelligence.",
        "PC113", MORE,
    ),
    "a class of recipients": (
        "We share your fax number with our carriers.",
        "We share your fax number with our carriers and with data brokers.",
        "PC121", MORE,
    ),
    "the age limit falls": (
        "We do not knowingly collect data from children under 16 years of age.",
        "We do not knowingly collect data from children under 13 years of age.",
        "PC181", MORE,
    ),
    "another company is responsible": (
        "This policy is that of Example Fax Ltd, the controller of your data.",
        "This policy is that of Sample Paper Inc, the controller of your data.",
        "PC171", Direction.NEUTRAL,
    ),
    "a safeguard is gone": (
        "We protect your faxes with encryption and a firewall.",
        "We protect your faxes.",
        "PC151", MORE,
    ),
    "a right comes": (
        "Questions are answered within the week.",
        "Questions are answered within the week. You have the right to object to profiling by us.",
        "PC142", LESS,
    ),
    "a region comes": (
        "We store faxes in Iceland.",
        "We store faxes in Iceland. We transfer them to servers in Brazil as well.",
        "PC161", MORE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TINY, ids=list(TINY))
def test_a_tiny_difference_that_matters_is_found(case: str) -> None:
    before, after, rule, direction = TINY[case]
    judgement = judged(before, after)
    assert judgement.verdict.material
    assert rule in rules(judgement)
    assert judgement.verdict.direction is direction
    found = next(finding for finding in judgement.findings if finding.rule == rule)
    assert (found.before or "") in before or (found.after or "") in after


QUIET = {
    "a date": ("We count pages. Since 3 March 2026.", "We count pages. Since 4 April 2027."),
    "spelling": (
        "We personalise our organisation of your faxes in colour.",
        "We personalize our organization of your faxes in color.",
    ),
    "typography": (
        'We don\'t read "your" faxes - ever.',
        "We don\u2019t read \u201cyour\u201d faxes \u2013 ever.",
    ),
    "emphasis and links": (
        "We share faxes with [carriers](https://one.example.com/a).",
        "We **share** faxes with [carriers](https://two.example.org/b).",
    ),
    "a list instead of a sentence": (
        "We collect:\n\n* your fax number\n* your name",
        "We collect:\n\n1. your fax number\n2. your name",
    ),
    "a mail address": (
        "Write to our data protection officer at dpo@example.com.",
        "Write to our data protection officer at privacy-desk@example.org.",
    ),
    "order of sentences": (
        "We count pages for the bill. We share nothing with carriers abroad. Faxes wait for a day.",
        "Faxes wait for a day. We count pages for the bill. We share nothing with carriers abroad.",
    ),
    "a sentence said twice": (
        "We share your fax number with carriers in order to deliver.",
        (
            "We share your fax number with carriers in order to deliver."
            "\n\nWe share your fax number with carriers in order to deliver."
        ),
    ),
    "a banner about another version": (
        "We count pages.",
        "We have updated our privacy policy; the new version takes effect on 1 May 2027.\n\nWe count pages.",
    ),
    "an example of what is told already": (
        "We collect your fax number and the name of your company from you.",
        "We collect your fax number and the name of your company, for example, from you.",
    ),
}


@pytest.mark.parametrize("case", QUIET, ids=list(QUIET))
def test_a_difference_that_says_nothing_new_is_not_material(case: str) -> None:
    judgement = judged(*QUIET[case])
    assert [finding.message for finding in judgement.findings if finding.material] == []
    assert judgement.verdict.change_class in {ChangeClass.EDITORIAL, ChangeClass.NOTICE}


def test_a_product_renamed_everywhere_is_no_change() -> None:
    words = [
        "When you send with FaxNow, we count your pages.",
        "FaxNow keeps your fax number while you have an account.",
        "Carriers of FaxNow receive your fax number to deliver.",
        "You can close FaxNow in the settings.",
    ]
    before = policy("\n\n".join(words))
    assert not judged_texts(before, before.replace("FaxNow", "PaperFlow")).verdict.material


def test_sections_numbered_anew_and_moved_are_no_change() -> None:
    parts = [
        "## 1. Faxes\n\nWe share faxes with carriers.\n\n",
        "## 2. Bills\n\nWe keep bills for two years.\n\n",
    ]
    before = "# Policy\n\n" + parts[0] + parts[1]
    after = "# Policy\n\n" + parts[1].replace("2.", "1.", 1) + parts[0].replace("1.", "2.", 1)
    assert not judged_texts(before, after).verdict.material


def test_menus_and_footers_captured_with_the_page_are_no_change() -> None:
    menu = "[Home](/) [Prices](/p) [Careers](/c)\n\nSend faxes from anywhere with a smile.\n\n"
    foot = "\n\nThe world's friendliest fax.\n\nAll rights reserved. Get the app. Connect with many.\n"
    assert not judged_texts(
        policy("We count pages."), menu + policy("We count pages.") + foot
    ).verdict.material


def test_a_table_captured_as_paragraphs_is_no_change() -> None:
    rows = [("Fax number", "to deliver your faxes"), ("Pages", "to write the monthly bill")]
    table = "| Data | Why we use it |\n| --- | --- |\n" + "\n".join(f"| {a} | {b} |" for a, b in rows)
    flat = "Data\n\nWhy we use it\n\n" + "\n\n".join(f"{a}\n\n{b}" for a, b in rows)
    assert not judged(table, flat).verdict.material


def test_data_mentioned_for_the_first_time_counts_and_repeated_data_does_not() -> None:
    known = "We collect your fax number to deliver. We collect your precise location to find a carrier."
    assert not judged(known, known + " We collect your precise location.").verdict.material
    assert "PC101" in rules(
        judged("We collect your fax number.", "We collect your fax number and your gender.")
    )


def test_a_list_item_is_read_with_the_words_that_lead_into_it() -> None:
    before = "We share your fax number with:\n\n* carriers\n* our printing shop"
    judgement = judged(before, before + "\n* insurance underwriters and loan brokers")
    assert judgement.verdict.material
    assert judgement.verdict.direction is MORE
    assert "sharing" in judgement.verdict.categories


def test_what_the_reader_does_is_not_our_practice() -> None:
    judgement = judged("We count pages.", "We count pages. You may share a cover sheet with a friend.")
    assert "PC121" not in rules(judgement)


def test_words_nobody_knows_are_left_to_a_person_and_count_as_material() -> None:
    judgement = judged(
        "We use your faxes to bill.", "We use your faxes to bill. We use your faxes for zorbing glimmers."
    )
    doubt = [finding for finding in judgement.findings if finding.confidence is Confidence.UNDECIDED]
    assert doubt
    assert all(finding.material and "person must decide" in finding.message for finding in doubt)
    assert judgement.verdict.material


def test_another_language_is_told_and_not_judged() -> None:
    german = (
        "Wir erheben deine Faxnummer und deinen Namen, wenn du ein Konto eröffnest, und wir speichern sie. "
        * 3
    )
    judgement = judged_texts(policy("We count pages."), f"# Datenschutz\n\n{german}\n")
    assert [(f.rule, f.confidence, f.material) for f in judgement.findings] == [
        ("PC231", Confidence.UNDECIDED, False)
    ]
    assert not judgement.verdict.material


def test_a_language_without_a_word_list_is_left_to_a_person() -> None:
    before = (
        "# Politica\n\nNoi raccogliamo il tuo numero di fax quando apri un conto presso la nostra azienda.\n"
    )
    judgement = judged_texts(before, before.replace("raccogliamo", "vendiamo"))
    assert judgement.verdict.material
    assert judgement.findings[0].confidence is Confidence.UNDECIDED


GERMAN = {
    "Verkauf": (
        "Wir verkaufen deine Faxnummer nicht an Dritte und wir speichern sie für dich.",
        "Wir verkaufen deine Faxnummer an Dritte und wir speichern sie für dich.",
        "PC192", MORE,
    ),
    "Frist": (
        "Wir speichern die empfangenen Faxe für 30 Tage auf unseren Rechnern, und dann löschen wir sie.",
        "Wir speichern die empfangenen Faxe für 90 Tage auf unseren Rechnern, und dann löschen wir sie.",
        "PC131", MORE,
    ),
    "Daten": (
        "Wir erheben deine Faxnummer, wenn du ein Konto eröffnest, und zählen Seiten.",
        "Wir erheben deine Faxnummer und deinen Standort, wenn du ein Konto eröffnest, und zählen Seiten.",
        "PC101", MORE,
    ),
    "Empfänger": (
        "Wir geben deine Faxnummer weiter, damit die Faxe ankommen, und sonst niemandem.",
        "Wir geben deine Faxnummer an Werbepartner weiter, damit die Faxe ankommen, und sonst niemandem.",
        "PC121", MORE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GERMAN, ids=list(GERMAN))
def test_german_is_read_with_its_own_words(case: str) -> None:
    before, after, rule, direction = GERMAN[case]
    frame = (
        "# Datenschutz bei Beispiel-Fax\n\n{}\n\nWir sind für dich da, wenn du uns schreibst, und das gern.\n"
    )
    judgement = judged_texts(frame.format(before), frame.format(after))
    assert rule in rules(judgement)
    assert judgement.verdict.direction is direction


def test_what_a_person_must_decide_is_counted_apart_and_is_material() -> None:
    verdict = judged(
        "We use your faxes to bill.", "We use your faxes to bill. We use your faxes for zorbing glimmers."
    ).verdict
    assert verdict.undecided == 1
    assert verdict.left_open == "1 for a person to decide"
    assert verdict.material
    assert judged("We count pages.", "We count pages.").verdict.left_open == ""
