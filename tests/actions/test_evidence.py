"""Evidence handed over: it holds, it holds nothing of others, and whatever is done to it is found out by both
verifiers.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default as policy_of_mail
from pathlib import Path
from typing import Any

import pytest

from policyctl import wiring
from policyctl.actions.deciding.decide import decide_use
from policyctl.actions.evidence.bundle import Customer, Subject, Wanted, export_consents, export_evidence
from policyctl.actions.evidence.verify_bundle import verify_bundle
from policyctl.adapters.bundle_zip import read_bundle, write_bundle
from policyctl.adapters.ledger.base.chain import told
from policyctl.adapters.ledger.evidence import proving
from policyctl.adapters.repository.bundle import TagSignatures
from policyctl.adapters.tables import METADATA
from policyctl.core.policy import VersionKey
from policyctl.core.postings import NewPosting, PlaceKind
from policyctl.core.proof.bundle import MANIFEST, CheckedBundle, check_bundle, dumps, manifest_json
from policyctl.core.proof.flaws import FlawKind, exit_code_of
from policyctl.core.proof.rows import COLUMNS, LedgerPart, part_from_json, part_json
from policyctl.core.proof.told_facts import facts_of
from policyctl.core.use.question import UseRequest
from policyctl.errors import CannotCompareError, IntegrityError
from policyctl.reports.evidence.consents import consents_json
from tests.actions.evidence_scene import ASKED, AT, CANARIES, OWN_ADDRESSES, make_scene, sources_of
from tests.actions.instance import DAYS, SLUG, Opened
from tests.cli.run import GIT, schema
from tests.peers.signing import SshKeys

SECOND = Path(__file__).resolve().parents[2] / "docs/how-to/verify-without-us/verify_bundle.py"
ADA, ACME, V2 = Subject("u-ada"), Customer("acme"), VersionKey(SLUG, 2)
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, ssh_keys_made: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in GIT.items():
            patch.setenv(name, value)
        keys = SshKeys(ssh_keys_made)
        keys.allow("legal")
        return make_scene(tmp_path_factory.mktemp("evidence") / "repo", keys)


@pytest.fixture(autouse=True)
def _nobody_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)


def made(scene: Path, wanted: Wanted, signers: Path | None = None) -> bytes:
    with Opened(scene) as opened:
        return export_evidence(wanted, None, AT, sources=sources_of(opened, signers))


@pytest.fixture(scope="module")
def ada(scene: Path) -> bytes:
    return made(scene, ADA)


def files_of(bundle: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def sealed(files: Mapping[str, bytes]) -> bytes:
    """The bundle of files, with a manifest that fits them: what somebody would hand over who altered some."""
    rest = {name: data for name, data in files.items() if name != MANIFEST}
    old = json.loads(files[MANIFEST])
    new = manifest_json(
        rest, about=old["about"], span=(old["from"], old["to"]), head=check_bundle(files).head, release="x"
    )
    return write_bundle({**rest, MANIFEST: dumps({**new, "ledger": old["ledger"]})})


def checked(tmp_path: Path, bundle: bytes, signers: Path | None = None, **more: Any) -> CheckedBundle:
    file = tmp_path / "bundle.zip"
    file.write_bytes(bundle)
    return verify_bundle(file, signers=TagSignatures(str(signers or "")), **more)[0]


def second(tmp_path: Path, bundle: bytes) -> tuple[int, str]:
    """What the other verifier says, in a bare interpreter."""
    file = tmp_path / "bundle.zip"
    file.write_bytes(bundle)
    run = subprocess.run(
        [sys.executable, "-I", "-S", str(SECOND), str(file)], capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout


# --- what holds


@pytest.mark.parametrize("wanted", [ADA, ACME, V2, Subject("u-zoe", "zebra-works")])
def test_a_bundle_holds_for_both_verifiers_and_all_of_it_is_proven(
    scene: Path, wanted: Wanted, tmp_path: Path, ssh_keys: SshKeys
) -> None:
    bundle = made(scene, wanted, ssh_keys.signers)
    found = checked(tmp_path, bundle, ssh_keys.signers)
    assert [flaw.kind for flaw in found.flaws] == [FlawKind.TIME_UNPROVEN]
    assert found.rows == found.proven > 5
    code, said = second(tmp_path, bundle)
    assert (code, said.splitlines()[-1]) == (0, f"holds: {found.rows} rows and tags, 0 of them not proven")
    schema("evidence").validate(json.loads(files_of(bundle)[MANIFEST]))


def test_the_same_ledger_and_moment_give_the_same_bytes(scene: Path, ada: bytes) -> None:
    assert made(scene, ADA) == ada


def test_a_bundle_tells_what_was_promised_told_and_answered(ada: bytes) -> None:
    files = files_of(ada)
    facts = json.loads(files["facts.json"])
    assert [(fact["version"], fact["class"]) for fact in facts["versions"]][-1] == (f"{SLUG}@v2", "choice")
    said = [(fact["scope"], fact["answer"], fact["change"]) for fact in facts["choices"]]
    assert sorted(said) == [
        ("customer", "consent", ASKED), ("subject", "consent", ASKED), ("subject", "withdraw", ASKED)
    ]  # fmt: skip
    assert {tag["record"] for tag in facts["tags"]} == {"form-7", "12"}
    assert {tag["version"] for tag in facts["tags"]} == {f"{SLUG}@v1"}
    assert [fact["event"] for fact in facts["deliveries"]] == ["delivered"]
    assert b"We collect your e-mail address" in files[f"versions/{SLUG}/v2/policy.md"]
    assert b"newsletter" in files[f"versions/{SLUG}/v2/redline.md"]
    assert json.loads(files[f"versions/{SLUG}/v2/findings.json"])
    notice = next(fact["notice"] for fact in facts["notices"])
    assert b"newsletter" in files[f"notices/{notice}/mail.txt"]
    page = files["index.html"].decode()
    assert "<script" not in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert [name for name in files if f'href="{name}"' not in page] == ["index.html"]


def test_the_mail_is_the_one_that_was_sent(scene: Path, ada: bytes) -> None:
    files = files_of(ada)
    mails = (file.read_bytes() for file in (scene / ".policyctl/mails").rglob("*.eml"))
    (sent,) = [data for data in mails if b"ada@acme.example.org" in data]
    mail = message_from_bytes(sent, policy=policy_of_mail)
    body = mail.get_body(("plain",))
    assert body is not None
    nid = json.loads(files["facts.json"])["deliveries"][0]["nid"]
    (name,) = [name for name in files if name.endswith("/mail.txt")]
    shown = files[name].decode().replace("[nid]", nid)
    assert shown == f"Subject: {mail['subject']}\n\n{body.get_content()}".replace("\r\n", "\n")
    assert b"Its hash is that of what was sent" in files["index.html"]


def posted(files: Files) -> dict[str, list[str]]:
    """By place, what became of the postings of the second version."""
    facts = json.loads(files["facts.json"])
    events = [(fact["posting"], fact["outcome"]) for fact in facts["posting_events"]]
    return {
        fact["place"]: [outcome for of, outcome in events if of == fact["posting"]]
        for fact in facts["postings"]
        if fact["version"] == str(V2)
    }


def test_a_publication_tells_where_it_was_posted_and_with_which_bytes(scene: Path) -> None:
    files = files_of(made(scene, V2))
    assert posted(files) == {
        "site": ["posted"], "feed": ["posted"], "app": ["posted"], "store": ["posted"],
        "partner": ["failed", "posted"],
    }  # fmt: skip
    hashes = {fact["place"]: fact["sha256"] for fact in json.loads(files["facts.json"])["postings"]}
    with Opened(scene) as opened:
        site = wiring.site_folder(opened.settings)
    for place, file in (
        ("site", site / SLUG / "v2/index.html"),
        ("feed", site / SLUG / "feed.xml"),
        ("app", scene / f"app/{SLUG}.md"),
    ):
        assert hashes[place] == hashlib.sha256(file.read_bytes()).hexdigest(), place
        assert hashes[place].encode() in files["index.html"]
    assert b"https://policies.example.com/example/v2/" in files["index.html"]


def test_a_person_is_told_where_it_was_posted_but_not_to_which_programs(scene: Path, ada: bytes) -> None:
    for bundle in (ada, made(scene, ACME)):
        assert set(posted(files_of(bundle))) == {"site", "feed", "app", "store"}
        assert b"hooks.example.net" not in bundle


def test_what_was_posted_after_the_moment_is_left_out(scene: Path) -> None:
    with Opened(scene) as opened:
        early = DAYS[2] + timedelta(minutes=90)
        bundle = export_evidence(V2, None, early, sources=sources_of(opened))
        assert posted(files_of(bundle))["partner"] == ["failed"]
        with pytest.raises(CannotCompareError, match="not published by then"):
            export_evidence(V2, None, DAYS[1], sources=sources_of(opened))


def test_a_posting_whose_hash_is_not_that_of_what_was_sent_gives_no_evidence(
    scene: Path, tmp_path: Path
) -> None:
    wrong = NewPosting(V2, "other", PlaceKind.WEBHOOK, "https://hooks.example.net/", "00" * 32, body="{}")
    with Opened(Path(shutil.copytree(scene, tmp_path / "repo"))) as opened:
        opened.ledger.enter_postings([wrong], now=DAYS[2])
        with pytest.raises(IntegrityError, match="another hash than what was sent"):
            export_evidence(V2, None, AT, sources=sources_of(opened))


def another_posting(files: Files) -> Files:
    part = part_of(files)
    rows = list(part.rows)
    place = next(n for n, row in enumerate(rows) if row.table == "posting")
    line = json.loads(rows[place].line)
    line[-2] = "cd" * 32
    rows[place] = replace(rows[place], line=json.dumps(line))
    return with_part(files, replace(part, rows=tuple(rows)))


def another_mail(files: Files) -> Files:
    name = next(name for name in files if name.endswith("/form.json"))
    return {**files, name: files[name].replace(b"newsletter", b"postcards!")}


def test_the_signer_stands_beside_each_version(scene: Path, ssh_keys: SshKeys) -> None:
    said = json.loads(files_of(made(scene, ADA, ssh_keys.signers))["signatures.json"])["versions"]
    assert {each["signer"] for each in said} == {"legal@example.com"}
    assert all(each["key"].startswith("SHA256:") for each in said)
    assert said[-1]["decided_by"] == "legal@example.com"


def test_decisions_are_those_of_the_moment(scene: Path, ada: bytes) -> None:
    said = json.loads(files_of(ada)["decisions.json"])
    answers = {(each["request"]["purpose"], each["answer"]) for each in said}
    assert answers == {
        ("essential.service.operations", "permitted"), ("marketing.communications.email", "refused")
    }  # fmt: skip
    with Opened(scene) as opened:
        request = UseRequest("u-ada", "user.contact.email", "marketing.communications.email", AT)
        assert decide_use(request, ledger=opened.ledger).answer == "refused"


def test_nothing_of_others_is_in_it(scene: Path, ada: bytes) -> None:
    of_acme, of_version = made(scene, ACME), made(scene, V2)
    for bundle in (ada, of_acme, of_version):
        for word in (*CANARIES, *OWN_ADDRESSES):
            assert word.encode() not in bundle, word
    assert b"u-ada" not in of_acme
    assert b"u-ada" not in of_version
    assert b"acme" not in of_version
    with Opened(scene) as opened:
        for who in ("u-ada", "u-bert", "u-zoe"):
            assert opened.ledger.pseudonym(who).encode() not in ada


def test_who_is_not_known_gets_no_bundle(scene: Path) -> None:
    for wanted in (Subject("nobody"), Customer("nobody"), VersionKey(SLUG, 9), VersionKey("other", 1)):
        with pytest.raises(CannotCompareError):
            made(scene, wanted)


def test_what_lies_after_the_moment_is_left_out(scene: Path) -> None:
    with Opened(scene) as opened:
        early = export_evidence(ADA, None, DAYS[2].replace(day=12, hour=1), sources=sources_of(opened))
    said = [fact["answer"] for fact in json.loads(files_of(early)["facts.json"])["choices"]]
    assert "withdraw" not in said
    assert "consent" in said


def test_each_answer_has_a_consent_record(scene: Path, ada: bytes) -> None:
    with Opened(scene) as opened:
        records = export_consents(ADA, None, AT, sources=sources_of(opened))
    schema("consents").validate(consents_json(records))
    states = [record["event"][0]["event_state"] for record in records]
    assert sorted(states) == ["dpv:ConsentGiven", "dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    inside = [json.loads(data) for name, data in files_of(ada).items() if name.startswith("consents/")]
    assert inside == records
    terms = records[0]["@context"]
    assert all(key in terms for key in records[0] if not key.startswith("@"))
    purpose = records[0]["pii_processing"]["purposes"][0]
    assert purpose["lawful_basis"] == "dpv:Consent"
    assert all(key in terms for key in purpose if not key.startswith(("@", "dct:")))


# --- what does not


def test_both_find_every_altered_byte(ada: bytes, tmp_path: Path) -> None:
    other = runpy.run_path(str(SECOND))["main"]
    file = tmp_path / "bundle.zip"
    chance = random.Random(27560)  # noqa: S311 - which bytes are altered
    for _ in range(120):
        place, change = chance.randrange(len(ada)), chance.randrange(1, 256)
        file.write_bytes(ada[:place] + bytes([ada[place] ^ change]) + ada[place + 1 :])
        found, _ = verify_bundle(file, signers=TagSignatures(""), allow_unsigned=True)
        assert exit_code_of(tuple(found.flaws)) == 5, place
        assert other(str(file)) == 5, place


PROVEN_FILES = ("ledger.json", "links.bin", "facts.json")


def test_both_agree_on_every_byte_that_was_altered_with_a_manifest_that_fits(
    scene: Path, ada: bytes, tmp_path: Path
) -> None:
    other = runpy.run_path(str(SECOND))["main"]
    file = tmp_path / "bundle.zip"
    chance = random.Random(9162)  # noqa: S311 - which bytes are altered
    for files in map(files_of, (ada, made(scene, V2), made(scene, ACME))):
        names = [name for name in files if name != MANIFEST]
        for turn in range(40):
            name = PROVEN_FILES[turn % 4] if turn % 4 < 3 else chance.choice(names)
            data = bytearray(files[name])
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            altered = {**files, name: bytes(data)}
            file.write_bytes(sealed(altered))
            found = any(flaw.broken for flaw in check_bundle(read_bundle(file)).flaws)
            assert (other(str(file)) == 5) == found, name
            if name in PROVEN_FILES:
                assert found, name


def part_of(files: Mapping[str, bytes]) -> LedgerPart:
    return part_from_json(json.loads(files["ledger.json"]), files["links.bin"])


def with_part(files: Files, part: LedgerPart) -> Files:
    """The facts follow: only the proofs can tell."""
    rows = {"ledger.json": dumps(part_json(part)), "links.bin": b"".join(part.links)}
    return {**files, **rows, "facts.json": dumps(facts_of(part))}


def another_answer(files: Files) -> Files:
    part = part_of(files)
    rows = list(part.rows)
    place = next(n for n, row in enumerate(rows) if row.table == "choice" and row.values()["answer"] == 3)
    line = json.loads(rows[place].line)
    line[5] = 1
    rows[place] = replace(rows[place], line=json.dumps(line))
    return with_part(files, replace(part, rows=tuple(rows)))


def another_tag(files: Files) -> Files:
    part = part_of(files)
    leaf = part.tags[0].leaf
    tags = (replace(part.tags[0], leaf=leaf[:-1] + bytes([leaf[-1] ^ 3])), *part.tags[1:])
    return with_part(files, replace(part, tags=tags))


def another_entry(files: Files) -> Files:
    part = part_of(files)
    rows = [replace(row, entry=row.entry + 1) if row.table == "choice" else row for row in part.rows]
    return with_part(files, replace(part, rows=tuple(rows)))


def another_link(files: Files) -> Files:
    part = part_of(files)
    return with_part(files, replace(part, links=(*part.links[:-1], bytes(32))))


def told_otherwise(files: Files) -> Files:
    facts = json.loads(files["facts.json"])
    facts["choices"][-1]["answer"] = "consent"
    facts["choices"][0]["answer"] = "withdraw"
    return {**files, "facts.json": dumps(facts)}


def another_text(files: Files) -> Files:
    name = f"versions/{SLUG}/v2/policy.md"
    return {**files, name: files[name].replace(b"newsletter", b"postcards!")}


def another_name(files: Files) -> Files:
    """The first version's tag object, good signature and all, as that of the second."""
    folder = f"versions/{SLUG}"
    said = json.loads(files["signatures.json"])
    said["versions"][-1]["tag"] = said["versions"][0]["tag"]
    return {**files, f"{folder}/v2/tag": files[f"{folder}/v1/tag"], "signatures.json": dumps(said)}


