# SPDX-License-Identifier: Apache-2.0
"""Which names may reach git at all: narrower than what git takes, so that none is read as an option,
a search, a reflog entry or a path out of the tree.
"""

from __future__ import annotations

import re

from policyctl.core.formats.slugs import check_slug
from policyctl.core.policy import VersionKey
from policyctl.errors import UsageError

VERSION = re.compile(r"(?P<slug>[a-z0-9][a-z0-9-]{0,62})@v(?P<number>[1-9][0-9]{0,5})", re.ASCII)
VERSION_REF = re.compile(
    r"refs/tags/policy/(?P<slug>[a-z0-9][a-z0-9-]{0,62})/v(?P<number>[1-9][0-9]{0,5})", re.ASCII
)
LONGEST = 255

_REVISION = re.compile(r"(?P<name>[^-^~:\s][^^~:]*?)(?P<steps>(?:~[0-9]{0,5}|\^[0-9]{0,2})*)")
_NEVER = re.compile(r"[\x00-\x20\x7f*?\[\\:{}]|\.\.|//|@\{|^[/.]|/\.|[/.]$")


def version_key(name: str) -> VersionKey | None:
    """``example-fax@v3`` as a key, None when it is not of that form."""
    match = VERSION.fullmatch(name)
    return VersionKey(check_slug(match["slug"]), int(match["number"])) if match else None


def require_revision_name(name: str) -> str:
    """A branch, tag, ref or commit id, with ``~2`` or ``^`` behind it; UsageError for all else."""
    match = _REVISION.fullmatch(name) if len(name) <= LONGEST else None
    if match is None or _NEVER.search(match["name"]) or match["name"].endswith(".lock"):
        raise UsageError(
            f"{shown(name)} cannot name a revision",
            hint="name a branch, a tag or a commit, such as main, HEAD~1 or 3f2a91c",
        )
    return name


def require_path(path: str) -> str:
    """A path inside the tree, ``/`` between its parts, none of them ``.``, ``..`` or ``.git``."""
    parts = path.split("/")
    wrong = any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts)
    if wrong or len(path) > 4096 or any(not char.isprintable() for char in path):  # noqa: PLR2004 - PATH_MAX
        raise UsageError(
            f"{shown(path)} cannot name a file in a revision",
            hint="name it from the top of the repository, such as main:policies/example-fax/policy.md",
        )
    return path


def shown(name: str) -> str:
    """The name as a message may print it: quoted, escaped, cut."""
    words = ascii(name)
    return words if len(words) <= 80 else words[:76] + "...'"  # noqa: PLR2004 - a line of a terminal
