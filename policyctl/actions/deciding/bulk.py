# SPDX-License-Identifier: Apache-2.0
"""Which of these records may be used for that? By the million: the cells of core/use/matrix.py, joined
with the tags of the ledger or of a Parquet file. Each record is asked about by itself, as ``may-use``
would answer were it the subject's only one; where a record has several tags, every one must permit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.deciding.bulk_cells import Kind, ledgers_query, put_cells
from policyctl.actions.deciding.bulk_epochs import query_of_epochs
from policyctl.adapters import bulk
from policyctl.adapters.bulk import epoch_files, tag_files
from policyctl.core.policy import VersionKey
from policyctl.core.suggest import did_you_mean
from policyctl.core.use.matrix import BulkCount, BulkDecision, BulkQuestion, Matrix
from policyctl.core.use.stance import find_party
from policyctl.errors import CannotCompareError, InputError, Place, UsageError

if TYPE_CHECKING:
    from policyctl.adapters.bulk.engine import Workbench
    from policyctl.adapters.bulk.query import Query
    from policyctl.adapters.ledger import Ledger
    from policyctl.adapters.ledger.asking.export import Export

_VERSION = re.compile(r"([a-z0-9][a-z0-9-]{0,62})@v([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class BulkOutput:
    """Where the records go; ``over``: in the place of a file that is there. ``explain``: say how the
    question would be run, and do not run it.
    """

    permitted: Path | None = None
    refused: Path | None = None
    over: bool = False
    explain: bool = False


@dataclass(frozen=True, slots=True)
class BulkSource:
    """``file`` None: the ledger's own tags. ``customer``: whose subjects a file is about. ``one_tag``:
    the caller vouches that no record of the file has two tags.
    """

    file: Path | None = None
    customer: str | None = None
    one_tag: bool = False


def decide_in_bulk(
    question: BulkQuestion,
    source: BulkSource,
    output: BulkOutput,
    *,
    ledger: Ledger,
    cluster: bulk.Cluster | None = None,
) -> BulkDecision:
    """Answer ``question`` for every record of ``source``. Callers treat undecided as no. DuckDB does the
    work in this process, or Spark on ``cluster``, with the same answers; there an output is a folder of
    Parquet parts.

    UsageError for an unknown purpose, category, policy or recipient; InputError for a file that is no
    file of tags; RefusedError where an output is there already.
    """
    if not output.explain:
        for path in filter(None, (output.permitted, output.refused)):
            bulk.check_target(path, over=output.over)
    if output.permitted and output.permitted == output.refused:
        raise UsageError("both outputs are the same file", hint="name two files")
    with bulk.workbench(cluster) as bench, ledger.exporting(question) as export:
        _check(question, export)
        joined = (
            _from_ledger(bench, export, question)
            if source.file is None
            else _from_files(bench, export, question, source, source.file)
        )
        return _answer(bench, joined, output, export.sequence)


def _check(question: BulkQuestion, export: Export) -> None:
    terms = export.taxonomy
    slugs = {record.key.slug for record in export.versions}
    for kind, word, known in (
        ("purpose", question.purpose, terms.purposes),
        ("category", question.category, terms.categories),
        ("policy", question.slug, slugs),
    ):
        if word is not None and word not in known:
            hint = did_you_mean(word, known, f"use a {kind} that is known")
            raise UsageError(f"the {kind} {word!r} is not known", hint=hint)
    party = question.recipient
    if party is not None and find_party(party, terms.recipients, export.versions) is None:
        raise UsageError(
            f"the recipient {party!r} is not known",
            hint=did_you_mean(party, terms.recipients, "use one of the taxonomy, or that a practice names"),
        )


# The three relations


def _from_ledger(bench: Workbench, export: Export, question: BulkQuestion) -> Query:
    bench.put_tags(export.tags())
    return ledgers_query(bench, export, _matrix(export, question), one_tag=export.one_tag_per_record())


def _from_files(
    bench: Workbench, export: Export, question: BulkQuestion, source: BulkSource, path: Path
) -> Query:
    files = tag_files.parts(path)
    notes = epoch_files.notes_of(files)
    if not notes:
        return _from_own(bench, export, question, source, path)
    if source.customer is not None or source.one_tag:
        raise UsageError(
            "--customer and --one-tag are about a file of your own",
            hint="leave them out: the ledger knows whose each record of an exported epoch is",
        )
    return query_of_epochs(bench, export, _matrix(export, question), files, notes)


def _from_own(
    bench: Workbench, export: Export, question: BulkQuestion, source: BulkSource, path: Path
) -> Query:
    from policyctl.adapters.bulk import query

    columns = bench.open_file(path)
    found = bench.rows(query.kinds_of_tags("file"))
    gaps = any(version is None for _, version in found)
    # No version may be written in two ways, and is one kind.
    kinds = dict.fromkeys(_kind_of_file(category, version, path, question) for category, version in found)
    asked = [kind for kind in kinds if question.asks(kind.slug, kind.name)]
    timed = "collected_at" in columns
    categories = tuple(sorted({str(kind.category) for kind in asked}))
    versions = tuple(sorted({str(kind.version) for kind in asked}))
    which = query.FileQuery(
        None if question.category is None else categories,
        None if question.slug is None else versions,
        gaps,
        timed,
    )
    bench.define("tag", query.tags_of_file(list(columns), which))
    stands = ((number, standing) for number, standing, _, _ in export.subjects())
    bench.put("stands", (("subject_no", "int64"), ("standing", "int32")), stands)
    named = export.named(bench.stream(query.subjects_of_file()), source.customer)
    bench.put("named", (("subject", "string"), ("subject_no", "int64")), named)
    bench.define("standing", query.standing_of_file())
    permit = put_cells(bench, "string", asked, _matrix(export, question), export.standings)
    shown = tuple(("tag", name, name) for name in columns)
    return query.Query(shown, question.at, timed=timed, one_tag=source.one_tag, versions=permit)


def _kind_of_file(category: str | None, version: str | None, path: Path, question: BulkQuestion) -> Kind:
    if category is None:
        raise InputError(
            "a record has no category", hint="write its category", place=Place(str(path), key="category")
        )
    if not version:
        # Under which policy is not known either: it is asked about, and undecided.
        return Kind(category, "", question.slug or "", category, None)
    found = _VERSION.fullmatch(version)
    if found is None:
        raise InputError(
            f"{version!r} is no version",
            hint="write <policy>@v<number>, or nothing where none was in force",
            place=Place(str(path), key="version"),
        )
    return Kind(category, version, found[1], category, VersionKey(found[1], int(found[2])))


def _matrix(export: Export, question: BulkQuestion) -> Matrix:
    return Matrix(question, export.versions, export.taxonomy)


# The answer


def _answer(bench: Workbench, joined: Query, output: BulkOutput, sequence: int) -> BulkDecision:
    from policyctl.adapters.bulk import query

    asked = bench.rows(query.how_many())[0][0]
    if output.explain:
        return BulkDecision(asked, (), sequence, _plans(bench, joined, output))
    wanted = [(query.permitted(joined), output.permitted), (query.not_permitted(joined), output.refused)]
    found = [(tree, path) for tree, path in wanted if path is not None]
    with bench.written(found, over=output.over) as written:
        rows: dict[Path | None, int] = dict(zip((path for _, path in found), written, strict=True))
        if output.refused or not output.permitted:
            counts = tuple(BulkCount(*row) for row in bench.rows(query.decided(joined)))
            _check_whole(asked, counts, rows.get(output.permitted), rows.get(output.refused))
        else:
            permitted = rows[output.permitted]
            counts = (
                BulkCount("permitted", "", permitted),
                BulkCount("not permitted", "", asked - permitted),
            )
    return BulkDecision(asked, counts, sequence)


def _check_whole(asked: int, counts: Sequence[BulkCount], permitted: int | None, refused: int | None) -> None:
    """Each record is looked at more than once: what does not add up is no answer."""
    yes = sum(each.records for each in counts if each.answer == "permitted")
    no = sum(each.records for each in counts) - yes
    if yes + no != asked or permitted not in {None, yes} or refused not in {None, no}:
        raise CannotCompareError(
            "the records changed while they were looked at", hint="run it again when nothing writes them"
        )


def _plans(bench: Workbench, joined: Query, output: BulkOutput) -> str:
    from policyctl.adapters.bulk import query

    wanted: list[Callable[[Query], object]] = []
    if output.permitted:
        wanted.append(query.permitted)
    if output.refused:
        wanted.append(query.not_permitted)
    return "\n".join(bench.explain(build(joined)) for build in wanted or [query.decided])  # type: ignore[arg-type]
