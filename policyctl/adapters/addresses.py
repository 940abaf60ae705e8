# SPDX-License-Identifier: Apache-2.0
"""E-mail addresses: the form in which they are kept, or what is wrong with them. Asks no network."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email


def normal_address(text: str) -> str:
    """``text`` with its domain in lower case and in ASCII (IDNA).

    Raises ValueError, with the reason but without the address, when it is none, or when its local
    part is not ASCII: some mailers cannot send to it. The domains of tests (``.test``) are taken.
    """
    try:
        found = validate_email(
            text, check_deliverability=False, allow_smtputf8=False, test_environment=True
        ).ascii_email
    except EmailNotValidError as error:
        raise ValueError(_reason(str(error), text)) from error
    if found is None:
        raise ValueError("it cannot be written in ASCII")
    return found


def _reason(said: str, text: str) -> str:
    """What the library says, cut before it quotes the address."""
    for part in sorted((text, *text.split("@")), key=len, reverse=True):
        if part:
            said = said.replace(part, "...")
    return said.rstrip(".")
