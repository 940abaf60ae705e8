# SPDX-License-Identifier: Apache-2.0
"""Files of tags into the ledger: every format, whole or not at all, in parts, again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyctl.actions.recording import tagging
from policyctl.actions.recording.tagging import Tagging, tag_file
from policyctl.adapters.ledger import Ledger, open_ledger
from policyctl.core.records import ImportReceipt
from policyctl.core.use.decision import UseRequest, decide
from policyctl.errors import InputError, InputErrors, PolicyctlError, UsageError
from tests.adapters.ledger_samples import EMAIL, KEY, PHONE, SERVICE, TAXONOMY, customer, day, subject
from tests.adapters.test_ledger_contract import V1, V2

NOW = day("2026-11-01")
ROWS = [
    {"subject": "u1", "category": EMAIL, "record": "1", "collected_at": "2026-02-01"},
    {"subject": "u1", "category": PHONE, "record": "crm/2", "collected_at": "2026-07-01T10:00:00.250+02:00"},
    {"subject": "u2", "category": EMAIL, "record": "3", "collected_at": "2026-02-01T00:00:00Z"},
]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as opened:
        opened.upgrade()
        opened.record_version(V1, (), now=NOW)
        opened.record_version(V2, (), now=NOW)
        opened.import_customers([customer("acme")], now=NOW)
        opened.import_subjects([subject("u1"), subject("u2")], now=NOW)
        yield opened


def as_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def as_json(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def as_parquet(path: Path, rows: list[dict[str, str]]) -> Path:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


FORMATS = {"csv": as_csv, "jsonl": as_json, "ndjson": as_json, "parquet": as_parquet}


def held(ledger: Ledger) -> set[tuple[str, str, str, str]]:
    return {
        (who, each.category, each.record, each.collected_at.isoformat(), str(each.version), each.provenance)
        for who in ("u1", "u2")
        for each in ledger.facts_for(UseRequest(who, "user", SERVICE, NOW)).tags
    }


def bring(ledger: Ledger, path: Path, **more) -> ImportReceipt:
    return tag_file(path, now=NOW, ledger=ledger, **more)


def told(error: PolicyctlError) -> list[tuple[int | None, str | None]]:
    errors = error.errors if isinstance(error, InputErrors) else (error,)
    assert all(each.hint for each in errors)
    return [(each.place.line, each.place.key) for each in errors if each.place]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_of_any_format_enters_once(ledger: Ledger, tmp_path: Path, ending: str) -> None:
    path = FORMATS[ending](tmp_path / f"tags.{ending}", ROWS)
    assert bring(ledger, path, dry_run=True) == ImportReceipt(3, 0)
    assert held(ledger) == set()
    assert bring(ledger, path) == ImportReceipt(3, 0)
    assert bring(ledger, path) == ImportReceipt(0, 3)
    assert held(ledger) == {
        ("u1", EMAIL, "1", "2026-02-01T00:00:00+00:00", "fax@v1", ""),
        ("u1", PHONE, "crm/2", "2026-07-01T08:00:00+00:00", "fax@v2", ""),
        ("u2", EMAIL, "3", "2026-02-01T00:00:00+00:00", "fax@v1", ""),
    }


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Vienna"])
def test_timestamps_of_a_parquet_file_are_moments(ledger: Ledger, tmp_path: Path, unit: str, zone) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    moment = pa.scalar(day("2026-02-01").replace(tzinfo=None), pa.timestamp(unit)).cast(
        pa.timestamp(unit, zone)
    )
    table = pa.table({
        "subject": ["u1"], "category": [EMAIL], "record": [17],
        "collected_at": pa.array([moment.value], pa.timestamp(unit, zone)),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "tags.parquet")
    bring(ledger, tmp_path / "tags.parquet")
    assert held(ledger) == {("u1", EMAIL, "17", "2026-02-01T00:00:00+00:00", "fax@v1", "")}


BAD_ROWS = [
    ROWS[0],
    {**ROWS[0], "subject": "nobody"},
    {**ROWS[0], "category": "user.contact.mail"},
    {**ROWS[0], "collected_at": "2027-01-01"},
    {**ROWS[0], "collected_at": "soon"},
    {**ROWS[0], "record": "ada@example.com"},
    {**ROWS[0], "subject": ""},
]


@pytest.mark.parametrize("ending", FORMATS)
def test_every_bad_row_is_named_and_none_enters(ledger: Ledger, tmp_path: Path, ending: str) -> None:
    first = 2 if ending == "csv" else 1
    path = FORMATS[ending](tmp_path / f"tags.{ending}", BAD_ROWS)
    with pytest.raises(InputErrors) as raised:
        bring(ledger, path)
    keys = ["subject", "category", "collected_at", "collected_at", "record", "subject"]
    assert told(raised.value) == [(first + place, key) for place, key in enumerate(keys, start=1)]
    assert held(ledger) == set()


def test_data_from_before_the_first_version_is_kept_and_says_so(ledger: Ledger, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "old.csv", [{**ROWS[0], "collected_at": "2025-03-01"}])
    assert bring(ledger, path).added == 1
    (found,) = ledger.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW)).tags
    assert found.version is None


def test_old_data_with_a_provenance_shows_it_in_the_decision(ledger: Ledger, tmp_path: Path) -> None:
    rows = [{**ROWS[0], "collected_at": "2025-03-01", "version": "v1"}]
    path = as_csv(tmp_path / "old.csv", rows)
    with pytest.raises(InputErrors, match="claimed"):
        bring(ledger, path)
    assert bring(ledger, path, how=Tagging(provenance="paper forms of 2025")).added == 1
    assert bring(ledger, path, how=Tagging(provenance="paper forms of 2025")).repeated == 1
    request = UseRequest("u1", EMAIL, SERVICE, NOW)
    assert [each.provenance for each in decide(request, ledger.facts_for(request)).tags] == [
        "paper forms of 2025"
    ]


def test_the_ids_of_a_file_may_be_one_customers_own(ledger: Ledger, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "tags.csv", ROWS[:1])
    with pytest.raises(InputErrors, match="not known"):
        bring(ledger, path, how=Tagging(customer="acme"))
    ledger.import_subjects([subject("u1")], now=NOW, within="acme")
    assert bring(ledger, path, how=Tagging(customer="acme")).added == 1
    assert ledger.facts_for(UseRequest("u1", EMAIL, SERVICE, NOW, customer="acme")).tags


# What is no such file

HEADER = b"subject,category,record,collected_at\n"
BROKEN = {
    "empty.csv": (b"", "empty"),
    "header.csv": (b"subject,category,record,collected_at\n", "not one row"),
    "columns.csv": (b"subject,category,key\nu1,x,1\n", "unknown column"),
    "utf16.csv": ("subject".encode("utf-16"), "UTF-16"),
    "latin.csv": (HEADER + b"u1,x,1,2026-02-01\nZo\xeb,x,1,2026-02-01\n", "offset 57"),
    "nul.csv": (b"subject,category,record,collected_at\nu\0,x,1,2026-02-01\n", "NUL"),
    "twice.jsonl": (b'{"subject": "u1", "subject": "u2"}\n', "twice"),
    "array.jsonl": (b"[1]\n", "object"),
    "number.jsonl": (b'{"subject": 1.5}\n', "whole numbers"),
    "nan.jsonl": (b'{"subject": NaN}\n', "whole numbers"),
    "deep.jsonl": (b"[" * 100_000 + b"\n", "JSON"),
    "key.jsonl": (b'{"subjet": "u1"}\n', "unknown key"),
    "missing.jsonl": (b'{"subject": "u1"}\n', "missing"),
    "list.jsonl": (b'{"subject": [], "category": "", "record": "", "collected_at": ""}\n', "neither"),
    "letter.parquet": (b"Dear Sir or Madam", "Parquet"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_refused_with_its_place(ledger: Ledger, tmp_path: Path, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    content, said = BROKEN[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said) as raised:
        bring(ledger, tmp_path / name)
    assert held(ledger) == set()
    error = raised.value.errors[0] if isinstance(raised.value, InputErrors) else raised.value
    assert error.hint
    assert error.place.file.endswith(name)


def test_a_file_that_is_not_there_is_a_usage_error(ledger: Ledger, tmp_path: Path) -> None:
    for ending in FORMATS:
        with pytest.raises(UsageError, match="No such file"):
            bring(ledger, tmp_path / f"nothing.{ending}")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_kind_of_line_end_and_a_byte_order_mark_are_fine(
    ledger: Ledger, tmp_path: Path, end: str
) -> None:
    text = as_csv(tmp_path / "tags.csv", ROWS).read_text("utf-8").replace("\n", end)
    (tmp_path / "tags.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert bring(ledger, tmp_path / "tags.csv").added == 3


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_a_file_reads_alike_in_blocks_of_any_size(ledger, tmp_path, monkeypatch, block: int) -> None:
    from policyctl.adapters import row_files

    monkeypatch.setattr(row_files, "_BLOCK", block)
    rows = [{**ROWS[0], "record": "Zo\u00eb \u2014 \U0001f600"}, ROWS[1]]
    text = as_csv(tmp_path / "tags.csv", rows).read_text("utf-8").replace("\n", "\r\n")
    (tmp_path / "tags.csv").write_bytes(text.encode())
    assert bring(ledger, tmp_path / "tags.csv").added == 2
    assert "Zo\u00eb \u2014 \U0001f600" in {each[2] for each in held(ledger)}


# In parts


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagging, "PART", 2)


@pytest.mark.usefixtures("small_parts")
def test_parts_that_are_in_are_passed_over(ledger: Ledger, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "tags.csv", ROWS)
    assert bring(ledger, path, resume=True) == ImportReceipt(3, 0)
    assert bring(ledger, path, resume=True) == ImportReceipt(0, 3)


@pytest.mark.usefixtures("small_parts")
def test_a_part_with_a_bad_row_stops_and_the_mended_file_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "tags.csv", [*ROWS, {**ROWS[0], "subject": "nobody", "record": "9"}])
    with pytest.raises(InputErrors) as raised:
        bring(ledger, path, resume=True)
    assert told(raised.value) == [(5, "subject")]
    assert len(held(ledger)) == 2
    assert bring(ledger, as_csv(path, ROWS), resume=True) == ImportReceipt(1, 2)


DIES = """
import os, sys
from pathlib import Path
from policyctl.actions.recording import tagging
from policyctl.adapters.ledger import Ledger, open_ledger
from tests.adapters.ledger_samples import KEY, TAXONOMY, day
tagging.PART = 2
kept, calls = Ledger.import_tags, []
def dying(self, *args, **more):
    calls.append(1)
    if len(calls) == 2:
        rows = list(args[0]) and args[0]
        os._exit(137)
    return kept(self, *args, **more)
