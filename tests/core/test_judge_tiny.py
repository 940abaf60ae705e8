# SPDX-License-Identifier: Apache-2.0
"""Before and after: a few words that change a promise, each with its direction and its category."""

import pytest

from policyctl.core.judge.findings import Direction
from tests.core.judging import judged, judged_texts, policy

MORE, LESS, NEITHER = Direction.EXPANDS, Direction.RESTRICTS, Direction.NEUTRAL
Row = tuple[str, str, Direction, str]

DENIALS: dict[str, Row] = {
    "not, beside a sale": (
        "We do not sell personal data.",
        "We sell personal data.",
        MORE,
        "sharing",
    ),
    "never becomes sometimes": (
        "We never read the letters you print with us.",
        "We sometimes read the letters you print with us.",
        MORE,
        "collection",
    ),
    "do not becomes may": (
        "We do not share your drawings with advertisers.",
        "We may share your drawings with advertisers.",
        MORE,
        "sharing",
    ),
    "a denial is promised": (
        "We use uploaded drawings to improve our models.",
        "We do not use uploaded drawings to improve our models.",
        LESS,
        "use",
    ),
    "neither nor loses a part": (
        "We neither sell nor rent your mailing address.",
        "We do not sell your mailing address.",
        MORE,
        "sharing",
    ),
    "a plan leaves a promise about training": (
        "We do not train our models on drawings made in the Free, Studio or School plan.",
        "We do not train our models on drawings made in the Studio or School plan.",
        MORE,
        "use",
    ),
    "an exception enters a promise": (
        "We do not disclose your drawings to anyone.",
        "We do not disclose your drawings to anyone, except to our partners.",
        MORE,
        "sharing",
    ),
    "a whole promise is gone": (
        "Orders are packed by hand. We will never sell your mailing address.",
        "Orders are packed by hand.",
        MORE,
        "sharing",
    ),
    "a promise for one kind of data": (
        "We do not collect your location or your contacts.",
        "We do not collect your contacts.",
        MORE,
        "collection",
    ),
    "a softer promise": (
        "We will not sell your mailing address.",
        "We will not sell your mailing address without telling you.",
        MORE,
        "sharing",
    ),
    "a promise about children": (
        "We do not show targeted advertising to children.",
        "We show targeted advertising to children.",
        MORE,
        "children",
    ),
}

LIMITS: dict[str, Row] = {
    "thirty becomes three hundred": (
        "Drawings are deleted after 30 days.",
        "Drawings are deleted after 300 days.",
        MORE,
        "retention",
    ),
    "months become years": (
        "We retain order records for six months.",
        "We retain order records for six years.",
        MORE,
        "retention",
    ),
    "years become months": (
        "We retain order records for 6 years.",
        "We retain order records for 6 months.",
        LESS,
        "retention",
    ),
    "an end of storage becomes a need": (
        "We keep your drawings until you delete them.",
        "We keep your drawings for as long as necessary.",
        MORE,
        "retention",
    ),
    "a period becomes a need": (
        "Log files are kept for 14 days.",
        "Log files are kept as long as we need them for our business.",
        MORE,
        "retention",
    ),
    "a need becomes a period": (
        "Log files are kept as long as needed.",
        "Log files are kept for 14 days.",
        LESS,
        "retention",
    ),
    "a period without end": (
        "We store your drawings for one year.",
        "We store your drawings indefinitely.",
        MORE,
        "retention",
    ),
    "a deletion becomes possible only": (
        "When you close your account, we will delete your drawings.",
        "When you close your account, we may delete your drawings.",
        MORE,
        "retention",
    ),
    "a deletion becomes hiding": (
        "We delete your drawings when you close your account.",
        "We archive your drawings when you close your account.",
        MORE,
        "retention",
    ),
    "an hour becomes a day": (
        "Voice recordings are erased within 24 hours.",
        "Voice recordings are erased within 24 days.",
        MORE,
        "retention",
    ),
    "a date of answer is later": (
        "We answer a request for access within 30 days.",
        "We answer a request for access within 90 days.",
        MORE,
        "choice_rights",
    ),
}

