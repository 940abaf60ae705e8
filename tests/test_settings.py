# SPDX-License-Identifier: Apache-2.0
"""policyctl.toml: what it may say, and what is answered to what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from policyctl import wiring
from policyctl.actions.init import SETTINGS
from policyctl.core.judge.regimes import REGIMES as CORE_REGIMES
from policyctl.core.policy import ChangeClass
from policyctl.errors import CannotCompareError, InputError, InputErrors, RefusedError, UsageError
from policyctl.settings import REGIMES, Settings, load_settings, parse_settings
from policyctl.settings.secrets import pseudonym_key
from policyctl.wiring import mail as wiring_mail

ROOT = Path("/srv/policies")
KEY = "00112233445566778899aabbccddeeff" * 2


def read(text: str) -> Settings:
    return parse_settings(text, root=ROOT)


def test_an_empty_file_is_all_defaults_and_sends_nothing() -> None:
    settings = read("")
    assert settings == Settings(ROOT)
    assert settings.mail.mailer == "folder"
    assert settings.lead_time.notice == settings.lead_time.choice == settings.lead_time.transition == 30


def test_what_init_writes_is_read() -> None:
    assert read(SETTINGS).mail.from_address == "privacy@example.com"


def test_every_key_is_read() -> None:
    settings = read(
        """
