# SPDX-License-Identifier: Apache-2.0
"""Where version refs, ledger and pages part, and what is owed: doctor says it, with its mend."""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from policyctl.actions.drift.doctor import Check
from policyctl.actions.drift.record import durability_checks
from policyctl.actions.status import status
from policyctl.adapters.ledger import open_ledger
from policyctl.adapters.live import fetch
from policyctl.core.notices.outbox import DeliveryEvent, DeliveryName, OutboxState
from policyctl.core.records import CustomerRow
from policyctl.errors import CannotCompareError, IntegrityError, Place, UsageError
from tests.actions.examining import examine
from tests.actions.instance import DAYS, PRACTICES_2, SLUG, TEXT_2, Opened, make_instance, policy, publish
from tests.adapters.ledger_samples import KEY, TAXONOMY
from tests.peers.postgres import Server
from tests.repos import ALONE, Repo

SITE = ".policyctl/site"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, ALONE[name])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions published, one administrator to be told of the second."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
            patch.setenv(name, ALONE[name])
        made = make_instance(tmp_path_factory.mktemp("model") / "repo")
        publish(made.root, DAYS[1])
        customer = CustomerRow(Place("c.csv", 2), "acme", "Acme", "admin@acme.example.com", "Ada", "en")
        with Opened(made.root) as opened:
            opened.ledger.import_customers([customer], now=DAYS[1])
        made.commit("Second", policy(TEXT_2, PRACTICES_2))
        publish(made.root, DAYS[2])
    return made.root


@pytest.fixture
def repo(model: Path, tmp_path: Path) -> Repo:
    copy = Path(shutil.copytree(model, tmp_path / "repo"))
    with Opened(copy) as opened:
        opened.ledger.custody.adopt(now=DAYS[2])
    return Repo(copy)


def told(repo: Repo, name: str, days: float = 0, url: str = "") -> list[Check]:
    found = [check for check in examine(repo.root, DAYS[2] + timedelta(days=days), url) if check.name == name]
    assert found, name
    return found


def test_what_agrees_is_ok_and_what_is_owed_is_told(repo: Repo) -> None:
    states = {check.name: check.state for check in examine(repo.root, DAYS[2])}
    fine = ("versions on record", "ledger head", "site", "lead times", "heartbeat", "durability")
    assert [states[name] for name in fine] == ["ok"] * len(fine)
    assert states["duties"] == "warning"


# --- version refs and ledger


def lose_the_ref(repo: Repo) -> None:
    repo.git("tag", "-d", f"policy/{SLUG}/v2")


def move_the_ref(repo: Repo) -> None:
    message = repo.git("for-each-ref", "--format=%(contents)", f"refs/tags/policy/{SLUG}/v2")
    repo.git("tag", "-f", "-a", "-m", message, f"policy/{SLUG}/v2", "HEAD~1")


def put_back_an_empty_ledger(repo: Repo) -> None:
    (repo.root / ".policyctl/ledger.db").unlink()
    with Opened(repo.root) as opened:
        opened.ledger.upgrade()


@pytest.mark.parametrize(
    ("trouble", "said", "mend"),
    [
        (lose_the_ref, "example@v2 of the ledger has no version ref", "git fetch --tags"),
        (move_the_ref, "the version ref of example@v2 was moved", "policyctl verify"),
        (put_back_an_empty_ledger, "lacks example@v1, example@v2", "policyctl sync"),
    ],
)
def test_version_refs_and_ledger_that_part(
    repo: Repo, trouble: Callable[[Repo], None], said: str, mend: str
) -> None:
    trouble(repo)
    (check,) = told(repo, "versions on record")
    assert check.state == "error"
    assert said in check.seen
    assert mend in check.mend


def test_a_ledger_that_was_put_back_is_behind_the_version_refs(repo: Repo) -> None:
    put_back_an_empty_ledger(repo)
    (check,) = told(repo, "ledger head")
    assert check.state == "error"
    assert "example@v2 saw entry" in check.seen
    assert "backup" in check.mend