CHOICES: dict[str, Row] = {
    "opt in becomes opt out": (
        "We send offers by email if you opt in.",
        "We send offers by email unless you opt out.",
        MORE,
        "choice_rights",
    ),
    "opt out becomes opt in": (
        "You can opt out of personalized offers.",
        "We make personalized offers only if you opt in.",
        LESS,
        "choice_rights",
    ),
    "unless you object is gone": (
        "Partners receive your mailing address unless you object.",
        "Partners receive your mailing address.",
        MORE,
        "choice_rights",
    ),
    "unless you object is new": (
        "Partners receive your mailing address.",
        "Partners receive your mailing address unless you object.",
        LESS,
        "choice_rights",
    ),
    "with consent is gone": (
        "With your consent, we share your drawings with galleries.",
        "We share your drawings with galleries.",
        MORE,
        "choice_rights",
    ),
    "with consent is new": (
        "We share your drawings with galleries.",
        "We share your drawings with galleries with your consent.",
        LESS,
        "choice_rights",
    ),
    "express consent becomes consent": (
        "We use your voice only with your explicit consent.",
        "We use your voice only with your consent.",
        MORE,
        "choice_rights",
    ),
    "consent becomes notice": (
        "We will ask for your consent before we use your drawings for another purpose.",
        "We will notify you before we use your drawings for another purpose.",
        MORE,
        "choice_rights",
    ),
    "at any time is gone": (
        "You can withdraw your consent at any time.",
        "You can withdraw your consent.",
        MORE,
        "choice_rights",
    ),
    "free of charge becomes a fee": (
        "You can request a copy of your data free of charge.",
        "You can request a copy of your data for a fee.",
        MORE,
        "choice_rights",
    ),
    "a right is gone from a list": (
        "You have the right to access, correct, delete and export your data.",
        "You have the right to access, correct and delete your data.",
        MORE,
        "choice_rights",
    ),
    "a right enters a list": (
        "You have the right to access and correct your data.",
        "You have the right to access, correct and erase your data.",
        LESS,
        "choice_rights",
    ),
    "can becomes cannot": (
        "You can turn off tracking in the settings.",
        "You cannot turn off tracking in the settings.",
        MORE,
        "choice_rights",
    ),
    "a default is turned": (
        "Sharing of usage data is off by default.",
        "Sharing of usage data is on by default.",
        MORE,
        "choice_rights",
    ),
}

RANGES: dict[str, Row] = {
    "only is gone": (
        "We use your mailing address only to ship your order.",
        "We use your mailing address to ship your order.",
        MORE,
        "use",
    ),
    "solely is gone": (
        "Usage data is processed solely to repair faults.",
        "Usage data is processed to repair faults.",
        MORE,
        "use",
    ),
    "strictly necessary is gone": (
        "We collect only the data strictly necessary to ship your order.",
        "We collect the data useful to ship your order.",
        MORE,
        "collection",
    ),
    "affiliates become third parties": (
        "We share usage data with our affiliates.",
        "We share usage data with third parties.",
        MORE,
        "sharing",
    ),
    "third parties become affiliates": (
        "We share usage data with third parties.",
        "We share usage data with our affiliates.",
        LESS,
        "sharing",
    ),
    "anonymised is gone": (
        "We share anonymized usage data with researchers.",
        "We share usage data with researchers.",
        MORE,
        "sharing",
    ),
    "aggregated is gone": (
        "We publish aggregated order statistics.",
        "We publish order statistics.",
        MORE,
        "sharing",
    ),
    "aggregated is new": (
        "We disclose usage data to galleries.",
        "We disclose aggregated usage data to galleries.",
        LESS,
        "sharing",
    ),
    "and becomes or": (
        "We disclose drawings only if a court orders it and we have told you.",
        "We disclose drawings only if a court orders it or we have told you.",
        MORE,
        "sharing",
    ),
    "such as becomes including": (
        "We receive your approximate location.",
        "We receive your precise location.",
        MORE,
        "collection",
    ),
    "a purpose in two words": (
        "We use your purchases to ship orders.",
        "We use your purchases to ship orders and to advertise.",
        MORE,
        "use",
    ),
    "a purpose goes in two words": (
        "We use your purchases to ship orders and to advertise.",
        "We use your purchases to ship orders.",
        LESS,
        "use",
    ),
    "a data category in one word": (
        "We collect your username and email address.",
        "We collect your username, fingerprint scan and email address.",
        MORE,
        "collection",
    ),
    "a court order becomes a request": (
        "We hand drawings to the police only upon a court order.",
        "We hand drawings to the police upon request.",
        MORE,
        "sharing",
    ),
    "may becomes will": (
        "We may share your usage data with advertisers.",
        "We will share your usage data with advertisers.",
        MORE,
        "sharing",
    ),
}

