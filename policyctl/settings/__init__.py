# SPDX-License-Identifier: Apache-2.0
"""The settings of a policy repository: ``policyctl.toml`` at its top, read once, checked whole.

Unknown keys, wrong types and values that cannot be are refused with file, line, key and mend. Secrets
never stand here: they come from the environment, or from a key file that git does not hold
(``Secrets``). A value prints without them.

=========================  =============================  =============================================
table                      keys                           meaning
=========================  =============================  =============================================
``[ledger]``               url, shards, erasures          SQLite file (relative to the top) or PostgreSQL;
                                                          in place of it, servers that share the subjects; the
                                                          list of erasures, best on another disk
``[retention]``            proof_after_data               how long proof is kept once the data is gone:
                                                          ``P3Y``, ``P18M``, ``P90D``; empty: for ever
``[mail]``                 mailer, folder, from,          ``folder`` writes .eml files, ``smtp`` and
                           from_name, reply_to,           ``sendgrid`` send
                           postal_address
``[mail.smtp]``            host, port, starttls, user,    ``bounces``: the mailbox that reports come to, as
                           bounces, maildir,              bounces+<nid>@...; ``maildir``: where it is read;
                           resend_after                   after how many hours a mail in doubt without a
                                                          report is sent again, once (24; 0 never)
``[mail.sendgrid]``        host, webhook_keys,            another host than the service's own; the keys that
                           webhook_hours                  check its events, and how old those may be
``[site]``                 folder, base_url, authority,   where the pages are written and served; what ids of
                           name, language, theme, pdf,    feeds begin with (``example.com,2026``: a name and a
                           served                         day it was yours); whose the pages are; the language
                                                          of policies that do not say theirs (``en``); a
                                                          folder with your look; whether PDFs are made, and
                                                          whether `policyctl serve` serves the pages
``[[places]]``             name, kind, target, policies,  where else policies are posted, one table a place:
                           internal                       ``site``, ``feed``, ``webhook``, ``file``,
                                                          ``release`` or ``url``; of which policies (all);
                                                          ``internal``: an address in a network of your own
``[lead_time]``            editorial, notice, choice,     days from publication to effect
                           transition
``[choices]``              answer_days, remind_days       days to answer after a notice arrived; how many days
                                                          before the effective date who has not answered is
                                                          reminded (``[7]``; ``[]``: never)
``[regimes]``              apply                          names of regimes; none named: all
``[taxonomy.categories]``  "user.fax" = {label, ...}      terms of your own; also purposes, recipients
``[publish]``              sign, timestamp_url            sign version refs: ``auto`` where git is set up
                                                          to, ``always`` (or publish nothing), ``never``; an
                                                          authority that stamps them (RFC 3161); empty: none
``[limits]``               max_bytes                      the largest file that is read
``[web]``                  host, port, keys, url,         where `policyctl serve` listens, its file of API
                           link_keys, link_days           keys (digests); where readers of mails reach it,
                                                          the file of keys for links, the days they open
``[doctor]``               heartbeat_hours,               how long notices may wait for `notify` before
                           notify_hours, sync_hours,      `policyctl doctor` tells (24); every how many
                           prune_hours, backup_hours,     hours a timer is to start each command, 0: doctor
                           seal_hours                     expects none
``[spark]``                master, folder                 the cluster that decides in bulk, and the folder
                                                          that it and this machine share
=========================  =============================  =============================================
"""

from __future__ import annotations

import re
import stat
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from policyctl.errors import CannotCompareError, InputError, Place, RefusedError
from policyctl.settings.doctor import DOCTOR_KEYS, read_expected_hours, read_heartbeat_hours
from policyctl.settings.places import PLACE_KEYS, PlaceSetting, read_places
from policyctl.settings.retention import read_proof_after_data
from policyctl.settings.site import SITE_KEYS, Site, read_site
from policyctl.settings.tables import Reader, Table