def test_a_version_that_a_wrong_clock_dates_before_the_one_before_is_told_and_stays_the_later(
    tmp_path: Path,
) -> None:
    made = make_instance(tmp_path / "repo")
    publish(made.root, DAYS[1])
    made.commit("Second", policy(TEXT_2, PRACTICES_2))
    publish(made.root, DAYS[1] - timedelta(days=3))
    found = examine(made.root, DAYS[2])
    (check,) = [check for check in found if check.name == "clock"]
    assert (check.state, check.seen.startswith("example@v2 is dated before example@v1")) == ("warning", True)
    with Opened(made.root) as opened:
        assert [record.key.number for record in opened.ledger.versions()] == [1, 2]
        (now,) = status(SLUG, now=DAYS[2], history=opened.history, ledger=opened.ledger)
        (later,) = status(
            SLUG, now=DAYS[2] + timedelta(days=100), history=opened.history, ledger=opened.ledger
        )
    assert [version.in_force for version in now.versions] == [True, False]
    assert [version.in_force for version in later.versions] == [False, True]


# --- the folder of the site


def alter(repo: Repo) -> None:
    page = repo.root / SITE / SLUG / "index.html"
    page.write_text(page.read_text("utf-8").replace("e-mail", "email"), "utf-8")


def remove(repo: Repo) -> None:
    (repo.root / SITE / SLUG / "v1/index.html").unlink()


def add(repo: Repo) -> None:
    (repo.root / SITE / "notes.html").write_text("mine", "utf-8")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (alter, "altered by another hand: example/index.html"),
        (remove, "missing: example/v1/index.html"),
        (add, "not of the site: notes.html"),
    ],
)
def test_pages_that_are_not_what_the_versions_give(
    repo: Repo, trouble: Callable[[Repo], None], said: str
) -> None:
    trouble(repo)
    (check,) = told(repo, "site")
    assert (check.state, check.seen) == ("error", said)
    assert "policyctl site build" in check.mend


def test_a_page_that_was_changed_together_with_its_record_is_found_too(repo: Repo) -> None:
    page, marker = repo.root / SITE / SLUG / "v1/index.html", repo.root / SITE / ".policyctl-site"
    before = hashlib.sha256(page.read_bytes()).hexdigest()
    page.write_bytes(page.read_bytes() + b"<!-- x -->")
    after = hashlib.sha256(page.read_bytes()).hexdigest()
    marker.write_text(marker.read_text("utf-8").replace(before, after), "utf-8")
    (check,) = told(repo, "site")
    assert check.state == "error"
    assert check.seen == "not what the version refs give today: example/v1/index.html"


def test_a_site_that_was_not_built_since_a_version_took_effect_is_behind(repo: Repo) -> None:
    (check,) = told(repo, "site", days=100)
    assert check.state == "error"
    assert "not what the version refs give today: example/" in check.seen


@pytest.mark.parametrize("damage", [b"", b"x\x9c+\xca"], ids=["empty", "flipped"])
def test_a_damaged_object_of_a_version_leaves_the_pages_that_are_there(repo: Repo, damage: bytes) -> None:
    oid = repo.git("rev-parse", f"policy/{SLUG}/v1:policies/{SLUG}/policy.md")
    place = repo.root / ".git/objects" / oid[:2] / oid[2:]
    place.chmod(0o644)
    place.write_bytes(damage)
    before = {path: path.read_bytes() for path in (repo.root / SITE).rglob("*") if path.is_file()}
    shutil.rmtree(repo.root / SITE / SLUG / "v1")  # so that the version must be read again
    with Opened(repo.root) as opened, pytest.raises(IntegrityError):
        opened.sync(DAYS[2])
    there = {path: path.read_bytes() for path in (repo.root / SITE).rglob("*") if path.is_file()}
    assert there.items() <= before.items(), "no page is made of nothing"
    (check,) = told(repo, "site")
    assert check.state == "error"


def test_a_site_that_was_never_built_is_a_warning(repo: Repo) -> None:
    shutil.rmtree(repo.root / SITE)
    (check,) = told(repo, "site")
    assert (check.state, "site build" in check.mend) == ("warning", True)