Ledger.import_tags = dying
ledger = open_ledger(sys.argv[1], key=KEY, taxonomy=TAXONOMY)
tagging.tag_file(Path(sys.argv[2]), now=day("2026-11-01"), ledger=ledger, resume=True)
"""


@pytest.mark.usefixtures("small_parts")
def test_an_import_that_was_killed_goes_on_where_it_ended(ledger: Ledger, url: str, tmp_path: Path) -> None:
    path = as_csv(tmp_path / "tags.csv", ROWS)
    died = subprocess.run(
        [sys.executable, "-c", DIES, url, str(path)], check=False, timeout=60, env={**os.environ}
    )
    assert died.returncode == 137
    assert len(held(ledger)) == 2
    assert bring(ledger, path, resume=True) == ImportReceipt(1, 2)


def test_a_large_file_takes_the_memory_of_a_portion(ledger: Ledger, tmp_path, monkeypatch) -> None:
    from policyctl.adapters import row_files
    from policyctl.adapters.ledger.tagging import tags

    monkeypatch.setattr(tags, "PORTION", 1_000)
    monkeypatch.setattr(row_files, "_BLOCK", 10_000)
    peaks = []
    for count in (5_000, 20_000):
        path = as_csv(tmp_path / "tags.csv", [{**ROWS[0], "record": str(count + n)} for n in range(count)])
        heard: list[int] = []
        tracemalloc.start()
        assert bring(ledger, path, dry_run=True, progress=heard.append).added == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert heard[-1] == path.stat().st_size
    assert peaks[1] < 1.5 * peaks[0]
