# SPDX-License-Identifier: Apache-2.0
"""What a repository's policies are judged by: terms and word lists, lead times, regimes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policyctl.core.judge.catalogue import Catalogue
from policyctl.core.policy import ChangeClass
from policyctl.core.practice import Term


@dataclass(frozen=True, slots=True)
class Standards:
    """``lead_days``: days between publication and effect, by class. ``answer_days``: how long a
    reader has for an answer once a notice arrived. ``max_bytes``: the largest file that is read.
    """

    catalogue: Catalogue
    lead_days: Mapping[ChangeClass, int]
    regimes: tuple[str, ...]
    answer_days: int = 30
    max_bytes: int = 5_000_000


@dataclass(frozen=True, slots=True)
class BaseStandards:
    """What a proposal is judged by: ``standards`` are those of its base, with the terms that the proposal
    adds; ``changed`` says in words what the proposal would judge otherwise.
    """

    standards: Standards
    changed: tuple[str, ...] = ()


def differences(base: Standards, head: Standards) -> tuple[str, ...]:
    """What ``head`` would judge otherwise than ``base``, each in words; empty when nothing."""
    return tuple(_differences(base, head))


def _differences(base: Standards, head: Standards) -> Iterator[str]:
    if set(base.regimes) != set(head.regimes):
        yield f"the regimes that apply go from {_listed(base.regimes)} to {_listed(head.regimes)}"
    for each in ChangeClass:
        before, after = base.lead_days.get(each, 0), head.lead_days.get(each, 0)
        if before != after:
            yield f"the lead time of the class {each} goes from {before} to {after} days"
    if base.answer_days != head.answer_days:
        yield f"the days to answer go from {base.answer_days} to {head.answer_days}"
    if base.max_bytes != head.max_bytes:
        yield f"the largest file goes from {base.max_bytes} to {head.max_bytes} bytes"
    ours, theirs = base.catalogue.taxonomy, head.catalogue.taxonomy
    yield from _terms("category", ours.categories, theirs.categories)
    yield from _terms("purpose", ours.purposes, theirs.purposes)
    yield from _terms("class of recipients", ours.recipients, theirs.recipients)


def _listed(regimes: tuple[str, ...]) -> str:
    return ", ".join(sorted(regimes)) or "all"


def _terms(kind: str, base: Mapping[str, Term], head: Mapping[str, Term]) -> Iterator[str]:
    for name in sorted({*base, *head}):
        before, after = base.get(name), head.get(name)
        if before == after:
            continue
        if before is None or after is None:
            yield f"the {kind} {name} is {'gone' if after is None else 'new' + _weight(after)}"
        elif before.sensitive != after.sensitive:
            yield f"the {kind} {name} is {'now' if after.sensitive else 'no longer'} sensitive"
        else:
            yield f"the {kind} {name} is described otherwise"


def _weight(term: Term) -> str:
    """Whether a new term is sensitive decides what its use asks for, so it is said."""
    return ", and sensitive" if term.sensitive else ", and not sensitive"