PLACES: dict[str, Row] = {
    "the age falls": (
        "Our shop is not directed to children under 16.", "Our shop is not directed to children under 13.",
        MORE, "children",
    ),
    "the age rises": (
        "You must be at least 13 years old to open an account.",
        "You must be at least 16 years old to open an account.", LESS, "children",
    ),
    "the parent is no longer asked": (
        "We collect a child's drawing only with a parent's consent.",
        "We collect a child's drawing.", MORE, "children",
    ),
    "encryption is gone": (
        "Drawings are stored encrypted on our servers.", "Drawings are stored on our servers.",
        MORE, "security",
    ),
    "encryption is new": (
        "Drawings are stored on our servers.", "Drawings are stored on our servers with encryption.",
        LESS, "security",
    ),
    "a softer breach promise": (
        "We will notify you of a data breach within 72 hours.",
        "We may notify you of a data breach.", MORE, "security",
    ),
    "a transfer abroad": (
        "Your data stays on servers in Norway.", "Your data may be transferred to other countries.",
        MORE, "international_transfer",
    ),
    "a country joins": (
        "We store and process your data in Norway.", "We store and process your data in Norway and India.",
        MORE, "international_transfer",
    ),
    "a safeguard of transfers goes": (
        "We transfer data to India under standard contractual clauses.", "We transfer data to India.",
        MORE, "international_transfer",
    ),
    "another controller": (
        "The controller of your data is Sample Prints Ltd.",
        "The controller of your data is Other Press Inc.",
        NEITHER, "ownership_transition",
    ),
}  # fmt: skip

TINY = {
    **DENIALS, **LIMITS, **CHOICES, **RANGES, **PLACES,
}  # fmt: skip


@pytest.mark.parametrize("case", TINY, ids=list(TINY))
def test_a_few_words_that_change_a_promise_are_seen(case: str) -> None:
    before, after, direction, category = TINY[case]
    verdict = judged(before, after).verdict
    assert verdict.material
    assert verdict.direction is direction
    assert category in verdict.categories


