# SPDX-License-Identifier: Apache-2.0
"""``[[places]]``: where else policies are posted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from policyctl.settings.tables import Table

PLACE_KEYS = ("name", "kind", "target", "policies", "internal")
KINDS = ("site", "feed", "webhook", "file", "release", "url")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
_PAGE = re.compile(r"https://[A-Za-z0-9.\[\]:-]+(/[^\s\x00-\x1f]*)?", re.ASCII)
_HERE = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/[^\s\x00-\x1f]*)?", re.ASCII)
_NOT_OURS = ("policies", "diffs", ".git")
_EXAMPLE = {
    "site": 'target = "https://www.example.com/privacy", or leave it out',
    "feed": 'target = "https://www.example.com/privacy/feed.xml", or leave it out',
    "webhook": 'target = "https://hooks.example.com/policies"',
    "file": 'target = "public/{slug}.md"',
    "release": 'target = "https://github.com/example/policies/releases"',
    "url": 'target = "https://apps.example.com/our-app"',
}


@dataclass(frozen=True, slots=True)
class PlaceSetting:
    """One ``[[places]]``. ``policies`` empty: all of them. ``internal``: its address is one of a network of
    your own.
    """

    name: str
    kind: str
    target: str = ""
    policies: tuple[str, ...] = ()
    internal: bool = False


def read_places(tables: Sequence[Table]) -> tuple[PlaceSetting, ...]:
    """The places as they are written, with complaints about what cannot be."""
    found: list[PlaceSetting] = []
    for table in tables:
        place = PlaceSetting(
            name=table.text("name", ""),
            kind=table.one_of("kind", KINDS),
            target=table.text("target", ""),
            policies=table.lines("policies", "example-fax"),
            internal=table.switch("internal"),
        )
        _look_at(table, place)
        if place.name in {each.name for each in found}:
            table.complain("name", f"{place.name!r} is there already", "give each place a name of its own")
        found.append(place)
    return tuple(found)


def _look_at(table: Table, place: PlaceSetting) -> None:
    if "kind" not in table.raw:
        table.complain("kind", "is missing", "write one of: " + ", ".join(KINDS))
    if not _NAME.fullmatch(place.name):
        table.complain(
            "name", f"{place.name!r} is no name for a place", 'use a-z, 0-9 and "-": name = "app-store"'
        )
    if place.kind not in KINDS:
        return
    fits = _fits_file(place.target) if place.kind == "file" else _fits_address(place)
    if not fits:
        table.complain("target", f"{place.target!r} will not do here", f"write {_EXAMPLE[place.kind]}")


def _fits_address(place: PlaceSetting) -> bool:
    if not place.target:
        return place.kind in {"site", "feed"}
    return bool(_PAGE.fullmatch(place.target) or _HERE.fullmatch(place.target))


def _fits_file(target: str) -> bool:
    """Below the top, and none of what policyctl or git keeps."""
    parts = target.replace("{slug}", "slug").replace("{version}", "1").split("/")
    plain = all(part not in {"", ".", ".."} and "\\" not in part for part in parts)
    braces = "{" in target.replace("{slug}", "").replace("{version}", "")
    return plain and not braces and parts[0].lower() not in _NOT_OURS and target != "policyctl.toml"