# --- what is posted


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def posted(repo: Repo, days: float = 0, page: str | None = None) -> Check:
    """What doctor says of a copy of the site; with ``page``, of a host that has this page and no other."""
    folder = repo.root.parent / "posted"
    if page is None:
        shutil.copytree(repo.root / SITE, folder, dirs_exist_ok=True)
    else:
        folder.mkdir()
        (folder / "index.html").write_text(page, "utf-8")
    return look_at(repo, days)


def look_at(repo: Repo, days: float = 0) -> Check:
    with serving(partial(Quiet, directory=str(repo.root.parent / "posted"))) as url:
        (check,) = told(repo, f"posted {SLUG}", days, url)
    return check


def test_the_page_that_is_posted_is_the_version_in_force(repo: Repo) -> None:
    check = posted(repo)
    assert (check.state, "example@v1, byte for byte" in check.seen) == ("ok", True)


def test_a_version_in_force_that_nobody_posted_is_told(repo: Repo) -> None:
    check = posted(repo, days=100)
    assert check.state == "error"
    assert "posts v1" in check.seen
    assert "in force is example@v2" in check.seen
    assert "web server" in check.mend


@pytest.mark.parametrize("page", ["index.html", "v1/index.html"])
def test_a_posted_page_with_another_word_is_told(repo: Repo, page: str) -> None:
    posted(repo)
    there = repo.root.parent / "posted" / SLUG / page
    there.write_text(there.read_text("utf-8").replace("as long as you have", "after you close"), "utf-8")
    check = look_at(repo)
    assert check.state == "error"
    assert "bytes differ" in check.seen


OWN = """<!doctype html><title>Example</title><nav>Home</nav><main><h1>Privacy</h1>
<h2>What we collect</h2><p>We collect your e-mail address and use it to
run your account.</p><h2>How we keep it</h2><p>We keep your <b>e-mail address</b> for as long as you have an
account.</p></main><script>var x = 1</script>"""


def test_a_page_of_another_make_is_read_by_its_words(repo: Repo) -> None:
    check = posted(repo, page=OWN)
    assert (check.state, "has the words of example@v1" in check.seen) == ("ok", True), check


@pytest.mark.parametrize(
    ("old", "new", "clause"),
    [
        ("for as long as you have an", "for ten years after you close your", "How we keep it"),
        ("<h2>How we keep it", "<h2>Selling</h2><p>We sell your address.</p><h2>How we keep it", "Selling"),
    ],
)
def test_a_page_of_another_make_that_says_something_else_is_told(
    repo: Repo, old: str, new: str, clause: str
) -> None:
    assert old in OWN
    check = posted(repo, page=OWN.replace(old, new))
    assert (check.state, clause in check.seen) == ("error", True), check


def test_an_address_where_nobody_answers_is_an_error_and_no_yes(repo: Repo) -> None:
    with serving(partial(Quiet, directory=str(repo.root))) as url:
        pass
    (check,) = told(repo, f"posted {SLUG}", url=url)
    assert (check.state, "cannot be read" in check.seen) == ("error", True)


def answering(status: int, headers: dict[str, str], body: bytes = b"", wait: float = 0) -> type[Quiet]:
    class Handler(Quiet):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(wait)

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # the reader has had enough
                self.close_connection = True

    return Handler


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://evil.example.org/", "another place, https://evil.example.org"),
        ("/again", "redirected without end"),
        ("file:///etc/passwd", "another place, file://"),
    ],
)
def test_a_redirect_stays_with_its_host(location: str, said: str) -> None:
    with (
        serving(answering(302, {"Location": location})) as url,
        pytest.raises(CannotCompareError, match=said),
    ):
        fetch(url)


def test_a_page_that_drips_is_given_up() -> None:
    slow = answering(200, {"Content-Type": "text/html"}, b"x" * 100, wait=0.1)
    with serving(slow) as url, pytest.raises(CannotCompareError, match="too long"):
        fetch(url, seconds=0.5)