[ledger]
url = "postgresql://policyctl@db.example.com/ledger"
erasures = "/mnt/other/erasures"
[retention]
proof_after_data = "P18M"
[mail]
mailer = "smtp"
folder = "out"
from = "privacy@example.org"
from_name = "Example Org"
reply_to = "dpo@example.org"
postal_address = "1 Sample Street"
[mail.smtp]
host = "mail.example.org"
port = 587
starttls = true
user = "policyctl"
[mail.sendgrid]
host = "http://127.0.0.1:8080"
[site]
folder = "public"
base_url = "https://policies.example.org/"
[lead_time]
notice = 45
[choices]
answer_days = 60
remind_days = [14, 2, 14]
[regimes]
apply = ["gdpr", "founding"]
[taxonomy.categories]
"user.fax" = { label = "the faxes you send", sensitive = true }
[limits]
max_bytes = 1000000
"""
    )
    assert (settings.erasures, settings.proof_after_data) == ("/mnt/other/erasures", "P18M")
    assert (settings.ledger_url, settings.base_url) == (
        "postgresql://policyctl@db.example.com/ledger",
        "https://policies.example.org",
    )
    assert (settings.mail.smtp.port, settings.mail.smtp.starttls, settings.mail.reply_to) == (
        587,
        True,
        "dpo@example.org",
    )
    standards = wiring.standards(settings)
    assert standards.lead_days[ChangeClass.NOTICE] == 45
    assert standards.lead_days[ChangeClass.CHOICE] == 30
    assert (standards.answer_days, standards.regimes, standards.max_bytes) == (
        60,
        ("gdpr", "founding"),
        1_000_000,
    )
    assert standards.catalogue.taxonomy.categories["user.fax"].sensitive
    assert settings.remind_days == (14, 2)


@pytest.mark.parametrize(
    ("text", "line", "key", "said", "hint"),
    [
        ("[mial]\n", 1, "mial", "unknown key", "'mail'"),
        ("[mail]\nfrom = 'a@example.com'\nfolders = 'x'\n", 3, "mail.folders", "unknown key", "'folder'"),
        ("[mail]\nzzz = 1\n", 2, "mail.zzz", "unknown key", "known keys: mailer"),
        ("[mail]\nmailer = 'sendgird'\n", 2, "mail.mailer", "unknown mailer", "'sendgrid'"),
        ("[mail.smtp]\nport = '25'\n", 2, "mail.smtp.port", "not a fitting number", "1 to 65535"),
        ("[mail.smtp]\nport = true\n", 2, "mail.smtp.port", "not a fitting number", "whole number"),
        ("[mail.smtp]\nstarttls = 'yes'\n", 2, "mail.smtp.starttls", "true nor false", "starttls = true"),
        ("[lead_time]\nchoice = -1\n", 2, "lead_time.choice", "not a fitting number", "0 to 3650"),
        ("[choices]\nanswer_days = 0\n", 2, "choices.answer_days", "not a fitting number", "1 to 3650"),
        ("[choices]\nremind_days = 7\n", 2, "choices.remind_days", "not a list of fitting", "1 to 365: [7]"),
        ("[choices]\nremind_days = [0]\n", 2, "choices.remind_days", "not a list of fitting", "1 to 365"),
        ("[choices]\nremind_days = [true]\n", 2, "choices.remind_days", "not a list of fitting", "[7]"),
        ("[regimes]\napply = ['gpdr']\n", 2, "regimes.apply", "unknown name", "'gdpr'"),
        ("[regimes]\napply = 'gdpr'\n", 2, "regimes.apply", "not a list", "apply = ["),
        ("[ledger]\nurl = 5\n", 2, "ledger.url", "not a line of text", 'url = "'),
        ("mail = 3\n", 1, "mail", "is a table", "[mail]"),
        ("[taxonomy.purposes]\n'Fax' = {label = 'x'}\n", 2, "taxonomy.purposes.Fax", "cannot be", "dotted"),
        ("[taxonomy.purposes]\n'a.b' = {}\n", 2, "taxonomy.purposes.a.b", "no label", "label ="),
        ('[mail]\nfrom = "a\\nb"\n', 2, "mail.from", "not a line of text", "from ="),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_placed_and_mended(
    text: str, line: int, key: str, said: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    place = caught.value.place
    assert place is not None
    assert (place.file, place.line, place.key) == ("policyctl.toml", line, key)
    assert said in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.exit_code == 3


def test_all_complaints_come_at_once() -> None:
    with pytest.raises(InputErrors) as caught:
        read("[mail]\nmailer = 'x'\nfrum = 'y'\n[site]\nfolder = 1\n")
    assert len(caught.value.errors) == 3


def test_text_that_is_not_toml_names_its_line() -> None:
    with pytest.raises(InputError, match="not TOML") as caught:
        read("[mail]\nfrom = \n")
    assert caught.value.place is not None
    assert caught.value.place.line == 2


def test_the_names_of_regimes_are_those_the_rules_know() -> None:
    assert set(REGIMES) == set(CORE_REGIMES)


def test_settings_are_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "policyctl.toml").write_text("[choices]\nanswer_days = 7\n")
    (tmp_path / "policies/example").mkdir(parents=True)
    settings = load_settings(tmp_path / "policies/example")
    assert (settings.root, settings.answer_days) == (tmp_path, 7)


def test_no_settings_say_how_to_get_some(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(CannotCompareError) as caught:
        load_settings(tmp_path)
    assert "policyctl init" in caught.value.hint


def test_settings_that_everybody_can_write_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "policyctl.toml"
    path.write_text("")
    path.chmod(0o666)
    with pytest.raises(RefusedError, match="written by everybody"):
        load_settings(tmp_path)


def test_settings_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "policyctl.toml").write_bytes(b"# \xff\n")
    with pytest.raises(InputError, match="offset 2"):
        load_settings(tmp_path)


# --- secrets


def key_file(root: Path, text: str, mode: int = 0o600) -> None:
    path = root / ".policyctl/pseudonym.key"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_the_key_comes_from_the_file_or_before_it_from_the_environment(tmp_path: Path) -> None:
    key_file(tmp_path, KEY + "\n")
    assert pseudonym_key(tmp_path, {}) == bytes.fromhex(KEY)
    assert pseudonym_key(tmp_path, {"POLICYCTL_PSEUDONYM_KEY": "ff" * 32}) == b"\xff" * 32


def test_no_key_is_never_an_empty_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pseudonym key") as caught:
        pseudonym_key(tmp_path, {})
    assert "copy .policyctl/pseudonym.key" in caught.value.hint


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    key_file(tmp_path, KEY, mode)
    with pytest.raises(RefusedError, match="read by others"):
        pseudonym_key(tmp_path, {})


def test_a_bad_key_is_in_no_message(tmp_path: Path) -> None:
    key_file(tmp_path, "canary-secret")
    with pytest.raises(UsageError) as caught:
        pseudonym_key(tmp_path, {})
    assert "canary" not in f"{caught.value}{caught.value.hint}{caught.value.__cause__}"


def test_a_relative_ledger_lies_below_the_top_of_the_repository(tmp_path: Path) -> None:
    assert wiring.ledger_url(Settings(tmp_path)) == f"sqlite:///{tmp_path}/.policyctl/ledger.db"
    absolute = Settings(tmp_path, ledger_url="sqlite:////var/lib/policyctl.db")
    assert wiring.ledger_url(absolute) == "sqlite:////var/lib/policyctl.db"


@pytest.mark.parametrize(
    ("text", "variable"),
    [("[mail]\nmailer='sendgrid'\n", "SENDGRID_API_KEY"),
     ("[mail]\nmailer='smtp'\n[mail.smtp]\nuser='x'\n", "POLICYCTL_SMTP_PASSWORD")],
)  # fmt: skip
def test_a_mailer_without_its_secret_names_the_variable(text: str, variable: str) -> None:
    with pytest.raises(UsageError) as caught:
        wiring_mail.open_mailer(read(text), {})
    assert variable in caught.value.hint


def test_each_mailer_is_the_one_that_is_named(tmp_path: Path) -> None:
    for name in ("folder", "smtp", "sendgrid"):
        settings = parse_settings(f"[mail]\nmailer = '{name}'\n", root=tmp_path)
        mailer = wiring_mail.open_mailer(settings, {"SENDGRID_API_KEY": "SG.invented"})
        assert mailer.name == name
        mailer.close()


def test_a_ledger_on_several_servers_is_named_by_them(tmp_path: Path) -> None:
    found = parse_settings('[ledger]\nshards = ["postgresql://a/x", "postgresql://b/x"]\n', root=tmp_path)
    assert found.ledger_shards == ("postgresql://a/x", "postgresql://b/x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[ledger]\nurl = "sqlite:///a.db"\nshards = ["postgresql://a/x"]\n', "beside `url`"),
        ('[ledger]\nshards = ["postgresql://a/x", "postgresql://a/x"]\n', "a server twice"),
        (
            '[ledger]\nshards = ["postgresql://a/x"]\n[web]\nurl = "https://p.example.com"\n',
            "one server only",
        ),
        ('[ledger]\nshards = "postgresql://a/x"\n', "not a list"),
    ],
)
def test_what_does_not_go_with_several_servers_is_named(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        parse_settings(text, root=tmp_path)
