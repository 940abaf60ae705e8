# SPDX-License-Identifier: Apache-2.0
"""HTML to PDF by WeasyPrint: tagged (PDF/UA-1), the same bytes for the same page, nothing fetched.

WeasyPrint comes with the extra ``policyctl[pdf]`` and needs Pango from the system.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec

from policyctl.errors import RefusedError

Printer = Callable[[str], bytes]
"""Takes a page of HTML and gives a PDF; RefusedError where it cannot."""


def is_installed() -> bool:
    """Whether WeasyPrint is there, without loading it, which takes a second."""
    return find_spec("weasyprint") is not None


def open_printer() -> Printer | None:
    """What writes PDFs; None where WeasyPrint, or a library of the system that it needs, is missing."""
    try:
        import weasyprint
    except (ImportError, OSError):
        return None
    # It warns of every style that paper has no use for; nobody who sends mails can do anything about it.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)

    # No address has one of no schemes: a policy must not make the sender's machine visit anything.
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())

    def write(html: str) -> bytes:
        try:
            document = weasyprint.HTML(string=html, url_fetcher=nothing)
            written: bytes = document.write_pdf(pdf_variant="pdf/ua-1")
        except Exception as error:  # whatever it stumbles over, no notice may be left half on its way
            raise RefusedError(
                f"the policy cannot be written as a PDF ({type(error).__name__})",
                hint="simplify the text where it is nested deeply, or send without policyctl[pdf]",
            ) from error
        return written

    return write
