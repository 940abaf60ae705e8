# SPDX-License-Identifier: Apache-2.0
"""The pages that the links of real mails open, on the real service: who may say what, what is recorded."""

from __future__ import annotations

import email
import email.policy
import re
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from policyctl import wiring
from policyctl.actions.deciding.decide import decide_use
from policyctl.actions.mailing.links import with_links
from policyctl.actions.mailing.mails import MailWriter
from policyctl.actions.mailing.notify import notify
from policyctl.actions.recording.answers import send_receipts
from policyctl.adapters.mail.interface import Accepted, Mail, NotSent, Outcome, Rejected, Stopped, Unknown
from policyctl.adapters.mail.message import message_bytes
from policyctl.core.links import LinkPurpose, LinkState
from policyctl.core.notices.notice import Addressee, NoticeKind, Occasion
from policyctl.core.notices.reminder import reminder_of
from policyctl.core.policy import VersionKey
from policyctl.core.use.decision import UseRequest
from policyctl.settings import load_settings
from policyctl.web import log
from policyctl.wiring import mail as wiring_mail
from tests.actions.notify_scene import open_scene
from tests.cli.run import policyctl
from tests.core.notice_samples import OFFERS, QUOTE
from tests.web.choice_scene import (
    BASE,
    ENV,
    MARKETING,
    SLUG,
    SURVEY,
    SURVEYS,
    URL,
    Served,
    deliver_all,
    local,
    mail_to,
    mails,
    make_scene,
    publish,
    publish_anew,
    served,
    state,
)
from tests.web.choice_scene import copies as copies_of
from tests.web.service import Running, new_key, serving

ADA, BOB, U1, U2 = "ada@acme.example.org", "bob@best.example.org", "u1@example.org", "u2@example.org"
ANSWERS = "SELECT subject_no >> 40, subject_no & 255, answer FROM choice ORDER BY seq"
YES, NO, TAKEN_BACK = 1, 2, 3
ONE_CLICK = "List-Unsubscribe=One-Click"
UPLOAD = '--xx\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--xx--\r\n'


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    return copies_of(make_scene(tmp_path_factory.mktemp("choices") / "policies"))


@pytest.fixture
def root(scenes: Iterator[Path]) -> Path:
    return next(scenes)


@pytest.fixture
def service(root: Path) -> Iterator[Served]:
    with served(root) as running:
        yield running


def get(service: Served | Running, path: str, **headers: str) -> httpx.Response:
    return httpx.get(service.url + path, headers=headers, trust_env=False, timeout=30)


def post(service: Served | Running, path: str, content: str | bytes = "", **fields: str) -> httpx.Response:
    body = content or str(httpx.QueryParams(fields))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return httpx.post(service.url + path, content=body, headers=kind, trust_env=False, timeout=30)


def say(
    service: Served | Running, path: str, answer: str, change: str = MARKETING, newest: str = "3"
) -> httpx.Response:
    return post(service, path, change=change, newest=newest, answer=answer)


def rows(root: Path, query: str = ANSWERS) -> list[tuple[int, ...]]:
    with sqlite3.connect(root / "ledger.db") as database:
        return database.execute(query).fetchall()


def may_use(root: Path, who: str) -> str:
    with open_scene(root) as ledger:
        request = UseRequest(who, "user.contact.email", "marketing", log.clock())
        return decide_use(request, ledger=ledger).answer.value


# Looking


def test_a_hundred_looks_at_every_link_of_a_mail_change_nothing(root: Path, service: Served) -> None:
    links = [local(link) for whom in (ADA, U1) for link in mail_to(root, whom).links()]
    assert len(links) == 10, "in each mail a page, and two answers to each of two questions"
    before = state(root)
    with httpx.Client(base_url=service.url, trust_env=False, timeout=60) as scanner:

        def look(number: int) -> None:
            for link in links:
                method = ("GET", "HEAD")[number % 2]
                found = scanner.request(
                    method, link, headers={"Purpose": "prefetch", "Sec-Purpose": "prefetch"}
                )
                assert found.status_code == 200
                assert bool(found.content) is (method == "GET")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(look, range(100)))
    assert state(root) == before
    page = mail_to(root, U1).page
    assert say(service, page, "refuse").status_code == 200


