# SPDX-License-Identifier: Apache-2.0
"""Reports of mail servers: what they say is read, and what anybody can write there does no harm."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.adapters.mail.dsn import Maildir, read_report
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName
from policyctl.errors import InputError, UsageError
from tests.adapters.ledger_samples import day
from tests.adapters.report_samples import NID, block, maildir, report

AT = day("2026-11-20")


@pytest.mark.parametrize(
    ("action", "status", "name", "kept"),
    [
        ("delivered", "2.0.0", DeliveryName.DELIVERED, "2.0.0"),
        ("failed", "5.1.1 (no such user ada@example.org)", DeliveryName.BOUNCED, "5.1.1"),
        ("Failed (bad destination)", "5.1.2", DeliveryName.BOUNCED, "5.1.2"),
        ("delayed", "4.4.1", DeliveryName.DEFERRED, "4.4.1"),
        ("relayed", "2.0.0", DeliveryName.PROCESSED, "2.0.0"),
        ("expanded", "", DeliveryName.PROCESSED, ""),
    ],
)
def test_an_action_is_an_event(action: str, status: str, name: DeliveryName, kept: str) -> None:
    assert read_report(report(block(action, status)), AT) == (DeliveryEvent(NID, name, AT, status=kept),)


@pytest.mark.parametrize(
    "data",
    [
        report(block("failed", "5.1.1"), outer="multipart/mixed"),
        report(block("failed", "5.1.1"), kind="message/global-delivery-status"),
        report(block("failed", "5.1.1"), kind="Message/Delivery-Status"),
        report(block("failed", "5.1.1")).replace(b"\n", b"\r\n"),
        report(block("failed", "5.1.1"), to="one@example.com", head=f"Delivered-To: b+{NID}@example.com\n"),
        report(block("failed", "5.1.1"), to="x@example.com", head=f"X-Original-To: <b+{NID}@example.com>\n"),
        report(block("failed", "5.1.1")) + b"x" * 5_000_000,
    ],
    ids=["mixed", "global", "case", "crlf", "delivered-to", "original-to", "returned-whole"],
)
def test_servers_write_reports_in_their_own_ways(data: bytes) -> None:
    assert read_report(data, AT) == (DeliveryEvent(NID, DeliveryName.BOUNCED, AT, status="5.1.1"),)


def test_a_report_about_a_receipt_names_it_by_notice_and_answer() -> None:
    (event,) = read_report(report(block("failed", "5.1.1"), to=f"b+{NID}-5f3a9c@example.com"), AT)
    assert event.nid == f"{NID}-5f3a9c"


def test_a_report_about_several_addressees_says_all_of_it() -> None:
    found = read_report(report(block("delivered"), block("failed", "5.1.1"), block("delivered")), AT)
    assert {event.event for event in found} == {DeliveryName.DELIVERED, DeliveryName.BOUNCED}
    assert len(found) == 2


def holiday() -> bytes:
    message = EmailMessage()
    message["To"] = f"bounces+{NID}@example.com"
    message.set_content("I am away until Monday.")
    return message.as_bytes()


def nest(depth: int) -> bytes:
    parts = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    return f"To: bounces+{NID}@example.com\n".encode() + parts


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 1000,
        b"no header at all",
        holiday(),
        report(),
        report(block("exploded")),
        report("Action:\nStatus: 2.0.0\n"),
        report(block("delivered"), to="bounces@example.com"),
        report(block("delivered"), to=f"bounces+{NID[:-1]}@example.com"),
        report(block("delivered"), to=f"a+{NID}@example.com, b+{'f' * 32}@example.com"),
        report(block("delivered"), kind="text/plain"),
        nest(50),
        nest(20_000),
        report(block("delivered")).replace(b"To:", b"X:"),
        b"To: =?utf-8?q?=ff?= <\xff\xfe>\n" + report(block("delivered"), to="x")[:50],
        b"Content-Type: multipart/report; boundary=" + b"b" * 100_000 + b"\n\n",
    ],
    ids=lambda data: ascii(data)[:40],
)
def test_what_is_no_report_is_an_error_that_quotes_nothing(data: bytes) -> None:
    with pytest.raises(InputError) as raised:
        read_report(data, AT)
    assert "example" not in str(raised.value)


@given(st.binary(max_size=400), st.integers(0, 700), st.integers(0, 60))
def test_a_report_cut_up_anyhow_gives_our_nid_or_an_error(noise: bytes, start: int, length: int) -> None:
    whole = report(block("delivered"))
    try:
        found = read_report(whole[:start] + noise + whole[start + length :], AT)
    except InputError:
        return
    assert found
    assert all(len(event.nid) == 32 and event.at == AT for event in found)


def test_a_report_came_when_it_came_into_the_box_whatever_it_says_itself(tmp_path: Path) -> None:
    early = "Date: Thu, 01 Jan 1998 00:00:00 +0000\n"
    folder = maildir(tmp_path / "box", report(block("delivered"), head=early))
    box = Maildir(folder)
    (name,) = box.names()
    came = datetime.fromtimestamp(1_800_000_000, UTC)
    assert box.read(name, came + timedelta(days=1))[1] == came
    assert box.read(name, came - timedelta(days=1))[1] == came - timedelta(days=1), "never later than now"
    (folder / "new" / name).rename(folder / "new" / "odd name")
    os.utime(folder / "new" / "odd name", (1_700_000_000, 1_700_000_000))
    assert box.read("odd name", came)[1] == datetime.fromtimestamp(1_700_000_000, UTC)


def test_only_plain_files_are_read(tmp_path: Path) -> None:
    folder = maildir(tmp_path / "box", report(block("delivered")))
    (tmp_path / "secret").write_bytes(report(block("failed")))
    (folder / "new" / "1800000009.link").symlink_to(tmp_path / "secret")
    (folder / "new" / "1800000009.folder").mkdir()
    os.mkfifo(folder / "new" / "1800000009.pipe")
    box = Maildir(folder)
    assert box.names() == ["1800000000.M0.mx"]
    for name in ("1800000009.link", "1800000009.folder", "1800000009.pipe", "gone"):
        with pytest.raises(InputError):
            box.read(name, AT)


def test_a_folder_that_is_no_maildir_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Maildir"):
        Maildir(tmp_path)
