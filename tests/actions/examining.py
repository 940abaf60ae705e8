# SPDX-License-Identifier: Apache-2.0
"""A repository of tests/actions/instance.py, looked at by doctor."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from policyctl import wiring
from policyctl.actions.drift.doctor import Check, Openers, Question, doctor
from policyctl.actions.drift.due import Pulse
from policyctl.actions.drift.posted import SiteLook
from policyctl.actions.site.build import SiteOptions
from policyctl.reports.site.look import Look
from policyctl.settings import load_settings
from policyctl.wiring import mail as wiring_mail

LOOK = SiteOptions(Look(base_url="https://policies.example.com"))


def examine(root: Path, now: datetime, url: str = "") -> tuple[Check, ...]:
    """All that doctor says, at that moment; with ``url`` also of what is posted there."""
    openers = Openers(
        settings=lambda: str(load_settings(root).root / "policyctl.toml"),
        history=lambda: wiring.open_history(load_settings(root)),
        ledger=lambda: wiring.open_ledger(load_settings(root)),
        mailer=lambda: wiring_mail.open_mailer(load_settings(root)),
        standards=lambda: wiring.standards(load_settings(root)),
        site=lambda _history: _site(root),
        pulse=lambda: Pulse(load_settings(root).heartbeat_hours, load_settings(root).expected_hours),
    )
    return doctor(openers, Question(now, (lambda: url) if url else None))


def _site(root: Path) -> SiteLook:
    settings = load_settings(root)
    return SiteLook(wiring.site_folder(settings), LOOK, wiring.standards(settings).catalogue.taxonomy)