FRAME = (
    "# Datenschutz der Beispieldruckerei\n\nWir sind eine kleine Druckerei und freuen uns, dass du da bist."
    "\n\n## Unsere Angaben\n\n{}\n\nWenn du uns schreibst, dann antworten wir dir, und das gern und bald.\n"
)
GERMAN: dict[str, Row] = {
    "nicht entfällt": (
        "Wir geben deine Zeichnungen nicht an Werbekunden weiter.",
        "Wir geben deine Zeichnungen an Werbekunden weiter.", MORE, "sharing",
    ),
    "niemals entfällt": (
        "Wir verkaufen deine Anschrift niemals.", "Wir verkaufen deine Anschrift.", MORE, "sharing",
    ),
    "ein Versprechen kommt": (
        "Wir verkaufen deine Anschrift.", "Wir verkaufen deine Anschrift nicht.", LESS, "sharing",
    ),
    "nur entfällt": (
        "Wir verwenden deine Anschrift nur für den Versand.",
        "Wir verwenden deine Anschrift für den Versand.", MORE, "use",
    ),
    "Tage werden mehr": (
        "Zeichnungen werden nach 30 Tagen gelöscht.", "Zeichnungen werden nach 300 Tagen gelöscht.",
        MORE, "retention",
    ),
    "Jahre werden Monate": (
        "Wir speichern Bestellungen zwei Jahre.", "Wir speichern Bestellungen zwei Monate.",
        LESS, "retention",
    ),
    "bis du löschst wird solange nötig": (
        "Wir speichern deine Zeichnungen, bis du sie löschst.",
        "Wir speichern deine Zeichnungen, solange es erforderlich ist.", MORE, "retention",
    ),
    "Einwilligung entfällt": (
        "Mit deiner Einwilligung teilen wir deine Zeichnungen mit Galerien.",
        "Wir teilen deine Zeichnungen mit Galerien.", MORE, "choice_rights",
    ),
    "Widerspruch entfällt": (
        "Partner erhalten deine Anschrift, sofern du nicht widersprichst.",
        "Partner erhalten deine Anschrift.", MORE, "choice_rights",
    ),
    "Einwilligung wird Widerspruch": (
        "Wir senden dir Werbung, wenn du einwilligst.", "Wir senden dir Werbung, bis du widersprichst.",
        MORE, "choice_rights",
    ),
    "und wird oder": (
        "Wir legen Zeichnungen nur offen, wenn ein Gericht es anordnet und du es weißt.",
        "Wir legen Zeichnungen nur offen, wenn ein Gericht es anordnet oder du es weißt.", MORE, "sharing",
    ),
    "anonymisiert entfällt": (
        "Wir teilen anonymisierte Nutzungsdaten mit Forschern.", "Wir teilen Nutzungsdaten mit Forschern.",
        MORE, "sharing",
    ),
    "verbundene Unternehmen werden Dritte": (
        "Wir teilen Nutzungsdaten mit verbundenen Unternehmen.", "Wir teilen Nutzungsdaten mit Dritten.",
        MORE, "sharing",
    ),
    "das Alter sinkt": (
        "Unser Angebot richtet sich nicht an Kinder unter 16 Jahren.",
        "Unser Angebot richtet sich nicht an Kinder unter 13 Jahren.", MORE, "children",
    ),
    "ein Recht entfällt": (
        "Du hast das Recht auf Auskunft, Berichtigung und Löschung.",
        "Du hast das Recht auf Auskunft und Berichtigung.", MORE, "choice_rights",
    ),
    "Verschlüsselung entfällt": (
        "Wir speichern deine Zeichnungen verschlüsselt auf unseren Servern.",
        "Wir speichern deine Zeichnungen auf unseren Servern.", MORE, "security",
    ),
    "ein Zweck kommt": (
        "Wir nutzen deine Einkäufe für die Rechnung.",
        "Wir nutzen deine Einkäufe für die Rechnung und für Werbung.", MORE, "use",
    ),
    "ein Modell wird trainiert": (
        "Wir nutzen deine Zeichnungen für den Druck.",
        "Wir nutzen deine Zeichnungen für den Druck und um unsere KI zu trainieren.", MORE, "use",
    ),
    "ein Drittland kommt": (
        "Wir speichern deine Daten in Norwegen.",
        "Wir speichern deine Daten in Norwegen und übermitteln sie in Drittländer.",
        MORE, "international_transfer",
    ),
    "kann wird muss": (
        "Du kannst die Standortfreigabe ausschalten.", "Du kannst die Standortfreigabe nicht ausschalten.",
        MORE, "choice_rights",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GERMAN, ids=list(GERMAN))
def test_a_few_german_words_that_change_a_promise_are_seen(case: str) -> None:
    before, after, direction, category = GERMAN[case]
    verdict = judged_texts(FRAME.format(before), FRAME.format(after)).verdict
    assert verdict.material
    assert verdict.direction is direction
    assert category in verdict.categories


@pytest.mark.parametrize("case", list(DENIALS)[:4])
def test_a_promise_is_seen_in_a_list_as_in_a_sentence(case: str) -> None:
    before, after, direction, _ = DENIALS[case]
    items = "Some things about us:\n\n* We print on paper.\n* {}\n* We answer letters."
    verdict = judged_texts(policy(items.format(before)), policy(items.format(after))).verdict
    assert verdict.material
    assert verdict.direction is direction


ALONG: dict[str, tuple[str, str, Direction]] = {
    "a promise that comes along with a new practice": (
        "We print drawings.",
        "We print drawings. We share your drawings with galleries. We do not share your drawings with banks.",
        MORE,
    ),
    "a choice that goes along with its practice": (
        "We print. We share your drawings with advertisers. You can turn off the sharing in the settings.",
        "We print.",
        LESS,
    ),
}


@pytest.mark.parametrize("case", ALONG, ids=list(ALONG))
def test_what_comes_or_goes_along_with_a_practice_does_not_outweigh_it(case: str) -> None:
    before, after, direction = ALONG[case]
    verdict = judged(before, after).verdict
    assert verdict.material
    assert verdict.direction is direction
