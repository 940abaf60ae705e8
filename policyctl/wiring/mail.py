# SPDX-License-Identifier: Apache-2.0
"""Settings to what sends mails, and to what tells how they fared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from policyctl.errors import UsageError
from policyctl.settings import Settings

if TYPE_CHECKING:
    from policyctl.adapters.mail.dsn import Maildir
    from policyctl.adapters.mail.interface import Mailer
    from policyctl.adapters.mail.sendgrid_events import SendGridWebhook
    from policyctl.adapters.mail.suppressions import SuppressionLists

SMTP_PASSWORD = "POLICYCTL_SMTP_PASSWORD"  # noqa: S105 - the name of a variable, not a password
SENDGRID_KEY = "SENDGRID_API_KEY"


def open_mailer(settings: Settings, environment: Mapping[str, str] | None = None) -> Mailer:
    """The mailer that ``[mail]`` names; the folder one sends nothing."""
    secrets = os.environ if environment is None else environment
    if settings.mail.mailer == "smtp":
        return _smtp(settings, secrets.get(SMTP_PASSWORD, ""))
    if settings.mail.mailer == "sendgrid":
        return _sendgrid(settings, secrets.get(SENDGRID_KEY, ""))
    from policyctl.adapters.mail.folder import FolderMailer

    return FolderMailer(settings.root / settings.mail.folder)


def _smtp(settings: Settings, password: str) -> Mailer:
    from policyctl.adapters.mail.smtp import SmtpMailer, SmtpServer

    smtp = settings.mail.smtp
    if smtp.user and not password:
        raise UsageError("there is no SMTP password", hint=f"set {SMTP_PASSWORD}")
    wait = timedelta(hours=smtp.resend_after) if smtp.resend_after else None
    server = SmtpServer(
        smtp.host, smtp.port, smtp.starttls, smtp.user, bounces=smtp.bounces, resend_after=wait
    )
    return SmtpMailer(server, password)


def _sendgrid(settings: Settings, key: str) -> Mailer:
    from policyctl.adapters.mail.sendgrid import HOST, SendGridMailer

    if not key:
        raise UsageError("there is no SendGrid key", hint=f'set {SENDGRID_KEY}, or mailer = "folder"')
    return SendGridMailer(key, host=settings.mail.sendgrid_host or HOST)


def open_maildir(settings: Settings, folder: str) -> Maildir:
    """The Maildir that reports come to: ``folder``, or that of the settings."""
    from policyctl.adapters.mail.dsn import Maildir

    named = folder or settings.mail.smtp.maildir
    if not named:
        raise UsageError("no Maildir is named", hint="name it, or set [mail.smtp] maildir")
    return Maildir(Path(folder) if folder else settings.root / named)


def open_suppressions(settings: Settings, environment: Mapping[str, str] | None = None) -> SuppressionLists:
    """SendGrid's lists of addresses that it does not mail to."""
    from policyctl.adapters.mail.sendgrid import HOST
    from policyctl.adapters.mail.suppressions import SuppressionLists

    secrets = os.environ if environment is None else environment
    return SuppressionLists(secrets.get(SENDGRID_KEY, ""), host=settings.mail.sendgrid_host or HOST)


def open_webhook(settings: Settings) -> SendGridWebhook | None:
    """What checks SendGrid's events; None where no key for it is set."""
    if not settings.mail.webhook_keys:
        return None
    from policyctl.adapters.mail.sendgrid_events import SendGridWebhook

    age = timedelta(hours=settings.mail.webhook_hours)
    return SendGridWebhook(settings.mail.webhook_keys, longest_age=age)