def test_a_page_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policyctl.adapters.live.LARGEST", 10)
    with serving(answering(200, {}, b"x" * 50)) as url, pytest.raises(CannotCompareError, match="more than"):
        fetch(url)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example", "x", "", "https://me:pw@a.example/", "http://["]
)
def test_what_is_no_web_address_is_not_opened(url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        fetch(url)


# --- what is owed


@pytest.mark.parametrize(
    ("left", "state", "said"),
    [
        (34, "ok", "no notice is late"),
        (32, "warning", "must leave by 2 May 2027"),
        (30, "warning", "must leave by 2 May 2027"),
        (29, "error", "1 day late"),
        (-1, "error", "31 days late"),
    ],
)
def test_a_lead_time_about_to_be_missed_is_told(repo: Repo, left: int, state: str, said: str) -> None:
    """Effective on 1 June 2027, and a choice is owed 30 days before."""
    check = told(repo, "lead times", 92 - left)[0]
    assert (check.state, said in check.seen) == (state, True), check
    assert state == "ok" or "policyctl notify example" in check.mend


def hand_over(repo: Repo, state: OutboxState) -> str:
    with Opened(repo.root) as opened:
        chunk = opened.ledger.claim(DAYS[2], mailer="folder", owner="me")
        assert chunk is not None
        (item,) = opened.ledger.addressees(chunk)
        if state is not OutboxState.POSTING:
            opened.ledger.move(chunk, state, DAYS[2], receipt="file")
    return item.nid


def test_what_has_left_misses_no_lead_time_and_what_arrived_is_owed_no_more(repo: Repo) -> None:
    nid = hand_over(repo, OutboxState.ACCEPTED)
    assert told(repo, "lead times", 91)[0].state == "ok"
    (check,) = told(repo, "duties", 1)
    assert (check.state, "no report of delivery" in check.seen) == ("warning", True)
    with Opened(repo.root) as opened:
        opened.ledger.record_deliveries([DeliveryEvent(nid, DeliveryName.DELIVERED, DAYS[2])], now=DAYS[2])
    assert told(repo, "duties", 1)[0].state == "ok"


def test_what_nobody_takes_up_has_no_heartbeat(repo: Repo) -> None:
    assert told(repo, "heartbeat", 0.9)[0].state == "ok"
    (check,) = told(repo, "heartbeat", 1.1)
    assert (check.state, "wait since 26 hours" in check.seen) == ("error", True), check
    assert "policyctl notify" in check.mend


def test_a_run_that_was_cut_off_has_no_heartbeat_either(repo: Repo) -> None:
    hand_over(repo, OutboxState.POSTING)
    assert told(repo, "heartbeat", 1.1)[0].state == "error"


def test_what_has_left_needs_no_heartbeat(repo: Repo) -> None:
    hand_over(repo, OutboxState.ACCEPTED)
    assert told(repo, "heartbeat", 9)[0].state == "ok"


def test_the_settings_say_how_long_the_heart_may_stand(repo: Repo) -> None:
    with (repo.root / "policyctl.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[doctor]\nheartbeat_hours = 72\n")
    assert told(repo, "heartbeat", 2)[0].state == "ok"
    assert told(repo, "heartbeat", 3)[0].state == "error"


# --- the database


@pytest.mark.peer("postgres")
def test_a_postgresql_that_may_forget_is_an_error(postgres: Server) -> None:
    import psycopg

    url = postgres.new_database()
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        ledger.upgrade()
        assert dict(ledger.durability())["synchronous_commit"] == "on"
    name = url.partition("@/")[2].partition("?")[0]
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")  # type: ignore[arg-type]
    with open_ledger(url, key=KEY, taxonomy=TAXONOMY) as ledger:
        (check,) = durability_checks(ledger)
    assert check.state == "error"
    assert "fsync = off, synchronous_commit = off" in check.seen
    assert "postgresql.conf" in check.mend


def test_sqlite_says_that_it_keeps_what_it_is_given(repo: Repo) -> None:
    (check,) = told(repo, "durability")
    assert (check.state, check.seen) == ("ok", "journal_mode = wal, synchronous = 2")
