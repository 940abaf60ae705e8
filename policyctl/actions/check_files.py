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
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath

from policyctl.actions.check import read_base
from policyctl.actions.compare import compare_sources, inspect_first
from policyctl.actions.sources import Source, load_source
from policyctl.adapters.files import read_below
from policyctl.adapters.gitnames import version_key
from policyctl.adapters.history import History
from policyctl.core.judge.standards import Standards
from policyctl.errors import CannotCompareError, InputErrors, PolicyctlError, UsageError
from policyctl.reports.checked import Checked


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
    if against is not None and history is not None and _is_revision(against, here):
        history.resolve(against)
    return tuple(_checked(file, here, history, standards, today, against) for file in dict.fromkeys(files))


def _checked(
    name: str, here: Path, history: History | None, standards: Standards, today: date, against: str | None
) -> Checked:
    file = _path(name, here, history)
    try:
        if history is not None and file is not None:
            read_below(history.root, file, max_bytes=standards.max_bytes)
        new = _load(name, here, history, standards)
        base = read_base(lambda: _base(name, file, here, history, standards, against))
    except InputErrors as errors:
        return Checked(name, None, None, (), errors.errors, file=file or name)
    except UsageError:
        raise
    except PolicyctlError as error:
        return Checked(name, None, None, (), (error,), file=file or name)
    if base is None:
        first = inspect_first(new, standards=standards, today=today)
        return Checked(name, None, None, first.judgement.findings, file=file or name)
    comparison = compare_sources(base, new, standards=standards, today=today)
    findings = comparison.judgement.findings
    return Checked(name, base.side.source, comparison, findings, file=file or name)


def _load(spec: str, here: Path, history: History | None, standards: Standards) -> Source:
    taxonomy, limit = standards.catalogue.taxonomy, standards.max_bytes
    return load_source(spec, here=here, history=history, taxonomy=taxonomy, max_bytes=limit)


def _path(name: str, here: Path, history: History | None) -> str | None:
    """The file's path from the top of the repository; None for one that lies outside."""
    if history is None:
        return None
    top, place = history.root.resolve(), (here.resolve() / name)
    try:
        # Only the folders above are resolved: a link in the file's own place must be seen.
        return PurePosixPath((place.parent.resolve() / place.name).relative_to(top)).as_posix()
    except ValueError:
        return None


def _is_revision(against: str, here: Path) -> bool:
    return ":" not in against and version_key(against) is None and not (here / against).is_file()


def _base(
    name: str,
    file: str | None,
    here: Path,
    history: History | None,
    standards: Standards,
    against: str | None,
) -> Source | None:
    """What to compare with; None for a file that the base does not have."""
    if against is not None and not _is_revision(against, here):
        return _load(against, here, history, standards)
    if history is None or file is None:
        raise CannotCompareError(
            f"there is nothing to compare {name} with: it is in no git repository",
            hint="name the older text with --against FILE",
        )
    revision = against or "HEAD"
    if history.entry(history.resolve(revision), file) is None:
        return None
    found = _load(f"{revision}:{file}", history.root, history, standards)
    return replace(found, side=replace(found.side, source=f"{revision}:{file}"))
