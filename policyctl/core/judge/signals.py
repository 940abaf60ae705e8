# SPDX-License-Identifier: Apache-2.0
"""What a sentence says: who does what with which data, for which purpose, for whom, and on what condition.

Read from the lexicon alone, so that every signal can be shown as words of the sentence. An act is a
practice verb with its actor (the nearest one before it) and whether it is denied ("we do not sell").
A sentence without an act of its own takes that of its lead-in, then that of its heading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policyctl.core.judge.catalogue import Hit, Lexicon, find_hits
from policyctl.core.text.sentences import Sentence

CATEGORY_OF: Mapping[str, str] = {
    "collect": "collection",
    "receive": "collection",  # by us; by anybody else it is sharing
    "use": "use",
    "share": "sharing",
    "sell": "sharing",
    "keep": "retention",
    "erase": "retention",
    "transfer": "international_transfer",
    "protect": "security",
    "right": "choice_rights",
    "child": "children",
    "own": "sharing",
}
TERM_KINDS = ("data", "purpose", "recipient", "right", "place")
_BESIDE: Mapping[str, frozenset[str]] = {  # terms that mean something only beside such practices
    "right": frozenset({"right"}),
    "place": frozenset({"keep", "transfer"}),
}
_NEGATION_SCOPE = 20
_NEGATION_REACH = 4  # words between "not" and its verb
_ACTOR_REACH = 12
_GIVES = 3  # words from "you can" to what is given
_THEIRS = frozenset({"right", "child", "collect", "transfer"})  # what counts also where the reader does it
_GENERAL = "user"  # "your data": a category that says nothing about which


@dataclass(frozen=True, slots=True)
class Act:
    """A practice in a sentence. ``source``: ``own``, ``lead`` or ``title``; ``at`` its word number."""

    practice: str
    actor: str
    denied: bool
    at: int
    source: str

    @property
    def category(self) -> str:
        """The category of the corpus and of findings."""
        return CATEGORY_OF[self.practice]


@dataclass(frozen=True, slots=True)
class Signals:
    """A sentence read: all phrases found, and the acts it speaks of."""

    sentence: Sentence
    hits: tuple[Hit, ...]
    acts: tuple[Act, ...]

    def cues(self, name: str) -> tuple[Hit, ...]:
        """The hits of one cue."""
        return tuple(hit for hit in self.hits if hit.kind == "cue" and hit.id == name)

    def has(self, *names: str) -> bool:
        """True when one of these cues stands in the sentence."""
        return any(hit.kind == "cue" and hit.id in names for hit in self.hits)

    def terms(self) -> frozenset[tuple[str, str]]:
        """Data, purposes and recipients as (kind, id), the general "your data" left out."""
        return frozenset((h.kind, h.id) for h in self.hits if h.kind in TERM_KINDS and h.id != _GENERAL)

    def concerns(self, lexicon: Lexicon) -> bool:
        """True when it speaks of us, the reader, others or data; an item of a list or table need not."""
        if self.sentence.kind in {"item", "row"} or lexicon.persons.intersection(self.sentence.words):
            return True
        return any(
            h.kind in {"actor", "recipient"} or (h.kind, h.id) == ("data", _GENERAL) for h in self.hits
        )

    @property
    def personal(self) -> bool:
        """True when the sentence speaks of the reader's data at all."""
        return any(hit.kind == "data" for hit in self.hits)

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of its acts, in order of appearance."""
        return tuple(dict.fromkeys(act.category for act in self.acts))

    @property
    def denied(self) -> bool:
        """True when what the sentence is about is something that is not done."""
        ours = [act for act in self.acts if act.practice not in {"right", "child", "own", "protect"}]
        return any(act.denied for act in ours or self.acts)


def read_sentence(sentence: Sentence, lexicon: Lexicon) -> Signals:
    """The signals of one sentence."""
    hits = _without_doubles(find_hits(sentence.words, lexicon))
    acts = _acts(hits, "own", lexicon) or _borrowed(sentence.lead, lexicon, "lead")
    acts = acts or _borrowed(sentence.title, lexicon, "title") or _implied(sentence, hits, lexicon)
    return Signals(sentence, tuple(hit for hit in hits if _means(hit, acts)), acts)


def _means(hit: Hit, acts: Sequence[Act]) -> bool:
    beside = _BESIDE.get(hit.kind)
    return beside is None or any(act.practice in beside and act.source != "title" for act in acts)


def _implied(sentence: Sentence, hits: Sequence[Hit], lexicon: Lexicon) -> tuple[Act, ...]:
    """With no verb that the lexicon knows: we do something with data, or for those who are named."""
    ours = next((hit for hit in hits if hit.kind == "actor" and hit.id == "we"), None)
    kinds = {hit.kind for hit in hits}
    if ours is None or not kinds & {"data", "recipient"} or lexicon.persons.isdisjoint(sentence.words):
        return ()
    practice = "share" if "recipient" in kinds else "use"
    denied = any(hit.kind == "cue" and hit.id == "negation" for hit in hits)
    return (Act(practice, "we", denied, ours.end, "title"),)


def _without_doubles(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The word "advertisers" means recipients and no purpose; of one word the recipient is meant."""
    taken = {i for hit in hits if hit.kind == "recipient" for i in range(hit.start, hit.end)}
    return tuple(h for h in hits if h.kind != "purpose" or not taken.issuperset(range(h.start, h.end)))


