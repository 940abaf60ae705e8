# SPDX-License-Identifier: Apache-2.0
"""A policy repository as ``policyctl init`` makes it, with a small policy, for tests that publish."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self
from unittest.mock import patch

from policyctl import wiring
from policyctl.actions import sync as syncing
from policyctl.actions.evidence.trust import Trust
from policyctl.actions.init import init
from policyctl.actions.versions import publish as publishing
from policyctl.core.postings import PostingPlace
from policyctl.settings import load_settings
from tests.ledgers import settle
from tests.repos import ALONE, Repo, make_repo

SLUG = "example"
DAYS = {1: datetime(2027, 1, 1, 9, tzinfo=UTC), 2: datetime(2027, 3, 1, 9, tzinfo=UTC)}

TEXT_1 = """---
title: Example Privacy Policy
effective: 2027-01-01
---

## What we collect {#collect}

We collect your e-mail address and use it to run your account.

## How we keep it {#keep}

We keep your e-mail address for as long as you have an account.
"""

TEXT_2 = (
    TEXT_1.replace("effective: 2027-01-01", "effective: 2027-06-01\n{change}", 1)
    .replace(
        "{change}",
        """change:
  class: choice
  decided_by: legal@example.com
  summary: |
    From 1 June 2027 we would also like to send you our newsletter.
  impact: |
    You may get up to one mail a month.""",
    )
    .replace("run your account.", "run your account, and to send you our newsletter with offers.")
)

PRACTICES_1 = """practices:
  - id: account
    clause: collect
    data: [user.contact.email]
    purpose: essential.service.operations
"""
PRACTICES_2 = (
    PRACTICES_1
    + """  - id: newsletter
    clause: collect
    data: [user.contact.email]
    purpose: marketing.communications.email
    choice: opt-in
"""
)


def policy(text: str, practices: str | None = None) -> dict[str, str]:
    files = {f"policies/{SLUG}/policy.md": text}
    return files if practices is None else {**files, f"policies/{SLUG}/practices.yaml": practices}


def make_instance(root: Path) -> Repo:
    """With a first version committed, not published."""
    shutil.copytree(_model(), root, symlinks=True, dirs_exist_ok=True)
    return Repo(root)


def make_published(root: Path) -> Repo:
    """With the first version published on its day."""
    shutil.copytree(_published_model(), root, symlinks=True, dirs_exist_ok=True)
    settle(f"sqlite:///{root / '.policyctl' / 'ledger.db'}")
    return Repo(root)


@cache
def _room() -> TemporaryDirectory[str]:
    """For what is made once and copied; it goes when this process ends."""
    return TemporaryDirectory(prefix="models")


@cache
def _published_model() -> Path:
    made = make_instance(Path(_room().name) / "published")
    with patch.dict(os.environ, {name: ALONE[name] for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM")}):
        publish(made.root, DAYS[1])
    return made.root


@cache
def _model() -> Path:
    root = Path(_room().name) / "instance"
    repo = make_repo(root)
    init(root)
    repo.commit(
        "Set up",
        {"policyctl.toml": (root / "policyctl.toml").read_text("utf-8"), ".gitignore": ".policyctl/\n"},
    )
    repo.commit("First text", policy(TEXT_1, PRACTICES_1))
    return root


class Opened:
    """The adapters of an instance, open."""

    def __init__(self, root: Path) -> None:
        self.settings = load_settings(root)
        self.history = wiring.open_history(self.settings)
        self.ledger = wiring.open_ledger(self.settings)
        self.standards = wiring.standards(self.settings)
        self.places: tuple[PostingPlace, ...] = ()
        self.trust = Trust(wiring.open_checker(self.history), always=self.settings.sign == "always")
        self._stack = ExitStack()
        self._stack.callback(self.history.close)
        self._stack.callback(self.ledger.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def publish(self, now: datetime, slug: str = SLUG) -> publishing.Published:
        return publishing.publish(
            slug,
            now=now,
            history=self.history,
            ledger=self.ledger,
            site=wiring.site_folder(self.settings),
            base_url="https://policies.example.com",
            standards=self.standards,
            sign=self.settings.sign,
            trust=self.trust,
            stamp=wiring.open_stamper(self.settings),
            places=self.places,
        )

    def plan(self, now: datetime, slug: str = SLUG) -> publishing.PublishPlan:
        return publishing.plan_publication(
            slug, now=now, history=self.history, ledger=self.ledger, standards=self.standards
        )

    def sync(self, now: datetime, *, dry_run: bool = False) -> syncing.Synced:
        return syncing.sync(
            history=self.history,
            ledger=self.ledger,
            site=wiring.site_folder(self.settings),
            base_url="https://policies.example.com",
            standards=self.standards,
            now=now,
            dry_run=dry_run,
            trust=self.trust,
            places=self.places,
        )


def publish(root: Path, now: datetime) -> publishing.Published:
    with Opened(root) as opened:
        return opened.publish(now)
