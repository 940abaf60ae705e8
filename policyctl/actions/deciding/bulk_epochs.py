# SPDX-License-Identifier: Apache-2.0
"""A question in bulk about exported epochs: each of their records is answered as the ledger answers it.

The files are not believed. Their tags are hashed and held against the ledger, so that reading them is
only a quicker way to the same tags; what was corrected since, and the tags of the same records in other
epochs, come from the ledger in the same look.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.actions.deciding.bulk_cells import ledgers_query
from policyctl.adapters.bulk import epoch_files, epoch_rows
from policyctl.core.epochs import EpochNote
from policyctl.core.use.matrix import Matrix

if TYPE_CHECKING:
    from policyctl.adapters.bulk.engine import Workbench
    from policyctl.adapters.bulk.epoch_query import Beside
    from policyctl.adapters.bulk.query import Query
    from policyctl.adapters.ledger.asking.export import Export

_CORRECTED = (("subject", "int64"), ("category", "int32"), ("ref", "int64"))
_CATEGORY = (("policy", "string"), ("name", "string"), ("number", "int32"))
_VERSION = (("name", "string"), ("number", "int32"))
_NAME = (("subject", "int64"), ("ref", "int64"), ("name", "string"))


def query_of_epochs(
    bench: Workbench, export: Export, matrix: Matrix, files: Sequence[Path], notes: Sequence[EpochNote]
) -> Query:
    """Make the relations, and the query that joins them.

    RefusedError for files of another ledger, or of an epoch that more tags entered since; IntegrityError
    for a file that does not hold what entered.
    """
    from policyctl.adapters.bulk import epoch_query

    for path, note in zip(files, notes, strict=True):
        with epoch_files.about(path):
            export.epoch(note.epoch).check(note, epoch_rows.read_portions(path, export.names))
    beside = _put_ledger(bench, export, {note.epoch for note in notes})
    bench.open_epochs(files)
    bench.define("exported", epoch_query.tags_of_exports(beside))
    bench.define("beside", epoch_query.tags_beside())
    categories = export.names.categories
    asked = sorted(number for number, name in categories.items() if matrix.question.asks(*name))
    bench.define("tag", epoch_query.tags_that_hold(asked, beside))
    alone = len(files) == 1 and len({categories[number][0] for number in asked}) <= 1
    # The look for others costs less than the sort by records that it may spare.
    one_tag = alone and not (beside.rest and bench.rows(epoch_query.how_many_beside())[0][0])
    return ledgers_query(bench, export, matrix, one_tag=one_tag)


def _put_ledger(bench: Workbench, export: Export, exported: Collection[int]) -> Beside:
    """What the ledger adds to its epochs ``exported``."""
    from policyctl.adapters.bulk.epoch_query import Beside

    names = export.names
    bench.put("term_category", _CATEGORY, [(*name, number) for number, name in names.categories.items()])
    bench.put("term_version", _VERSION, [(name, number) for number, name in names.versions.items()])
    return Beside(
        names=bench.put("record_name", _NAME, export.record_names()) > 0,
        corrected=bench.put("corrected", _CORRECTED, export.changed()) > 0,
        rest=bench.put_tags(export.tags(beside=exported), "rest") > 0,
    )