def another_decider(files: Files) -> Files:
    said = json.loads(files["signatures.json"])
    said["versions"][-1]["decided_by"] = "somebody@example.com"
    return {**files, "signatures.json": dumps(said)}


def another_notice(files: Files) -> Files:
    name = next(name for name in files if name.endswith("/notice.json"))
    return {**files, name: files[name].replace(b"newsletter", b"postcards!")}


FORGERIES: Mapping[str, tuple[Callable[[Files], Files], FlawKind, str]] = {
    "an answer": (another_answer, FlawKind.ALTERED, "choice"),
    "a tag": (another_tag, FlawKind.ALTERED, "batch"),
    "the entry of rows": (another_entry, FlawKind.REORDERED, "choice"),
    "a link": (another_link, FlawKind.ALTERED, "chain"),
    "facts beside the rows": (told_otherwise, FlawKind.ALTERED, ""),
    "a text": (another_text, FlawKind.ALTERED, ""),
    "a tag object's name": (another_name, FlawKind.OTHER_NAME, ""),
    "who decided": (another_decider, FlawKind.ALTERED, ""),
    "a posting": (another_posting, FlawKind.ALTERED, "posting"),
    "a mail": (another_mail, FlawKind.ALTERED, ""),
    "a notice": (another_notice, FlawKind.ALTERED, ""),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_what_was_forged_with_a_manifest_that_fits_is_named(forgery: str, ada: bytes, tmp_path: Path) -> None:
    forge, kind, table = FORGERIES[forgery]
    bundle = sealed(forge(files_of(ada)))
    found = checked(tmp_path, bundle, allow_unsigned=True)
    first = next(flaw for flaw in found.flaws if flaw.broken)
    assert (first.table, exit_code_of(tuple(found.flaws))) == (table, 5)
    assert first.kind is kind or forgery == "the entry of rows"
    assert second(tmp_path, bundle)[0] == 5


def test_a_stranger_or_nobody_as_signer_is_told(ada: bytes, tmp_path: Path, ssh_keys: SshKeys) -> None:
    kinds = {flaw.kind for flaw in checked(tmp_path, ada).flaws if flaw.counts}
    assert kinds == {FlawKind.NO_LIST}
    ssh_keys.allow("stranger")
    found = checked(tmp_path, ada, ssh_keys.signers)
    assert {flaw.kind for flaw in found.flaws if flaw.counts} == {FlawKind.STRANGER}
    assert exit_code_of(tuple(found.flaws)) == 5
    name = f"versions/{SLUG}/v1/tag"
    files = files_of(ada)
    files[name] = files[name].replace(b"\nTitle: ", b"\nTItle: ")
    assert exit_code_of(tuple(checked(tmp_path, sealed(files)).flaws)) == 5


def test_a_head_that_was_kept_is_held_against_it(ada: bytes, tmp_path: Path, ssh_keys: SshKeys) -> None:
    head = checked(tmp_path, ada).head
    assert second(tmp_path, ada)[0] == 0
    for anchor, kind in (
        (head, None),
        (replace(head, root=bytes(32)), FlawKind.ALTERED),
        (replace(head, entry=head.entry + 1), FlawKind.ROLLED_BACK),
    ):
        found = checked(tmp_path, ada, ssh_keys.signers, anchors=[anchor])
        assert [flaw.kind for flaw in found.flaws if flaw.counts] == ([kind] if kind else [])


def raw_zip(*entries: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as bundle:
        for name, data in entries:
            bundle.writestr(name, data)
    return target.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "what",
    [
        "bomb",
        "outside",
        "absolute",
        "twice",
        "extra",
        "missing",
        "before",
        "behind",
        "empty",
        "cut",
        "folder",
        "deep",
    ],
)
def test_a_hostile_zip_is_refused_and_nothing_is_unpacked(what: str, ada: bytes, tmp_path: Path) -> None:
    files = files_of(ada)
    plain = list(files.items())
    hostile = {
        "bomb": lambda: raw_zip(*plain, ("zeros.bin", bytes(50_000_000)), how=zipfile.ZIP_DEFLATED),
        "outside": lambda: raw_zip(*plain, ("../outside", b"x")),
        "absolute": lambda: raw_zip(*plain, ("/root/outside", b"x")),
        "twice": lambda: raw_zip(*plain, ("facts.json", b"{}")),
        "extra": lambda: write_bundle({**files, "notes.txt": b"x"}),
        "missing": lambda: write_bundle({name: data for name, data in plain if name != "facts.json"}),
        "before": lambda: b"#!/bin/sh\n" + ada,
        "behind": lambda: ada + b"x",
        "empty": lambda: b"",
        "cut": lambda: ada[: len(ada) // 2],
        "folder": lambda: raw_zip(*plain, ("folder/", b"")),
        "deep": lambda: write_bundle({**files, MANIFEST: b"[" * 100_000}),
    }[what]()
    found = checked(tmp_path, hostile)
    assert exit_code_of(tuple(found.flaws)) == 5
    assert second(tmp_path, hostile)[0] == 5
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["bundle.zip"]


# --- what cannot be proven


def test_what_entered_with_very_many_others_is_not_called_proven(
    scene: Path, tmp_path: Path, ssh_keys: SshKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "MOST", 3)
    bundle = made(scene, ADA)
    found = checked(tmp_path, bundle, ssh_keys.signers)
    assert FlawKind.NOT_PROVEN in {flaw.kind for flaw in found.flaws}
    assert found.proven < found.rows
    assert exit_code_of(tuple(found.flaws)) == 0
    assert b"cannot be proven alone" in files_of(bundle)["index.html"]
    assert ", 0 of them not proven" not in second(tmp_path, bundle)[1]


def test_the_columns_of_lines_are_those_of_the_tables() -> None:
    assert {name: tuple(told(METADATA.tables[name])) for name in COLUMNS} == dict(COLUMNS)


def test_the_second_verifier_is_short_and_needs_nothing() -> None:
    text = SECOND.read_text("utf-8")
    assert len(text.splitlines()) < 200
    names = {
        word.strip()
        for line in text.splitlines()
        if line.startswith("import ")
        for word in line[7:].split(",")
    }
    assert names <= set(sys.stdlib_module_names)
