# SPDX-License-Identifier: Apache-2.0
"""What a user names is read: a file, ``REV:path``, a policy of the work tree, a published version.

1. ``SLUG@v3`` is the version; its text must be the one whose hash its version ref holds.
2. The name of a file that is there is that file.
3. ``REV:path`` is the file at that revision, ``path`` from the top of the repository.
4. ``SLUG`` is the policy as it stands in the work tree.

A policy (1, 4) must have sound front matter, and its declared practices are read with it. Any other
text (2, 3) is taken as it is: Markdown, with or without front matter of ours.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.places import is_there
from policyctl.adapters.files import decode, read_below, read_bytes
from policyctl.adapters.repository.names import shown, version_key
from policyctl.core.formats.frontmatter import read_policy
from policyctl.core.formats.slugs import check_slug
from policyctl.core.policy import Document, PolicyText, VersionKey
from policyctl.core.practice import Practice, Taxonomy
from policyctl.core.suggest import nearest
from policyctl.core.text.parse import parse
from policyctl.errors import CannotCompareError, IntegrityError, PolicyctlError, UsageError
from policyctl.reports.comparing.comparison import Side, side_of

if TYPE_CHECKING:  # what two plain files do not need
    from policyctl.adapters.repository.history import History
    from policyctl.core.formats.version_note import MarkedVersion
    from policyctl.core.judge.rules.rule import Translation

TEXT, PRACTICES = "policy.md", "practices.yaml"
_LANGUAGE = re.compile(r"policy\.[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\.md")


@dataclass(frozen=True, slots=True)
class Source:
    """One text that was read: where it is from, and what it holds.

    ``file`` is how complaints name it. ``policy`` is None for plain Markdown that has no front matter
    of ours, ``practices`` None where none are declared (which is not the same as an empty list);
    ``practices_data`` are the bytes of their file. ``translations``: ``policy.de.md`` and its like, beside
    a policy that is about to be published. ``slug`` is empty for a text that is no policy here.
    """

    side: Side
    file: str
    document: Document
    policy: PolicyText | None = None
    practices: tuple[Practice, ...] | None = None
    practices_data: bytes | None = None
    slug: str = ""
    translations: tuple[Translation, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading needs: where the user stands, the repository they stand in (None outside of
    one), the terms practices may name, the largest file in bytes.
    """

    here: Path
    history: History | None
    taxonomy: Taxonomy
    max_bytes: int = 5_000_000
    declared: dict[tuple[str, bytes], tuple[Practice, ...]] = field(default_factory=dict, compare=False)
    """Practices that were read already: most versions declare what the one before did."""


def load_source(
    spec: str, *, here: Path, history: History | None, taxonomy: Taxonomy, max_bytes: int = 5_000_000
) -> Source:
    """Read what ``spec`` names. CannotCompareError or InputError when it cannot be, UsageError when
    the name cannot be meant.
    """
    reading = Reading(here, history, taxonomy, max_bytes)
    key = version_key(spec)
    if key is not None:
        return load_version(repository(reading).version(key), reading)
    if not spec or "\0" in spec or len(spec) > 4096:  # noqa: PLR2004 - PATH_MAX
        raise UsageError(f"{shown(spec)} names nothing", hint=_FORMS)
    if is_there(here / spec) and not _is_slug_folder(spec, reading):
        return _file(spec, reading)
    if ":" in spec:
        return _at_revision(spec, reading)
    return _named(spec, reading)


_FORMS = "name a file, REV:path, a policy (SLUG) or a version (SLUG@v3)"


def _is_slug_folder(spec: str, reading: Reading) -> bool:
    """True for a folder of that name where a policy of that name is meant too."""
    return (reading.here / spec).is_dir() and spec in slugs_in_tree(reading.history)


def repository(reading: Reading) -> History:
    """The history, or an error that says there is none."""
    if reading.history is None:
        raise CannotCompareError(
            "this is not a git repository, so there are no revisions and versions",
            hint="go to the repository, or name two files",
        )
    return reading.history


def _file(spec: str, reading: Reading) -> Source:
    data = read_bytes(reading.here / spec, file=spec, max_bytes=reading.max_bytes)
    return _plain(spec, spec, data)


