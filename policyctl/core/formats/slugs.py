# SPDX-License-Identifier: Apache-2.0
"""A policy's slug: the name of its folder, of its version refs, of its pages."""

from __future__ import annotations

import re

from policyctl.errors import UsageError

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


def check_slug(word: str) -> str:
    """The word itself when it can be a slug, else ``UsageError``.

    Nothing but lower-case letters, digits and hyphens, and no hyphen first: such a name can be
    neither a path that leads elsewhere nor an option of a command.
    """
    if not _SLUG.fullmatch(word):
        hint = "use lower-case letters, digits and hyphens, at most 63, a letter or digit first: example-fax"
        raise UsageError(f"{word!r} cannot be a slug", hint=hint)
    return word


def title_of_slug(slug: str) -> str:
    """A title to begin with: ``example-fax`` -> ``Example Fax Privacy Policy``."""
    words = " ".join(part.capitalize() for part in slug.split("-") if part)
    return words if words.endswith("Policy") else f"{words} Privacy Policy"
