# SPDX-License-Identifier: Apache-2.0
"""For any texts: no crash, evidence that stands in the texts, and no promise that goes unseen."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policyctl.core.judge.findings import CATEGORIES
from tests.core.judging import judged, judged_texts

VERBS = st.sampled_from(["collect", "use", "share", "sell", "retain", "transfer", "process", "disclose"])
DATA = st.sampled_from(["your fax number", "your faxes", "your name", "billing records", "your location"])
TARGETS = st.sampled_from(
    ["for advertising", "with partners", "for two years", "to answer you", "in our records"]
)
MARKDOWN = st.text(
    alphabet=st.sampled_from("ab we sell not # * | [ ] ( ) \n \n - . : 1 \u202e \u4e2d \u00df `"),
    max_size=400,
)


@settings(max_examples=60, deadline=None)
@given(MARKDOWN, MARKDOWN)
def test_any_two_texts_can_be_judged(before: str, after: str) -> None:
    judgement = judged_texts(before, after)
    for finding in judgement.findings:
        assert set(finding.categories) <= set(CATEGORIES)
        assert len(finding.fingerprint) == 12


@settings(max_examples=40, deadline=None)
@given(MARKDOWN)
def test_a_text_is_no_change_of_itself(text: str) -> None:
    assert judged_texts(text, text).verdict.material is False


@settings(max_examples=60, deadline=None)
@given(VERBS, DATA, TARGETS)
def test_a_denial_that_goes_is_always_material_and_so_is_one_that_comes(
    verb: str, data: str, target: str
) -> None:
    promise, practice = f"We do not {verb} {data} {target}.", f"We {verb} {data} {target}."
    for before, after in ((promise, practice), (practice, promise)):
        judgement = judged(before, after)
        assert judgement.verdict.material
        assert any(
            f.before and f.before in before and f.after and f.after in after for f in judgement.findings
        )


@settings(max_examples=60, deadline=None)
@given(VERBS, DATA, st.integers(2, 400), st.integers(2, 400))
def test_another_number_of_days_is_never_silent(verb: str, data: str, old: int, new: int) -> None:
    judgement = judged(f"We {verb} {data} for {old} days.", f"We {verb} {data} for {new} days.")
    assert judgement.verdict.material is (old != new)


@settings(max_examples=60, deadline=None)
@given(VERBS, DATA, st.text(alphabet="bcdfghjklmnpqrstvwxz", min_size=5, max_size=9))
def test_words_that_no_list_knows_beside_a_practice_are_never_silent(verb: str, data: str, word: str) -> None:
    judgement = judged(f"We {verb} {data}.", f"We {verb} {data} and {word} {word[::-1]}q.")
    assert judgement.verdict.material


@settings(max_examples=30, deadline=None)
@given(VERBS, DATA, TARGETS)
def test_the_judgement_of_a_revision_is_the_same_every_time(verb: str, data: str, target: str) -> None:
    pair = (f"We {verb} {data}.", f"We {verb} {data} {target}.")
    assert judged(*pair) == judged(*pair)