def _at_revision(spec: str, reading: Reading) -> Source:
    name, _, path = spec.partition(":")
    history = repository(reading)
    data = history.read(history.resolve(name), path, max_bytes=reading.max_bytes)
    return _plain(spec, path, data)


def load_file_at(commit: str, path: str, *, name: str, history: History, max_bytes: int) -> Source:
    """A text of any kind at a commit (full id), which the user knows as ``name``."""
    return _plain(name, path, history.read(commit, path, max_bytes=max_bytes))


def _plain(spec: str, file: str, data: bytes) -> Source:
    """Front matter is read where it is ours; else it is just text above the policy."""
    text = decode(data, file=file)
    try:
        policy = read_policy(text, file=file)
    except PolicyctlError:
        return Source(side_of(spec, None, data), file, parse(text, file=file))
    return Source(side_of(spec, None, data), file, policy.document, policy)


def _named(spec: str, reading: Reading) -> Source:
    known = slugs_in_tree(reading.history)
    if spec in known:
        return load_draft(check_slug(spec), reading)
    if "/" in spec or "." in spec:
        raise CannotCompareError(
            f"there is no file {shown(spec)}", hint="look at the path, and where you are"
        )
    check_slug(spec)
    raise missing_policy(spec, known)


def missing_policy(slug: str, known: tuple[str, ...]) -> CannotCompareError:
    """The error for a policy that is not there, with the nearest one that is."""
    near = nearest(slug, known)
    there = f"there are: {', '.join(known)}" if known else f"make one with `policyctl new {slug}`"
    return CannotCompareError(
        f"there is no policy {slug}", hint=f"did you mean {near!r}?" if near else f"{there}; {_FORMS}"
    )


def slugs_in_tree(history: History | None) -> tuple[str, ...]:
    """The policies of the work tree, in order; none outside of a repository."""
    folder = history.root / "policies" if history else None
    if folder is None or not folder.is_dir() or folder.is_symlink():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and _can_be_slug(path.name)))


def misnamed_files(history: History) -> Iterator[tuple[str, PolicyctlError]]:
    """Files of the work tree that seem to belong to a policy, and do not by their names: in a folder that is
    no slug, or named like a file of a policy but for its case or the forms of its letters.
    """
    top = history.root / "policies"
    folders = sorted(path for path in top.iterdir() if path.is_dir()) if top.is_dir() else []
    for folder in folders:
        for path in sorted(folder.iterdir()):
            meant = unicodedata.normalize("NFKC", path.name).casefold()
            sound = _is_of_policy(path.name) and _can_be_slug(folder.name)
            if sound or not _is_of_policy(meant):
                continue
            place = f"policies/{folder.name}/{path.name}"
            yield place, _misnamed(place, folder.name, meant)


def _misnamed(place: str, folder: str, meant: str) -> CannotCompareError:
    if not _can_be_slug(folder):
        return CannotCompareError(
            f"{place} is of no policy: {folder!r} cannot be a slug",
            hint="name the folder in lower-case letters, digits and hyphens, such as policies/example-fax",
        )
    return CannotCompareError(
        f"{place} is not read: some disks take it for {meant}, others do not",
        hint=f"name it {meant}, or remove it",
    )


def _is_of_policy(name: str) -> bool:
    return name in {TEXT, PRACTICES} or bool(_LANGUAGE.fullmatch(name))


def _can_be_slug(word: str) -> bool:
    try:
        return bool(check_slug(word))
    except UsageError:
        return False


def load_draft(slug: str, reading: Reading) -> Source:
    """A policy as it stands in the work tree."""
    root = repository(reading).root
    folder = f"policies/{check_slug(slug)}"
    data = read_below(root, f"{folder}/{TEXT}", max_bytes=reading.max_bytes)
    if data is None:
        raise CannotCompareError(
            f"there is no {folder}/{TEXT}", hint=f"write it, or start it with `policyctl new {slug}`"
        )
    declared = read_below(root, f"{folder}/{PRACTICES}", max_bytes=reading.max_bytes)
    found = _policy(slug, slug, None, data, declared, reading)
    names = sorted(path.name for path in (root / folder).iterdir() if _LANGUAGE.fullmatch(path.name))
    texts = {name: read_below(root, f"{folder}/{name}", max_bytes=reading.max_bytes) for name in names}
    return replace(found, translations=_translations(folder, texts))


