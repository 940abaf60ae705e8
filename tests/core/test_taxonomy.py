# SPDX-License-Identifier: Apache-2.0
"""The terms that ship with the package."""

from policyctl.adapters.catalogue import load_catalogue

TAXONOMY = load_catalogue().taxonomy


def test_every_term_has_its_ancestors_so_that_a_wider_word_is_always_there() -> None:
    for terms in (TAXONOMY.categories, TAXONOMY.purposes, TAXONOMY.recipients):
        missing = {
            parent for term in terms for parent in [term.rpartition(".")[0]] if parent and parent not in terms
        }
        assert not missing


def test_what_the_law_calls_sensitive_is_marked() -> None:
    sensitive = {key for key, term in TAXONOMY.categories.items() if term.sensitive}
    assert sensitive >= {
        "user.health_and_medical", "user.biometric", "user.location.precise", "user.financial",
        "user.demographic.race_ethnicity", "user.demographic.political_opinion",
        "user.demographic.religious_belief", "user.demographic.sexual_orientation", "user.childrens",
    }  # fmt: skip
    assert not sensitive & {"user", "user.contact.email", "user.location.imprecise", "user.device.cookie"}


def test_what_is_below_a_sensitive_category_is_sensitive_too_unless_it_names_a_thing() -> None:
    sensitive = {key for key, term in TAXONOMY.categories.items() if term.sensitive}
    below = {key for key in TAXONOMY.categories if any(key.startswith(f"{parent}.") for parent in sensitive)}
    assert below - sensitive == {"user.government_id.vehicle_registration"}


def test_labels_can_stand_in_a_sentence() -> None:
    for terms in (TAXONOMY.categories, TAXONOMY.purposes, TAXONOMY.recipients):
        for term in terms.values():
            assert term.label
            assert term.label[0].islower()
            assert not term.label.endswith(".")