def _borrowed(words: Sequence[str], lexicon: Lexicon, source: str) -> tuple[Act, ...]:
    return _acts(find_hits(words, lexicon), source, lexicon) if words else ()


def _acts(hits: Sequence[Hit], source: str, lexicon: Lexicon) -> tuple[Act, ...]:
    acts = (_act(hit, hits, source, lexicon) for hit in hits if hit.kind == "practice")
    ours = any(hit.kind == "actor" and hit.id == "we" for hit in hits)
    allowed = _THEIRS | {"protect"} if ours else _THEIRS
    kept = [act for act in acts if act.actor != "you" or act.practice in allowed]
    readers = {hit.start for hit in hits if hit.kind == "actor" and hit.id == "you"}
    return tuple(act for act in kept if act.at not in readers or not _only_gives(act, kept))


def _only_gives(act: Act, acts: Sequence[Act]) -> bool:
    """True for "you can" before "provide us with": no right, but a way in which data is collected."""
    given = (other.at - act.at for other in acts if other.practice == "collect")
    return act.practice == "right" and any(0 < step <= _GIVES for step in given)


def _act(hit: Hit, hits: Sequence[Hit], source: str, lexicon: Lexicon) -> Act:
    reach = range(hit.start - _ACTOR_REACH, max(hit.end - 1, hit.start + 1))
    actors = [h for h in hits if h.kind == "actor" and h.start in reach]
    actor = max(actors, key=lambda h: h.start).id if actors else ""
    denied = _is_denied(hit, hits) or _is_denied_after(hit, hits, lexicon.negation_follows)
    practice = hit.id if hit.id != "receive" else "collect" if actor == "we" else "share"
    return Act(practice, actor, denied, hit.start, source)


def _is_denied(hit: Hit, hits: Sequence[Hit]) -> bool:
    """A negation stands just before, or further before with no other actor and no exception between."""
    for no in hits:
        if no.kind != "cue" or no.id != "negation" or not 0 <= hit.start - no.end + 1 <= _NEGATION_SCOPE:
            continue
        between = (h for h in hits if no.end <= h.start < hit.start)
        turned = any(h.kind == "actor" or (h.kind == "cue" and h.id == "unless") for h in between)
        if hit.start - no.end < _NEGATION_REACH or not turned:
            return True
    return False


def _is_denied_after(hit: Hit, hits: Sequence[Hit], reach: int) -> bool:
    """In some languages the negation follows its verb; another actor ends its reach."""
    for no in hits:
        if no.kind == "cue" and no.id == "negation" and 0 <= no.start - hit.end < reach:
            return not any(h.kind == "actor" and hit.end <= h.start < no.start for h in hits)
    return False