def _translations(folder: str, texts: Mapping[str, bytes | None]) -> tuple[Translation, ...]:
    """Those of a policy; their front matter is read like the policy's own."""
    from policyctl.core.judge.rules.rule import Translation

    return tuple(
        Translation(name, read_policy(decode(data, file=f"{folder}/{name}"), file=f"{folder}/{name}"))
        for name, data in texts.items()
        if data is not None
    )


def plain_files(slug: str, commit: str, history: History) -> dict[str, str]:
    """The plain files in a policy's folder at a commit: name to blob id."""
    rows = history.folder(commit, f"policies/{slug}")
    return {row.name: row.oid for row in rows if row.mode in {"100644", "100755"}}


def version_files(slug: str, commit: str, history: History) -> dict[str, str]:
    """Those of them that make a version: the text, its translations, the practices."""
    return {
        name: oid
        for name, oid in plain_files(slug, commit, history).items()
        if name == PRACTICES or (name.startswith("policy.") and name.endswith(".md"))
    }


def load_committed(slug: str, commit: str, reading: Reading) -> Source:
    """A policy at a commit (full id), named after its slug."""
    data, declared = _blobs(check_slug(slug), commit, reading)
    found = _policy(slug, slug, None, data, declared, reading)
    return replace(found, translations=_committed_translations(slug, commit, reading))


def _committed_translations(slug: str, commit: str, reading: Reading) -> tuple[Translation, ...]:
    history, folder = repository(reading), f"policies/{slug}"
    names = sorted(name for name in plain_files(slug, commit, history) if _LANGUAGE.fullmatch(name))
    texts = {name: history.find(commit, f"{folder}/{name}", max_bytes=reading.max_bytes) for name in names}
    return _translations(folder, texts)


def load_version(marked: MarkedVersion, reading: Reading) -> Source:
    """A published version. IntegrityError when its bytes are not those its version ref vouches for."""
    key = marked.key
    data, declared = _blobs(key.slug, marked.commit, reading)
    source = _policy(str(key), key.slug, key, data, declared, reading)
    if source.side.sha256 != marked.note.text_sha256:
        raise _altered(key, TEXT)
    if (side_of("", None, declared).sha256 if declared is not None else "") != marked.note.practices_sha256:
        raise _altered(key, PRACTICES)
    return replace(source, translations=_committed_translations(key.slug, marked.commit, reading))


class Shelf:
    """Published versions that were read once in this command and are asked for again."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._read: dict[str, Source] = {}

    def version(self, marked: MarkedVersion) -> Source:
        """``load_version``."""
        if marked.tag not in self._read:
            self._read[marked.tag] = load_version(marked, self.reading)
        return self._read[marked.tag]


def _altered(key: VersionKey, name: str) -> IntegrityError:
    return IntegrityError(
        f"{name} of {key} is not the one that was published: its hash is not that of the version ref",
        hint="fetch the version ref again from where it was published",
    )


def _blobs(slug: str, commit: str, reading: Reading) -> tuple[bytes, bytes | None]:
    history, folder = repository(reading), f"policies/{slug}"
    data = history.find(commit, f"{folder}/{TEXT}", max_bytes=reading.max_bytes)
    if data is None:
        raise CannotCompareError(
            f"there is no {folder}/{TEXT} at {commit[:12]}", hint="commit the policy first"
        )
    return data, history.find(commit, f"{folder}/{PRACTICES}", max_bytes=reading.max_bytes)


def _policy(
    name: str, slug: str, key: VersionKey | None, data: bytes, declared: bytes | None, reading: Reading
) -> Source:
    file, declared_file = f"policies/{slug}/{TEXT}", f"policies/{slug}/{PRACTICES}"
    policy = read_policy(decode(data, file=file), file=file)
    practices = None if declared is None else _declared(declared, declared_file, reading)
    side = side_of(name, str(key) if key else None, data)
    return Source(side, file, policy.document, policy, practices, declared, slug)


def _declared(data: bytes, file: str, reading: Reading) -> tuple[Practice, ...]:
    if (file, data) not in reading.declared:
        from policyctl.core.formats.practices_file import read_practices

        text = decode(data, file=file)
        reading.declared[file, data] = read_practices(text, file=file, taxonomy=reading.taxonomy)
    return reading.declared[file, data]