def test_a_link_holds_an_id_a_moment_and_a_signature_and_nothing_else(root: Path) -> None:
    with open_scene(root) as ledger:
        nids = {nid for nid, *_ in ledger.nids(VersionKey(SLUG, 3))}
    pages = [mail.page for mail in mails(root)]
    assert len(set(pages)) == 5
    for page in pages:
        found = re.fullmatch(r"/answers/([0-9a-f]{32})\.[\w-]{6}\.[\w-]{43}", page)
        assert found, page
        assert found[1] in nids, "a keyed hash"


def test_a_page_is_kept_by_nobody_loads_nothing_and_tells_nobody_where_it_was(
    root: Path, service: Served | Running
) -> None:
    for path, status in ((mail_to(root, U1).page, 200), ("/answers/nothing", 404)):
        found = get(service, path)
        assert found.status_code == status
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in found.headers["x-robots-tag"]
        assert found.headers["x-content-type-options"] == "nosniff"
        policy = dict(
            part.strip().split(" ", 1) for part in found.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "script-src" not in policy
        assert "set-cookie" not in found.headers
        for loading in ("<script", "<link", "<img", "src=", "@import", "url("):
            assert loading not in found.text


@pytest.mark.parametrize(
    ("whom", "lang", "words"),
    [
        (U1, "en", "Your answer now"),
        (U2, "fr", "Votre réponse actuelle"),
        ("u3@example.org", "de", "Ihre Antwort jetzt"),
        (BOB, "de", "Ein Nein gilt für alle bei Best GmbH"),
        (ADA, "en", "A no holds for everybody at Acme &amp; Sons"),
    ],
)
def test_a_page_speaks_the_language_of_its_mail(
    root: Path, service: Served | Running, whom: str, lang: str, words: str
) -> None:
    page = get(service, mail_to(root, whom).page).text
    assert f'<html lang="{lang}">' in page
    assert words in page
    assert "@example.org" not in page


# Answering


def test_an_answer_is_shown_changed_and_taken_back_and_given_twice_is_recorded_once(
    root: Path, service: Served | Running
) -> None:
    page = mail_to(root, U1).page
    assert "None yet." in get(service, page).text
    for answer, shown in (("consent", "Yes, since"), ("consent", "Yes, since"), ("refuse", "No, since")):
        done = say(service, page, answer)
        assert done.status_code == 200
        assert 'role="status"' in done.text
        assert shown in done.text
        assert shown in get(service, page).text
    assert rows(root) == [(1, 1, YES), (1, 1, TAKEN_BACK)]
    say(service, page, "consent")
    assert [answer for *_, answer in rows(root)] == [YES, TAKEN_BACK, YES]
    assert policyctl("doctor", cwd=root, env=ENV).returncode in {0, 1, 3}
    with open_scene(root) as ledger:
        assert ledger.first_bad_entry() is None


def test_one_question_answered_leaves_the_other_open(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    done = say(service, page, "refuse", SURVEYS)
    assert done.text.count("No, since") == 1
    assert done.text.count("None yet.") == 1


def test_may_use_changes_the_moment_an_answer_is_recorded(root: Path) -> None:
    with open_scene(root) as ledger:
        deliver_all(ledger)
    page, key = mail_to(root, U1).page, new_key(root, "decide")
    asked = ("may-use", "--subject", "u1", "--category", "user.contact.email", "--purpose", "marketing")
    with serving(root) as running, running.client(key) as caller:
        # Permitted at first: told, and the time for an objection is over.
        for answer, code, word in (
            ("", 0, "permitted"),
            ("refuse", 11, "refused"),
            ("consent", 0, "permitted"),
        ):
            if answer:
                say(running, page, answer)
            assert caller.answer("u1", "marketing") == word
            assert policyctl(*asked, cwd=root, env=ENV).returncode == code


def test_an_organisations_no_binds_its_people_whatever_they_say(root: Path, service: Served) -> None:
    with open_scene(root) as ledger:
        deliver_all(ledger)
    mine, ours = mail_to(root, U1).page, mail_to(root, ADA).page
    say(service, mine, "consent")
    assert may_use(root, "u1") == "permitted"
    done = say(service, ours, "refuse")
    assert "A no holds for everybody at Acme &amp; Sons" in done.text.partition("Recorded")[2]
    assert may_use(root, "u1") == "refused"
    assert may_use(root, "u3") == "permitted", "another's people are not bound"
    assert "Acme &amp; Sons has said no for everybody there" in get(service, mine).text
    assert "Yes, since" in say(service, mine, "consent").text
    assert may_use(root, "u1") == "refused"
    say(service, ours, "consent")
    assert may_use(root, "u1") == "permitted"


def test_what_is_picked_in_the_mail_is_marked_and_not_recorded(root: Path, service: Served) -> None:
    (link,) = {link for link in mail_to(root, U1).links() if "survey" in link and "answer=refuse" in link}
    before = state(root)
    page = get(service, local(link)).text
    assert "In the mail you chose: No, do not use it in this way." in page
    assert page.index("inviting you to surveys") < page.index("sending you offers")
    assert state(root) == before
    for made_up in ("?change=%3Cb%3E&answer=%3Cb%3E", "?answer=refuse", "?change=x&change=y&answer="):
        found = get(service, mail_to(root, U1).page + made_up)
        assert found.status_code == 200
        assert "<b>" not in found.text


# A newer version


def test_a_question_that_a_newer_version_asks_anew_is_answered_there(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    say(service, page, "consent")
    with open_scene(root) as ledger:
        publish_anew(ledger)
    before = rows(root)
    refused = say(service, page, "refuse")
    assert refused.status_code == 409
    assert "Nothing was recorded" in refused.text
    assert rows(root) == before
    shown = get(service, page).text
    assert "Version 4 of the policy" in shown
    assert "has no such use any more" in shown, "of the survey"
    assert 'name="answer"' not in shown
    newer = local(shown.partition('class="go" href="')[2].partition('"')[0])
    there = get(service, newer).text
    assert "version 4" in there
    assert "None yet." in there
    assert say(service, newer, "refuse", f"{SLUG}@v4#quote-marketing", "4").status_code == 200


def test_who_has_no_newer_notice_is_told_what_to_do(root: Path, service: Served) -> None:
    with open_scene(root) as ledger:
        publish_anew(ledger)
        ledger._engine.dispose()
    with sqlite3.connect(root / "ledger.db") as database:
        database.execute("DROP TRIGGER outbox_no_delete")
        database.execute(
            "DELETE FROM outbox WHERE notice_no IN (SELECT notice_no FROM notice WHERE version_no = 4)"
        )
    shown = get(service, mail_to(root, U1).page).text
    assert "Use the link in the mail about version 4, or write to answers@example.com." in shown


def test_a_page_that_is_older_than_the_newest_version_must_be_looked_at_again(
    root: Path, service: Served | Running
) -> None:
    with open_scene(root) as ledger:
        publish(ledger, 4, (QUOTE, OFFERS, SURVEY))
    page = mail_to(root, U1).page
    assert say(service, page, "refuse", newest="3").status_code == 409
    assert rows(root) == []
    assert 'name="newest" value="4"' in get(service, page).text
    assert say(service, page, "refuse", newest="4").status_code == 200


# Confirming and objecting


def test_an_administrator_confirms_objects_and_takes_it_back(root: Path, service: Served) -> None:
    page, version = mail_to(root, ADA).page, VersionKey(SLUG, 3)
    assert "Not confirmed yet." in get(service, page).text
    for act, words in (
        ("acknowledge", "Confirmed on"),
        ("object", "Objection of"),
        ("object", "Objection of"),
        ("retract", "No objection."),
        ("object", "Objection of"),
    ):
        done = post(service, page, act=act)
        assert done.status_code == 200
        assert words in done.text
    with open_scene(root) as ledger:
        assert [name for name, _ in ledger.acknowledgements(version)] == ["acme"]
        assert [name for name, _ in ledger.inquiries.objections(version)] == ["acme"]
        assert ledger.first_bad_entry() is None
    assert rows(root) == [], "neither is an answer to a question"
    assert rows(root, "SELECT stands FROM objection ORDER BY objected_at") == [(1,), (0,), (1,)]


@pytest.mark.parametrize("act", ["acknowledge", "object", "retract"])
def test_a_user_cannot_confirm_or_object_for_an_organisation(
    root: Path, service: Served | Running, act: str
) -> None:
    before = state(root)
    assert post(service, mail_to(root, U1).page, act=act).status_code == 400
    assert state(root) == before


# Reminders


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (UPLOAD, "multipart/form-data; boundary=xx"),
    ],
)
def test_one_click_stops_reminders_and_answers_nothing(
    root: Path, service: Served | Running, content: str, kind: str
) -> None:
    path = reminders_of(root)
    before = state(root)
    assert get(service, path).status_code == 200
    assert state(root) == before
    for _ in range(2):
        found = httpx.post(
            service.url + path, content=content, headers={"Content-Type": kind}, trust_env=False
        )
        assert found.status_code == 200
        assert "Reminders were stopped" in found.text
    assert rows(root, "SELECT count(*) FROM reminder_stop") == [(1,)]
    assert rows(root) == []
    with open_scene(root) as ledger:
        nids = {nid for nid, *_ in ledger.nids(VersionKey(SLUG, 3))}
        assert len(ledger.inquiries.reminders_stopped(list(nids))) == 1
        assert ledger.first_bad_entry() is None
    assert may_use(root, "u1") == "refused", "not told yet, as before"


@pytest.mark.parametrize("content", ["", "List-Unsubscribe=no", "List-Unsubscribe=One-Click&x=1", "x"])
def test_what_is_not_one_click_stops_nothing(root: Path, service: Served | Running, content: str) -> None:
    assert post(service, reminders_of(root), content or " ").status_code == 400
    assert rows(root, "SELECT count(*) FROM reminder_stop") == [(0,)]


def test_reminders_that_were_stopped_stay_away_and_the_next_notice_comes(
    root: Path, service: Served | Running
) -> None:
    assert post(service, reminders_of(root), ONE_CLICK).status_code == 200
    remind(root)
    reminded = [mail for mail in mails(root) if mail.message["List-Unsubscribe"]]
    assert {str(mail.message["To"].addresses[0].addr_spec) for mail in reminded} == {
        ADA, BOB, U2, "u3@example.org"
    }  # fmt: skip
    with open_scene(root) as ledger:
        publish_anew(ledger)
    assert policyctl("notify", cwd=root, env=ENV).returncode == 0
    assert len([mail for mail in mails(root, U1) if "v4" in mail.text]) == 1


def test_the_page_of_a_reminder_takes_the_answer_and_there_is_no_second_one(
    root: Path, service: Served | Running
) -> None:
    remind(root)
    (reminder,) = [mail for mail in mails(root, U1) if mail.message["List-Unsubscribe"]]
    page = get(service, reminder.page)
    assert page.status_code == 200
    for change in (MARKETING, SURVEYS):
        assert say(service, reminder.page, "refuse", change).status_code == 200
    assert [row[2] for row in rows(root)] == [NO, NO]
    with open_scene(root) as ledger:
        assert ledger.add_reminders(EFFECTIVE_AT - timedelta(days=1), (3, 1)) == 4


EFFECTIVE_AT = BASE + timedelta(days=5)


def remind(root: Path) -> None:
    """A run three days before the version takes effect; its notices left when it was published."""
    settings, at = load_settings(root), EFFECTIVE_AT - timedelta(days=3)
    with sqlite3.connect(root / "ledger.db") as database:  # the scene's mails were written today
        database.execute("UPDATE chunk SET changed_at = ?", (int(BASE.timestamp()) * 1_000_000,))
    with open_scene(root) as ledger:
        done = notify(
            at,
            ledger=ledger,
            mailer=wiring_mail.open_mailer(settings),
            sender=wiring.sender(settings),
            links=wiring.open_links(settings),
            remind_days=(3, 1),
        )
        assert done.accepted == done.reminders > 0


def reminders_of(root: Path) -> str:
    """Where one click stops the reminders of the first user: read from the header of a reminder to him."""
    settings = load_settings(root)
    links = wiring.open_links(settings)
    with open_scene(root) as ledger:
        notices = {found.kind: found for found in ledger.notices(VersionKey(SLUG, 3))}
    reminder = reminder_of(notices[NoticeKind.CHOICE], {MARKETING})
    assert reminder
    nid = mail_to(root, U1).page.removeprefix("/answers/").partition(".")[0]
    at = BASE + timedelta(days=9)
    addressee = with_links(Addressee(nid, U1), links, at, NoticeKind.REMINDER)
    mail = MailWriter(wiring.sender(settings)).write(reminder, addressee, Occasion(at))
    message = email.message_from_bytes(message_bytes(mail), policy=email.policy.default)
    assert message["List-Unsubscribe-Post"] == ONE_CLICK
    found = str(message["List-Unsubscribe"])
    assert found.startswith(f"<{URL}/reminders/")
    return local(found.strip("<>"))


# Links that open nothing


def test_a_link_opens_only_what_it_is_for(root: Path, service: Served) -> None:
    answers, reminders = mail_to(root, U1).page, reminders_of(root)
    swapped = reminders.replace("/reminders/", "/answers/")
    assert say(service, swapped, "refuse").status_code == 404
    assert post(service, answers.replace("/answers/", "/reminders/"), ONE_CLICK).status_code == 404
    assert rows(root) == []


def test_whatever_is_made_of_a_link_opens_nothing_and_looks_the_same(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    other = mail_to(root, U2).page
    nid, moment, signature = page.removeprefix("/answers/").split(".")
    other_nid = other.removeprefix("/answers/").split(".")[0]
    flipped = signature[:-2] + ("A" if signature[-2] != "A" else "B") + signature[-1]
    forged = [
        page[:-1], page[:-20], f"/answers/{nid}", f"/answers/{nid}.{moment}.{flipped}", "/answers/a",
        f"/answers/{other_nid}.{moment}.{signature}", f"/answers/{nid}.AAAAAA.{signature}", "/answers/%00",
        "/answers/" + "a" * 3_000, f"{page}.x", f"/answers/{nid}.{moment}.", "/answers/%ff%fe",
        "/answers/é.b.c",
    ]  # fmt: skip
    seen = set()
    for path in forged:
        for found in (get(service, path), say(service, path, "refuse")):
            assert found.status_code == 404, path
            seen.add(found.text)
    assert len(seen) == 1
    assert "answers@example.com" in seen.pop()
    assert rows(root) == []


def test_a_key_is_rotated_and_the_one_before_still_opens(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    assert policyctl("links", "rotate", cwd=root, env=ENV).returncode == 0
    assert say(service, page, "refuse").status_code == 200
    assert policyctl("links", "rotate", cwd=root, env=ENV).returncode == 0
    gone = say(service, page, "consent")
    assert gone.status_code == 410
    assert "write to answers@example.com" in gone.text
    assert rows(root) == [(1, 1, NO)]


def test_a_key_is_retired_at_once_but_never_the_one_that_signs(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    (first,) = policyctl("links", "list", cwd=root, env=ENV).stdout.splitlines()
    number = first.split()[0]
    refused = policyctl("links", "retire", number, cwd=root, env=ENV)
    assert refused.returncode == 4
    policyctl("links", "rotate", cwd=root, env=ENV)
    assert policyctl("links", "retire", number, cwd=root, env=ENV).returncode == 0
    assert get(service, page).status_code == 410
    listed = policyctl("links", "list", cwd=root, env=ENV).stdout
    assert [line.split()[-1] for line in listed.splitlines()] == ["retired", "signs"]
    secret = (root / ".policyctl" / "link-keys.json").read_text().partition('"secret": "')[2][:64]
    assert secret not in listed


def test_the_file_of_keys_is_its_owners_alone(root: Path, service: Served) -> None:
    file = root / ".policyctl" / "link-keys.json"
    assert file.stat().st_mode & 0o077 == 0
    page = mail_to(root, U1).page
    file.chmod(0o644)
    assert get(service, page).status_code == 503
    file.chmod(0o600)
    assert get(service, page).status_code == 200


def test_a_link_grows_too_old(root: Path) -> None:
    links = wiring.open_links(load_settings(root))
    assert links
    token = links.make(LinkPurpose.ANSWERS, "a" * 32, BASE).rpartition("/")[2]
    for days, state_then in ((0, LinkState.GOOD), (729, LinkState.GOOD), (731, LinkState.EXPIRED)):
        read = links.read(LinkPurpose.ANSWERS, token, BASE + timedelta(days=days))
        assert read
        assert (read.nid, read.made_at, read.state) == ("a" * 32, BASE, state_then)
    early = links.read(LinkPurpose.ANSWERS, token, BASE - timedelta(minutes=5))
    assert early, "the clock of the machine that mails may be ahead"


def test_of_an_erased_person_nothing_is_shown(root: Path, service: Served) -> None:
    with open_scene(root) as ledger:
        ledger.erase_subject("u1", now=ledger.versions()[0].published_at)
    page = mail_to(root, U1).page
    for found in (get(service, page), say(service, page, "consent")):
        assert found.status_code == 410


# Forms that none of the pages has


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("answer=consent", 400),
        (f"change={SLUG}%40v3%23quote-marketing&newest=3&answer=maybe", 400),
        (f"change={SLUG}%40v3%23quote-marketing&newest=3&answer=consent&answer=refuse", 400),
        (f"change={SLUG}%40v3%23quote-marketing&newest=3&answer=consent&extra=1", 400),
        (f"change={SLUG}%40v3%23quote&newest=3&answer=consent", 400),
        (f"change={SLUG}%40v2%23quote-marketing&newest=3&answer=consent", 400),
        (f"change={SLUG}%40v3%23quote-marketing&newest=-1&answer=consent", 400),
        (f"change={SLUG}%40v3%23quote-marketing&newest=&answer=consent", 400),
        ("change=%ff&newest=3&answer=consent", 400),
        ("change=%00&newest=3&answer=consent", 400),
        ("act=consent", 400),
        ("act=", 400),
        ("&&&", 400),
        ("{}", 400),
        ("\u00e9=1", 400),
        ("x" * 5_000, 413),
    ],
)
def test_a_form_of_somebody_elses_making_records_nothing(
    root: Path, service: Served | Running, content: str, status: int
) -> None:
    before = state(root)
    found = post(service, mail_to(root, U1).page, content.encode())
    assert found.status_code == status
    assert "<h1>" in found.text
    assert state(root) == before


def test_only_a_form_is_taken(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    body = f"change={SLUG}%40v3%23quote-marketing&newest=3&answer=refuse"
    for kind in ("application/json", "text/plain", "multipart/form-data", ""):
        found = httpx.post(service.url + page, content=body, headers={"Content-Type": kind}, trust_env=False)
        assert found.status_code == 415
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert httpx.request(method, service.url + page, trust_env=False).status_code == 405
    assert rows(root) == []


def test_a_link_records_only_so_often(root: Path, service: Served) -> None:
    page = mail_to(root, U1).page
    found = [say(service, page, ("refuse", "consent")[n % 2]) for n in range(25)]
    assert found[-1].status_code == 429
    assert found[-1].headers["retry-after"]
    assert len(rows(root)) == 20
    assert get(service, page).status_code == 200
    assert say(service, mail_to(root, U2).page, "refuse").status_code == 200


# The log, and where nobody is


def test_no_token_name_or_answer_is_in_the_log(root: Path) -> None:
    page = mail_to(root, U1).page
    with serving(root) as service:
        get(service, page + "?change=x&answer=refuse")
        say(service, page, "refuse")
        get(service, page[:-4])
        post(service, page, b"x" * 5_000)
        service.stop()
    lines = "".join(service.log)
    assert lines.count("/answers/{token}") == 4
    token = page.removeprefix("/answers/")
    for secret in (token, token[:20], token[-12:], "refuse", MARKETING, "u1@", "acme"):
        assert secret not in lines


def test_a_ledger_that_is_away_is_a_kind_page_and_no_answer(root: Path, tmp_path: Path) -> None:
    page = mail_to(root, U1).page
    with served(root, open_scene(tmp_path)) as service:
        for found in (get(service, page), say(service, page, "consent")):
            assert found.status_code == 503
            assert "Nothing was recorded." in found.text


def test_without_a_public_address_nothing_is_served_and_mails_say_how_to_answer(root: Path) -> None:
    file = root / "policyctl.toml"
    file.write_text(file.read_text().replace(f'url = "{URL}"', ""))
    page = mail_to(root, U1).page
    for path in (root / "mails").glob("*.eml"):
        path.unlink()
    with sqlite3.connect(root / "ledger.db") as database:
        database.execute("UPDATE chunk SET state = 'planned', cursor = lo")
    assert policyctl("notify", cwd=root, env=ENV).returncode == 0
    assert mail_to(root, U1).links() == []
    assert "answers@example.com" in mail_to(root, U1).text
    with serving(root) as running:
        assert get(running, page).status_code == 404


@pytest.mark.parametrize("command", ["notify", "serve"])
def test_links_are_not_made_without_a_key(root: Path, command: str) -> None:
    (root / ".policyctl" / "link-keys.json").unlink()
    run = policyctl(command, cwd=root, env=ENV)
    assert run.returncode == 2
    assert "policyctl links rotate" in run.stderr


# Receipts


def test_the_next_notify_mails_one_receipt_with_what_stands_then(root: Path, service: Served) -> None:
    page = mail_to(root, ADA).page
    say(service, page, "consent")
    say(service, page, "refuse")
    post(service, page, act="acknowledge")
    for path in (root / "mails").glob("*.eml"):
        path.unlink()
    assert policyctl("notify", cwd=root, env=ENV).returncode == 0
    receipt = mail_to(root, ADA)
    assert str(receipt.message["Subject"]) == "Receipt for your answer: Example Fax Privacy Policy"
    for part in (receipt.text, receipt.html.replace("&amp;", "&")):
        assert "The answer of Acme & Sons now: No, since" in part
        assert "A no holds for everybody at Acme & Sons" in part
        assert "Confirmed on" in part
    assert "No, since" in get(service, receipt.page).text
    assert receipts(root) == 0, "one receipt, once"
    say(service, receipt.page, "consent")
    assert receipts(root) == 1
    assert len(mails(root)) == 2


def receipts(root: Path) -> int:
    settings = load_settings(root)
    with open_scene(root) as ledger:
        return send_receipts(
            log.clock(),
            ledger=ledger,
            mailer=wiring_mail.open_mailer(settings),
            sender=wiring.sender(settings),
            links=wiring.open_links(settings),
        ).accepted


class Mood:
    """A mailer that answers as it is told, and counts."""

    name, resend_is_safe, resend_after = "mood", True, None

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.sent = outcome, list[str]()

    def send(self, mail: Mail) -> Outcome:
        self.sent.append(mail.nid)
        return self.outcome

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (Accepted("x"), False),
        (Rejected("no such box"), False),
        (NotSent("busy"), True),
        (Unknown("cut off"), True),
        (Stopped("no key"), True),
    ],
)
def test_a_receipt_that_may_not_have_left_is_tried_again_later_and_never_for_ever(
    root: Path, service: Served, outcome: Outcome, *, again: bool
) -> None:
    say(service, mail_to(root, U1).page, "refuse")
    settings, mood = load_settings(root), Mood(outcome)
    links, us, at = wiring.open_links(settings), wiring.sender(settings), log.clock()
    with open_scene(root) as ledger:
        for hour in range(12):
            later = at + timedelta(hours=hour)
            send_receipts(later, ledger=ledger, mailer=mood, sender=us, links=links)
        if not again:
            assert len(mood.sent) == 1
        else:
            assert len(mood.sent) == 8
            assert len(set(mood.sent)) == 1, "always the same mail"


# Killed


def test_every_answer_that_was_confirmed_outlives_the_kill(root: Path) -> None:
    page, confirmed = mail_to(root, U1).page, 0
    for _ in range(3):
        with serving(root) as running:
            enough, count = threading.Event(), [0]

            def toggle(
                running: Running = running, count: list[int] = count, enough: threading.Event = enough
            ) -> None:
                for number in range(18):
                    try:
                        found = say(running, page, ("refuse", "consent")[number % 2])
                    except httpx.TransportError:
                        return
                    assert found.status_code == 200
                    count[0] += 1
                    if number == 5:
                        enough.set()

            worker = threading.Thread(target=toggle)
            worker.start()
            assert enough.wait(30)
            running.process.kill()
            worker.join(30)
            confirmed += count[0]
    # The first answer of a round may say what stands already, and is then not recorded again.
    assert confirmed - 3 <= len(rows(root)) <= confirmed + 3
    with open_scene(root) as ledger:
        assert ledger.first_bad_entry() is None


def test_two_processes_take_one_doubled_answer_once(root: Path) -> None:
    page = mail_to(root, U1).page
    with serving(root) as one, serving(root) as other, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: say((one, other)[n % 2], page, "refuse").status_code, range(16)))
    assert found == [200] * 16
    assert rows(root) == [(1, 1, NO)]
