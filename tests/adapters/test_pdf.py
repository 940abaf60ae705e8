# SPDX-License-Identifier: Apache-2.0
"""The policy as a PDF: whole, tagged, the same on repeat, and made without asking anybody for anything."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from policyctl.adapters.pdf import Printer, open_printer
from policyctl.core.notices.notice import NoticeKind
from policyctl.errors import RefusedError
from policyctl.reports.policy_print import file_name, printable
from policyctl.reports.site.look import Look, Painter
from policyctl.reports.site.posted import settle
from policyctl.reports.site.version_pages import Printing, paper_page
from tests.core.notice_samples import SHA256, notice_of
from tests.peers.mail_checkers import PdfReader
from tests.reports.samples import TERMS, version


@pytest.fixture(scope="module")
def printer() -> Printer:
    found = open_printer()
    if found is None:
        if os.environ.get("POLICYCTL_REQUIRE") == "all":
            pytest.fail("WeasyPrint and Pango are required and not installed")
        pytest.skip("Pango is not installed")
    return found


def test_the_same_version_gives_the_same_bytes(printer: Printer) -> None:
    page = printable(notice_of(NoticeKind.REVISION))
    first = printer(page)
    assert first.startswith(b"%PDF-")
    assert printer(page) == first
    assert printer(printable(notice_of(NoticeKind.REVISION, text_sha256="6e" * 32))) != first


@pytest.mark.peer("poppler")
def test_another_program_reads_the_whole_policy_its_title_and_that_it_is_tagged(
    printer: Printer, pdf_reader: PdfReader
) -> None:
    data = printer(printable(notice_of(NoticeKind.REVISION)))
    words, facts = pdf_reader.words(data), pdf_reader.facts(data)
    for said in (
        "Example Fax Privacy Policy",
        "example-fax@v3",
        "2027-01-15",
        "We keep log files for 30 days.",
        "We may invite you to a survey.",
        "Surveys",
    ):
        assert said in words, said
    assert SHA256 in words.replace(" ", "")
    assert (facts["Title"], facts["Tagged"]) == ("Example Fax Privacy Policy", "yes")
    assert facts["JavaScript"] == "no"
    assert "pdfuaid:part" in pdf_reader.metadata(data)


def test_nothing_is_fetched_whatever_a_policy_asks_for(printer: Printer) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        text = f"# T\n\n![pixel]({url}/a.png)\n\n<img src={url}/b.png><style>@import '{url}/c.css'</style>\n"
        policy = printer(printable(notice_of(NoticeKind.REVISION, full_text=text)))
        raw = printer(
            f'<html lang="en"><title>T</title><img alt="x" src="{url}/d.png"><img src="file:///etc/passwd">'
        )
        server.shutdown()
    assert asked == []
    assert policy.startswith(b"%PDF-")
    assert b"root:" not in raw


def test_a_page_that_cannot_be_printed_is_refused_and_ends_no_run(printer: Printer) -> None:
    with pytest.raises(RefusedError, match="cannot be written as a PDF") as refused:
        printer('<html lang="en"><body>' + "<div>" * 5000)
    assert refused.value.hint


@pytest.mark.peer("poppler")
def test_what_looks_like_a_template_or_a_script_is_printed_as_it_is(
    printer: Printer, pdf_reader: PdfReader
) -> None:
    text = "# T\n\n{{ 7*7 }} %name% <script>alert(1)</script> {% raw %}\n"
    words = pdf_reader.words(printer(printable(notice_of(NoticeKind.REVISION, full_text=text))))
    assert "{{ 7*7 }} %name% <script>alert(1)</script> {% raw %}" in words


def test_the_name_of_the_file_is_plain_ascii() -> None:
    assert file_name(notice_of(NoticeKind.REVISION, title="Erklärung №1")) == "example-fax-v3.pdf"


@pytest.mark.peer("poppler")
def test_a_posted_version_says_on_every_sheet_which_it_is_and_where_it_stands(
    printer: Printer, pdf_reader: PdfReader
) -> None:
    settled = settle(version(2, "# Cookies\n\n" + "We set a cookie for each of your visits.\n\n" * 60), None)
    printing = Printing(Painter(Look(base_url="https://example.com/privacy")), TERMS)
    page = paper_page(settled.posted, settled.document, printing)
    data = printer(page)
    assert printer(page) == data
    words, sheets = pdf_reader.words(data), int(pdf_reader.facts(data)["Pages"])
    assert sheets > 1
    assert words.count("Example Notes & Co, version 2") == sheets
    assert words.count("https://example.com/privacy/example-notes/v2/") == sheets + 1
