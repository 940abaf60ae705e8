# SPDX-License-Identifier: Apache-2.0
"""May data be used: that of one person, or a million records at once."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from policyctl.cli.edge import command
from policyctl.cli.opened import repository
from policyctl.cli.people import AtOption, CustomerOption, PolicyOption
from policyctl.cli.printing import Format, FormatOption, emit, emit_json, moment
from policyctl.errors import FINE, USE_REFUSED, USE_UNDECIDED, UsageError

if TYPE_CHECKING:
    from policyctl.core.use.question import UseRequest

_LEDGER = "ledger"


class Engine(StrEnum):
    """What runs a question about many records."""

    DUCKDB = "duckdb"
    SPARK = "spark"


EngineOption = Annotated[
    Engine | None, typer.Option(help="What runs the question in bulk; default duckdb, in this process.")
]
MasterOption = Annotated[
    str | None,
    typer.Option("--master", metavar="URL", help="Where Spark runs: local[*], or spark://host:7077."),
]


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    command(
        app,
        "may-use",
        "policyctl may-use --subject u-17 --category user.contact.email --purpose sales",
        "policyctl may-use --subject u-17 --category user.contact.email --purpose sales --at 2026-03-01",
        "policyctl may-use --bulk --purpose sales --from ledger --to yes.parquet --refused no.parquet",
        "policyctl may-use --bulk --purpose sales --from tags --to yes --engine spark --master spark://h:7077",
    )(may_use)


def may_use(
    *,
    purpose: Annotated[str, typer.Option(metavar="ID", help="Purpose of the taxonomy.")],
    category: Annotated[
        str | None, typer.Option(metavar="ID", help="Data category; in bulk, default each record's own.")
    ] = None,
    subject: Annotated[str | None, typer.Option(metavar="ID", help="Your own id of the person.")] = None,
    recipient: Annotated[
        str | None, typer.Option(metavar="ID", help="Who would get it; none: nobody outside.")
    ] = None,
    policy: PolicyOption = None,
    customer: CustomerOption = None,
    at: AtOption = None,
    in_bulk: Annotated[bool, typer.Option("--bulk", help="Ask about many records at once.")] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="`ledger`, or Parquet: tags, exported epochs, folders.",
        ),
    ] = None,
    permitted: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write the permitted records there (Parquet).")
    ] = None,
    refused: Annotated[
        Path | None, typer.Option("--refused", metavar="FILE", help="Write the others there, each with why.")
    ] = None,
    engine: EngineOption = None,
    master: MasterOption = None,
    one_tag: Annotated[
        bool, typer.Option("--one-tag", help="No record of the file has two tags: spares the look for it.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the query and its plan; decide nothing.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
    output_format: FormatOption = Format.TEXT,
) -> None:
    """Ask whether data may be used. Exit code 0 permitted, 11 refused, 12 undecided (treat it as no); in
    bulk 0, whatever the answers are.
    """
    when = moment(at, option="--at")
    if in_bulk:
        if subject is not None:
            raise UsageError("--bulk asks about every subject", hint="leave out --subject, or --bulk")
        asked = (purpose, when, category, recipient, policy)
        tags, to = (source, customer, one_tag), (permitted, refused, force, explain)
        _in_bulk(asked, tags, to, output_format, spark=_spark(engine, master))
        return
    if any((source, permitted, refused, engine, master, one_tag, explain, force)):
        hint = (
            "add --bulk; --from, --to, --refused, --engine, --master, --one-tag, --explain, --force need it"
        )
        raise UsageError("this asks about many records", hint=hint)
    if subject is None or category is None:
        raise UsageError("name a subject and a category", hint="add --subject and --category, or --bulk")
    from policyctl.core.use.question import UseRequest

    _of_one(UseRequest(subject, category, purpose, when, recipient, policy, customer), output_format)


def _spark(engine: Engine | None, master: str | None) -> tuple[str | None] | None:
    """The master that was named where Spark is asked for; None for DuckDB."""
    if engine is Engine.SPARK:
        return (master,)
    if master is not None:
        raise UsageError("--master is where Spark runs", hint="add --engine spark, or leave out --master")
    return None


def _source(source: str | None, customer: str | None, *, one_tag: bool) -> Path | None:
    """The file of --from; None for the ledger."""
    if source is None:
        raise UsageError("--bulk needs --from", hint="write --from tags.parquet, or --from ledger")
    if source != _LEDGER:
        return Path(source)
    if customer is not None or one_tag:
        raise UsageError(
            "--customer and --one-tag are about a file", hint="the ledger knows whose each record is"
        )
    return None


def _of_one(request: UseRequest, output_format: Format) -> None:
    from policyctl.actions.deciding.decide import decide_use
    from policyctl.core.use.question import UseAnswer
    from policyctl.reports.deciding.decision_v1 import decision_json, decision_text

    with repository() as opened:
        decision = decide_use(request, ledger=opened.ledger(upgrade=False))
    if output_format is Format.JSON:
        emit_json(decision_json(request, decision))
    else:
        emit(decision_text(decision))
    codes = {UseAnswer.PERMITTED: FINE, UseAnswer.REFUSED: USE_REFUSED, UseAnswer.UNDECIDED: USE_UNDECIDED}
    raise typer.Exit(codes[decision.answer])


def _in_bulk(
    asked: tuple[str, datetime, str | None, str | None, str | None],
    source: tuple[str | None, str | None, bool],
    to: tuple[Path | None, Path | None, bool, bool],
    output_format: Format,
    *,
    spark: tuple[str | None] | None,
) -> None:
    from policyctl.actions.deciding.bulk import BulkOutput, BulkSource, decide_in_bulk
    from policyctl.core.use.matrix import BulkQuestion
    from policyctl.reports.deciding.bulk_v1 import bulk_json, bulk_text
    from policyctl.wiring import spark_cluster

    name, customer, one_tag = source
    question, output = BulkQuestion(*asked), BulkOutput(*to)
    tags = BulkSource(_source(name, customer, one_tag=one_tag), customer, one_tag)
    with repository() as opened:
        cluster = spark_cluster(opened.settings, *spark) if spark else None
        ledger = opened.ledger(upgrade=False)
        done = decide_in_bulk(question, tags, output, ledger=ledger, cluster=cluster)
    written = [] if output.explain else [str(path) for path in (output.permitted, output.refused) if path]
    if output_format is Format.JSON:
        emit_json(bulk_json(question, done, written))
    else:
        emit(bulk_text(done, written))
