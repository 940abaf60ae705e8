"""A mail written again from what was kept of it: the same to the byte, or known not to be."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from policyctl.core.notices.notice import Addressee, Notice, Occasion
from policyctl.reports.mails.form import letter_form, shape_of
from policyctl.reports.mails.kept_form import form_again, form_bytes, kept_values, open_letter
from tests.actions.notify_scene import NOW
from tests.core.notice_samples import SENDER, planned

NOTICES = [each.notice for each in planned()]
ADA = Addressee("n1", "ada@example.com", "Ada", "en", "acme", "https://x.example.com/a/t?c=1")


def kept(notice: Notice, addressee: Addressee, nonce: str) -> tuple[str, str]:
    shape, occasion = shape_of(addressee, nonce), Occasion(NOW)
    form = letter_form(notice, shape=shape, nonce=nonce, sender=SENDER, occasion=occasion, attached="fax.pdf")
    values = kept_values(notice, shape, SENDER, occasion, [("fax.pdf", b"%PDF")], "1.0")
    return sha256(form_bytes(form)).hexdigest(), values


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice.kind)
@pytest.mark.parametrize("addressee", [ADA, replace(ADA, name="", page="", locale="de")])
def test_it_is_the_same_whatever_marks_it_was_written_with(notice: Notice, addressee: Addressee) -> None:
    wanted, values = kept(notice, addressee, "0a1b2c3d")
    assert kept(notice, addressee, "ffee9988")[0] == wanted
    again = form_again(notice, values, wanted)
    assert again is not None
    text, html = open_letter(again)
    assert "[nid]" in text
    assert ("[name]" in text) is bool(addressee.name)
    assert "<html" in html


def test_another_mail_is_never_taken_for_it() -> None:
    wanted, values = kept(NOTICES[0], ADA, "0a1b2c3d")
    assert form_again(replace(NOTICES[0], summary="Another summary."), values, wanted) is None
    assert form_again(NOTICES[0], values.replace("1 Example Street", "Elsewhere"), wanted) is None
    assert form_again(NOTICES[0], values, "0" * 64) is None
    assert form_again(NOTICES[0], "{}", wanted) is None
