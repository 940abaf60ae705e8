# SPDX-License-Identifier: Apache-2.0
"""``policyctl check FILE``: what a change of any text would mean, in any repository, with nothing set up.

The base of a file is

1. what ``--against`` names: a file, ``REV:path``, a version ``SLUG@v2``, or a revision (the same path there);
2. without it, the file at HEAD: what is not committed yet.

Outside of a repository ``--against`` must name a file. Inside one no link is followed: a pull request could
point it at something that is not in the repository.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from policyctl.actions.places import is_file
from policyctl.actions.versions.check import read_base
from policyctl.actions.versions.compare import compare_sources, inspect_first
from policyctl.actions.versions.sources import Source, load_file_at, load_source
from policyctl.adapters.files import read_below
from policyctl.adapters.repository.history import History
from policyctl.adapters.repository.names import version_key
from policyctl.core.judge.standards import Standards
from policyctl.errors import CannotCompareError, InputErrors, PolicyctlError, UsageError
from policyctl.reports.checking.checked import Checked


def check_files(
    files: Sequence[str],
    *,
    here: Path,
    history: History | None,
    standards: Standards,
    today: date,
    against: str | None = None,
) -> tuple[Checked, ...]:
    """Check files, each against its base. What is wrong with one is in its ``errors``."""
    scene = _Scene(here, history, standards, today, against, _commit(against, here, history))
    return tuple(_checked(file, scene) for file in dict.fromkeys(files))


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all files of one check share; ``commit`` is the base, None where ``against`` is a text itself."""

    here: Path
    history: History | None
    standards: Standards
    today: date
    against: str | None
    commit: str | None

    def load(self, spec: str) -> Source:
        taxonomy, limit = self.standards.catalogue.taxonomy, self.standards.max_bytes
        return load_source(spec, here=self.here, history=self.history, taxonomy=taxonomy, max_bytes=limit)


def _commit(against: str | None, here: Path, history: History | None) -> str | None:
    if history is None:
        return None
    if against is None:
        return history.head()
    is_text = ":" in against or version_key(against) is not None or is_file(here / against)
    return None if is_text else history.resolve(against)


def _checked(name: str, scene: _Scene) -> Checked:
    file = _path(name, scene)
    try:
        if scene.history is not None and file is not None:
            read_below(scene.history.root, file, max_bytes=scene.standards.max_bytes)
        new = scene.load(name)
        base = read_base(lambda: _base(name, file, scene))
    except InputErrors as errors:
        return Checked(name, None, None, (), errors.errors, file=file or name)
    except UsageError:
        raise
    except PolicyctlError as error:
        return Checked(name, None, None, (), (error,), file=file or name)
    if base is None:
        first = inspect_first(new, standards=scene.standards, today=scene.today)
        return Checked(name, None, None, first.judgement.findings, file=file or name, added=True)
    comparison = compare_sources(base, new, standards=scene.standards, today=scene.today)
    return Checked(name, base.side.source, comparison, comparison.judgement.findings, file=file or name)


def _path(name: str, scene: _Scene) -> str | None:
    """The file's path from the top of the repository; None for one that lies outside."""
    if scene.history is None:
        return None
    top, place = scene.history.root.resolve(), scene.here.resolve() / name
    try:
        # Only the folders above are resolved: a link in the file's own place must be seen.
        return PurePosixPath((place.parent.resolve() / place.name).relative_to(top)).as_posix()
    except ValueError:
        return None


def _base(name: str, file: str | None, scene: _Scene) -> Source | None:
    """What to compare with; None for a file that the base does not have."""
    if scene.commit is None and scene.against is not None:
        return scene.load(scene.against)
    if scene.history is None or scene.commit is None or file is None:
        raise CannotCompareError(
            f"there is nothing to compare {name} with: it is in no git repository",
            hint="name the older text with --against FILE",
        )
    if scene.history.entry(scene.commit, file) is None:
        return None
    known_as = f"{scene.against or 'HEAD'}:{file}"
    limit = scene.standards.max_bytes
    return load_file_at(scene.commit, file, name=known_as, history=scene.history, max_bytes=limit)