FILE = "policyctl.toml"
SIGN = ("auto", "always", "never")
MAILERS = ("folder", "smtp", "sendgrid")
REGIMES = ("founding", "ftc", "dpf", "gdpr", "california", "colorado", "minnesota")
_LARGEST_FILE = 1_000_000
_TERM = re.compile(r"[a-z0-9_]+([.-][a-z0-9_]+)*", re.ASCII)
_WHOLE = (0, 3650)
_PUBLIC_URL = re.compile(
    r"(https://[A-Za-z0-9.-]+|http://(localhost|127\.0\.0\.1|\[::1\]))(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Smtp:
    """``[mail.smtp]``."""

    host: str = "localhost"
    port: int = 25
    starttls: bool = False
    user: str = ""
    bounces: str = ""
    maildir: str = ""
    resend_after: int = 24


@dataclass(frozen=True, slots=True)
class Mail:
    """``[mail]``. ``sendgrid_host`` is empty for the service's own host; ``webhook_keys`` are public."""

    mailer: str = "folder"
    folder: str = ".policyctl/outbox"
    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    postal_address: str = ""
    smtp: Smtp = field(default_factory=Smtp)
    sendgrid_host: str = ""
    webhook_keys: tuple[str, ...] = ()
    webhook_hours: int = 25


@dataclass(frozen=True, slots=True)
class LeadTime:
    """``[lead_time]``: days from publication to effect, by class."""

    editorial: int = 0
    notice: int = 30
    choice: int = 30
    transition: int = 30


@dataclass(frozen=True, slots=True)
class LocalTerm:
    """A term of the repository's own: ``kind`` is categories, purposes or recipients."""

    kind: str
    id: str
    label: str
    sensitive: bool = False
    dpv: str = ""


@dataclass(frozen=True, slots=True)
class Web:
    """``[web]``: where ``policyctl serve`` listens, and its files of keys. ``url`` is where readers of mails
    reach it, without a slash at the end; empty: mails have no links, and no pages are served.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    keys: str = ".policyctl/api-keys.json"
    url: str = ""
    link_keys: str = ".policyctl/link-keys.json"
    link_days: int = 730


@dataclass(frozen=True, slots=True)
class Spark:
    """``[spark]``: address of the master. ``folder`` is empty for the temporary folder."""

    master: str = "local[*]"
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one repository. ``root`` is its top folder; paths in it are relative to that."""

    root: Path
    ledger_url: str = "sqlite:///.policyctl/ledger.db"
    ledger_shards: tuple[str, ...] = ()
    erasures: str = ".policyctl/erasures"
    proof_after_data: str = ""
    mail: Mail = field(default_factory=Mail)
    site_folder: str = ".policyctl/site"
    base_url: str = ""
    site: Site = field(default_factory=Site)
    places: tuple[PlaceSetting, ...] = ()
    lead_time: LeadTime = field(default_factory=LeadTime)
    answer_days: int = 30
    remind_days: tuple[int, ...] = (7,)
    regimes: tuple[str, ...] = ()
    terms: tuple[LocalTerm, ...] = ()
    max_bytes: int = 5_000_000
    sign: str = "auto"
    timestamp_url: str = ""
    web: Web = field(default_factory=Web)
    spark: Spark = field(default_factory=Spark)
    heartbeat_hours: int = 24
    expected_hours: tuple[tuple[str, int], ...] = ()


def find_root(start: Path) -> Path | None:
    """The folder that holds ``policyctl.toml``, from ``start`` upwards to the top of its git
    repository and never beyond: a file in a parent of the repository is none of its settings.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / FILE).is_file():
            return folder
        if (folder / ".git").exists():
            return None
    return None


def load_settings(start: Path) -> Settings:
    """The settings that hold at ``start``. CannotCompareError where there are none; ``InputError`` or
    ``InputErrors`` with every complaint.
    """
    root = find_root(start)
    if root is None:
        raise CannotCompareError(
            f"there is no {FILE} here, up to the top of the git repository",
            hint="go to your policy repository, or make one with `policyctl init`",
        )
    return read_settings(root)


def read_settings(root: Path) -> Settings:
    """Read ``policyctl.toml`` of the folder ``root``."""
    path = root / FILE
    if path.is_symlink():
        raise RefusedError(f"{FILE} is a symbolic link", hint="put the settings themselves there")
    if path.stat().st_mode & stat.S_IWOTH:
        raise RefusedError(
            f"{FILE} can be written by everybody", hint=f"run `chmod o-w {FILE}`: it says where mail goes"
        )
    if path.stat().st_size > _LARGEST_FILE:
        raise InputError("larger than a file of settings can be", hint="look at it", place=Place(FILE))
    return parse_settings(_text(path), root=root)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 at offset {error.start}", hint="save the file as UTF-8", place=Place(FILE)
        ) from error


def parse_settings(text: str, *, root: Path) -> Settings:
    """Settings from the text of ``policyctl.toml``."""
    try:
        raw = tomllib.loads(text.removeprefix("\ufeff"))  # as some editors begin a file
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        place = Place(FILE, int(line[1]) if line else text.count("\n") + 1)
        raise InputError(f"not TOML: {error}", hint="mend that line", place=place) from error
    reader = Reader(text, FILE)
    settings = _settings(Table(reader, "", raw, _TABLES), root)
    reader.settle()
    return settings


_TABLES = (
    "ledger", "mail", "site", "lead_time", "choices", "regimes", "taxonomy", "publish", "limits", "web",
    "spark", "doctor", "places", "retention",
)  # fmt: skip
_MAIL = ("mailer", "folder", "from", "from_name", "reply_to", "postal_address", "smtp", "sendgrid")


def _settings(top: Table, root: Path) -> Settings:
    choices = top.table("choices", ("answer_days", "remind_days"))
    publish = top.table("publish", ("sign", "timestamp_url"))
    doctor = top.table("doctor", DOCTOR_KEYS)
    ledger, site = top.table("ledger", ("url", "shards", "erasures")), top.table("site", SITE_KEYS)
    return _fitting(
        ledger,
        Settings(
            root=root,
            ledger_url=ledger.text("url", "sqlite:///.policyctl/ledger.db"),
            ledger_shards=ledger.lines("shards", "postgresql://..."),
            erasures=ledger.text("erasures", ".policyctl/erasures"),
            proof_after_data=read_proof_after_data(top.table("retention", ("proof_after_data",))),
            mail=_mail(top.table("mail", _MAIL)),
            site_folder=site.text("folder", ".policyctl/site"),
            base_url=site.text("base_url", "").rstrip("/"),
            site=read_site(site),
            places=read_places(top.tables("places", PLACE_KEYS)),
            lead_time=_lead_time(top.table("lead_time", ("editorial", "notice", "choice", "transition"))),
            answer_days=choices.number("answer_days", 30, (1, 3650)),
            remind_days=choices.numbers("remind_days", (7,), (1, 365)),
            regimes=top.table("regimes", ("apply",)).words("apply", REGIMES),
            terms=_terms(top.table("taxonomy", ("categories", "purposes", "recipients"))),
            sign=publish.one_of("sign", SIGN),
            timestamp_url=publish.address("timestamp_url"),
            max_bytes=top.table("limits", ("max_bytes",)).number("max_bytes", 5_000_000, (1, 100_000_000)),
            web=_web(top.table("web", ("host", "port", "keys", "url", "link_keys", "link_days"))),
            spark=_spark(top.table("spark", ("master", "folder"))),
            heartbeat_hours=read_heartbeat_hours(doctor),
            expected_hours=read_expected_hours(doctor),
        ),
    )


def _fitting(ledger: Table, settings: Settings) -> Settings:
    """With complaints where a ledger on several servers meets what works on one only."""
    if not settings.ledger_shards:
        return settings
    if len(settings.ledger_shards) != len(ledger.raw["shards"]):
        ledger.complain("shards", "names a server twice", "name each once: their order is their number")
    if "url" in ledger.raw:
        ledger.complain("shards", "stands beside `url`", "keep one of the two")
    if settings.web.url or settings.mail.webhook_keys:
        ledger.complain(
            "shards",
            "the pages of links and the webhook are served from one server only",
            "leave out [web] url and [mail.sendgrid] webhook_keys, or write [ledger] url",
        )
    return settings


def _spark(table: Table) -> Spark:
    return Spark(table.text("master", "local[*]"), table.text("folder", ""))


def _web(table: Table) -> Web:
    return Web(
        host=table.text("host", "127.0.0.1"),
        port=table.number("port", 8080, (1, 65535)),
        keys=table.text("keys", ".policyctl/api-keys.json"),
        url=_public_url(table),
        link_keys=table.text("link_keys", ".policyctl/link-keys.json"),
        link_days=table.number("link_days", 730, (30, 36_500)),
    )


def _public_url(table: Table) -> str:
    """Https (RFC 8058 asks for it too); plain http on this machine only, for trying."""
    url = table.text("url", "").rstrip("/")
    if url and not _PUBLIC_URL.fullmatch(url):
        table.complain("url", "is no address for readers of mails", 'write "https://privacy.example.com"')
    return url


def _mail(table: Table) -> Mail:
    smtp = table.table("smtp", ("host", "port", "starttls", "user", "bounces", "maildir", "resend_after"))
    sendgrid = table.table("sendgrid", ("host", "webhook_keys", "webhook_hours"))
    return Mail(
        mailer=table.one_of("mailer", MAILERS),
        folder=table.text("folder", ".policyctl/outbox"),
        from_address=table.text("from", ""),
        from_name=table.text("from_name", ""),
        reply_to=table.text("reply_to", ""),
        postal_address=table.text("postal_address", ""),
        smtp=Smtp(
            host=smtp.text("host", "localhost"),
            port=smtp.number("port", 25, (1, 65535)),
            starttls=smtp.switch("starttls"),
            user=smtp.text("user", ""),
            bounces=smtp.text("bounces", ""),
            maildir=smtp.text("maildir", ""),
            resend_after=smtp.number("resend_after", 24, (0, 720)),
        ),
        sendgrid_host=sendgrid.text("host", ""),
        webhook_keys=sendgrid.lines("webhook_keys"),
        webhook_hours=sendgrid.number("webhook_hours", 25, (1, 24 * 7)),
    )


def _lead_time(table: Table) -> LeadTime:
    return LeadTime(
        editorial=table.number("editorial", 0, _WHOLE),
        notice=table.number("notice", 30, _WHOLE),
        choice=table.number("choice", 30, _WHOLE),
        transition=table.number("transition", 30, _WHOLE),
    )


def _terms(table: Table) -> tuple[LocalTerm, ...]:
    found: list[LocalTerm] = []
    for kind in ("categories", "purposes", "recipients"):
        terms = table.table(kind, None)
        for name in terms.raw:
            if not _TERM.fullmatch(name):
                terms.complain(name, f"{name!r} cannot be an id", 'write a dotted id such as "user.fax"')
            term = terms.table(name, ("label", "sensitive", "dpv"))
            if not term.text("label", ""):
                terms.complain(name, "has no label", 'write label = "plain words for a reader"')
            found.append(
                LocalTerm(kind, name, term.text("label", ""), term.switch("sensitive"), term.text("dpv", ""))
            )
    return tuple(found)
