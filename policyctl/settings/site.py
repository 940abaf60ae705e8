# SPDX-License-Identifier: Apache-2.0
"""``[site]``: how the posted pages are made."""

from __future__ import annotations

import re
from dataclasses import dataclass

from policyctl.settings.tables import Table

SITE_KEYS = ("folder", "base_url", "authority", "name", "language", "theme", "pdf", "served")
_DAY = r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?"
_HOST = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
_AUTHORITY = re.compile(rf"([A-Za-z0-9._-]+@)?{_HOST},{_DAY}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Site:
    """``[site]`` but for its folder and address. ``theme`` is empty without one. ``served``: pages may
    offer what only ``policyctl serve`` can do. ``authority`` (RFC 4151) is empty where none is named.
    """

    name: str = ""
    language: str = "en"
    theme: str = ""
    pdf: bool = True
    served: bool = False
    authority: str = ""


def read_site(table: Table) -> Site:
    """``[site]`` as it is written, with complaints about what cannot be."""
    language = table.text("language", "en")
    if not _LANGUAGE.fullmatch(language):
        table.complain("language", f"{language!r} is no language tag", 'write "en", "de" or "pt-BR"')
    return Site(
        authority=_authority(table),
        name=table.text("name", ""),
        language=language,
        theme=_theme(table),
        pdf=table.switch("pdf", default=True),
        served=table.switch("served"),
    )


def _authority(table: Table) -> str:
    authority = table.text("authority", "")
    if authority and not _AUTHORITY.fullmatch(authority):
        table.complain(
            "authority",
            f"{authority!r} is no name with a day on which it was yours",
            'write a host and a day, as "example.com,2026-11-30"',
        )
    return authority


def _theme(table: Table) -> str:
    folder = table.text("theme", "").rstrip("/")
    if folder.startswith("/") or ".." in folder.split("/"):
        table.complain("theme", "is not below the top of the repository", 'write theme = "theme"')
    return folder
