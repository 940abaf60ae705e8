# SPDX-License-Identifier: Apache-2.0
"""As ``wiring.py``, for other places where policies are posted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from policyctl.core.postings import PlaceKind, PostingPlace

if TYPE_CHECKING:
    from policyctl.adapters.posting.webhooks import Webhooks
    from policyctl.settings import Settings


def posting_places(settings: Settings) -> tuple[PostingPlace, ...]:
    """Where else policies are posted."""
    return tuple(
        PostingPlace(each.name, PlaceKind(each.kind), each.target, each.policies, each.internal)
        for each in settings.places
    )


def open_webhooks(environment: Mapping[str, str] | None = None) -> Webhooks:
    """What sends webhooks, with the secrets of the environment."""
    from policyctl.adapters.posting.webhooks import Webhooks

    return Webhooks(os.environ if environment is None else environment)


def page_digest(url: str, *, internal: bool = False) -> str:
    """The SHA-256 of what is at an address now, in hex."""
    from policyctl.adapters.posting.pages import fetch_digest

    return fetch_digest(url, internal=internal)
