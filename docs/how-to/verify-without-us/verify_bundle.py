# SPDX-License-Identifier: Apache-2.0
"""Checks a bundle of evidence with Python 3.9 or newer and nothing else. It shares no line with policyctl.

    python3 -I -S verify_bundle.py evidence.zip [ENTRY:ROOT of a ledger head that you kept]

1. The zip is the one that was written, to the byte, and holds what the manifest names and nothing else.
2. The links lead to the head of the ledger that the manifest names, and past the head that you kept.
3. Each row and each tag of data is part of that ledger, by its path (RFC 9162, 2.1.3.2).
4. The facts and the notices are what the rows say.
5. Each text is the one its tag object names, which is named after its version and recorded so; its head is ours.

Signatures: cut a tag object before "-----BEGIN SSH SIGNATURE-----" and hold the two parts against each other with
`ssh-keygen -Y verify -n git`. It ends with 0 where all holds, else with 5 and the first thing that is wrong.
"""
import datetime, hashlib, io, json, re, struct, sys, zipfile

NAMES = {
    "policy": "policy_no slug",
    "version": "published_at effective_at number version_no policy_no title change_class commit_id text_sha256",
    "practice": "practice_no position line version_no keep_existing id",
    "notice": "notice_no position version_no kind audience_kind audience_categories changes body",
    "category": "category_no policy_no id",
    "admission": "subject_no admitted_at version_no",
    "choice": "subject_no given_at seq practice_no answer",
    "batch": "batch_no tag_count epoch_no digest provenance root",
    "batch_seal": "batch_no root",
}
WORDS = {1: "consent", 2: "refuse", 3: "withdraw"}


class Bad(Exception):
    pass


def need(good, words):
    if not good:
        raise Bad(words)


def sha(data):
    return hashlib.sha256(data).digest()


def when(us):
    return str((datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)).isoformat()) + "+00:00"


def unzip(data):
    """The files. Written again in the one way there is, they have to give the same bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as bundle:
        entries = bundle.infolist()
        plain = re.compile(r"[a-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*){0,5}").fullmatch
        good = all(plain(each.filename) and each.compress_type == 0 for each in entries)
        need(good and sum(each.file_size for each in entries) <= len(data), "zip: none of ours")
        files = {entry.filename: bundle.read(entry) for entry in entries}
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as bundle:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            bundle.writestr(entry, files[name])
    need(again.getvalue() == data, "zip: it is not as it was written")
    return files


def check_manifest(files):
    manifest = json.loads(files["manifest.json"])
    need(manifest["schema"] == "policyctl.evidence/1", "manifest.json: of another format")
    named = {each["path"]: each for each in manifest["files"]}
    need(set(named) | {"manifest.json"} == set(files), "manifest.json: it names other files than are there")
    for path, each in named.items():
        found = {"path": path, "sha256": sha(files[path]).hex(), "size": len(files[path])}
        need(found == each, path + ": it is not the file that the manifest names")
    return manifest


def root_by(leaf, path):
    """RFC 9162, 2.1.3.2."""
    index, last, found = path["index"], path["size"] - 1, sha(b"\0" + leaf)
    need(0 <= index <= last, "a path begins outside of its tree")
    for neighbour in map(bytes.fromhex, path["hashes"]):
        need(last > 0, "a path is too long")
        if index % 2 or index == last:
            found = sha(b"\1" + neighbour + found)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = sha(b"\1" + found + neighbour)
        index, last = index >> 1, last >> 1
    need(last == 0, "a path is too short")
    return found


def check_ledger(files, manifest, kept):
    ledger = json.loads(files["ledger.json"])
    links, root = files["links.bin"], bytes.fromhex(ledger["before"])
    digests, roots, unproven = {}, {ledger["first"] - 1: root}, 0
    for place in range(ledger["links"]):
        seq, digest = ledger["first"] + place, links[32 * place : 32 * place + 32]
        digests[seq], roots[seq] = digest, sha(roots[seq - 1] + digest)
    head = max(roots)
    need(len(links) == 32 * ledger["links"] and {"entry": head, "root": roots[head].hex()} == manifest["ledger"],
         "links.bin: no way to the head")
    if kept:
        entry, _, wanted = kept.partition(":")
        need(roots.get(int(entry), b"").hex() == wanted, "the head that you kept is not this ledger's")
    for place, row in enumerate(ledger["rows"]):
        unproven += row["path"] is None
        if row["path"] is not None:
            own = ledger["entries"][str(row["entry"])]
            tree = root_by(row["line"].encode() + b"\n", row["path"])
            good = sha(b"\2" + own.encode() + b"\n" + tree) == digests.get(row["entry"])
            need(good and json.loads(own)[1] == row["entry"], "row %d: not part of its entry" % place)
    rows = [json.loads(row["line"]) for row in ledger["rows"]]
    rows = [(row[0], dict(zip(NAMES.get(row[0], "").split(), row[1:])), row) for row in rows]
    for place, tag in enumerate(ledger["tags"]):
        table, batch, _ = rows[tag["row"]]
        need(table in ("batch", "batch_seal") and batch["batch_no"] == tag["batch"], "tag %d: no batch" % place)
        bare = tag["path"] is None or ledger["rows"][tag["row"]]["path"] is None
        good = bare or root_by(bytes.fromhex(tag["leaf"]), tag["path"]).hex() == batch["root"]
        need(good, "tag %d: not part of its batch" % place)
        unproven += bare
    return ledger, rows, roots, unproven


def check_facts(files, ledger, rows):
    facts = json.loads(files["facts.json"])

    def of(table):
        return [(place, row, raw) for place, (name, row, raw) in enumerate(rows) if name == table]
    slugs = {row["policy_no"]: row["slug"] for _, row, _ in of("policy")}
    versions = {r["version_no"]: "%s@v%d" % (slugs[r["policy_no"]], r["number"]) for _, r, _ in of("version")}
    asked = {r["practice_no"]: versions.get(r["version_no"], "?") + "#" + r["id"] for _, r, _ in of("practice")}
    kinds = {row["category_no"]: row["id"] for _, row, _ in of("category")}
    said = {
        "choices": [
            (asked.get(r["practice_no"]), WORDS[r["answer"]], when(r["given_at"]), p) for p, r, _ in of("choice")],
        "acceptances": [(versions.get(r["version_no"]), when(r["admitted_at"]), p) for p, r, _ in of("admission")],
        "deliveries": [(raw[-2] if len(raw) > 4 else raw[3], when(raw[1]), p) for p, _, raw in of("delivery_event")],
        "versions": [
            (versions[r["version_no"]], r["change_class"], when(r["effective_at"]), r["commit_id"],
             r["text_sha256"], p) for p, r, _ in of("version")],
        "tags": [
            (kinds.get(leaf[1]), when(leaf[3] * 1000000), versions.get(leaf[4]), place)
            for place, leaf in enumerate(struct.unpack(">qhqqh", bytes.fromhex(t["leaf"])) for t in ledger["tags"])],
    }
    keys = {
        "choices": "change answer at row", "acceptances": "version at row", "deliveries": "event at row",
        "versions": "version class effective_at commit text_sha256 row", "tags": "category collected_at version tag",
    }
    for name, wanted in said.items():
        found = [tuple(fact[key] for key in keys[name].split()) for fact in facts[name]]
        need(found == wanted, "facts.json: %s are not what the rows say" % name)
    bodies = {"notices/%d/notice.json" % row["notice_no"]: row["body"].encode() for _, row, _ in of("notice")}
    there = {path: files[path] for path in files if path.endswith("/notice.json")}
    forms = {sha(data).hex() for path, data in files.items() if path.endswith("/form.json")}
    need(there == bodies and forms <= {raw[5] for _, _, raw in of("sent")}, "notices: not those that the ledger holds")
    return {fact["version"]: fact for fact in facts["versions"]}


def check_texts(files, recorded, roots):
    oids = {each["version"]: each["tag"] for each in json.loads(files["signatures.json"])["versions"]}
    for path in sorted(path for path in files if path.endswith("/tag")):
        _, slug, number, _ = path.split("/")
        version, tag = "%s@%s" % (slug, number), files[path]
        oid = hashlib.sha1(b"tag %d\0" % len(tag) + tag).hexdigest()
        need(oid == oids.get(version), path + ": another tag object")
        head, _, message = tag.decode("utf-8", "replace").partition("\n\n")
        need("\ntag policy/%s/%s\n" % (slug, number) in head + "\n", path + ": named after another version")
        message = message.partition("-----BEGIN ")[0]
        trailers = dict(re.findall(r"^([A-Z][A-Za-z0-9-]*): (.*)$", message.rstrip().rpartition("\n\n")[2], re.M))
        for name, key in (("policy.md", "Text-SHA256"), ("practices.yaml", "Practices-SHA256")):
            data = files.get(path[: -len("tag")] + name)
            found = "none" if data is None else hashlib.sha256(data).hexdigest()
            need(found == trailers[key], path + ": %s is another text" % name)
        fact = recorded.get(version, {"text_sha256": trailers["Text-SHA256"], "commit": head[7:47]})
        same = (fact["text_sha256"], fact["commit"]) == (trailers["Text-SHA256"], head[7:47])
        need(same, path + ": the ledger recorded another commit or text")
        entry, _, root = trailers.get("Ledger-Head", "none").partition(":")
        if entry.isdigit() and "," not in root and int(entry) >= min(roots):  # several servers have several heads
            need(roots.get(int(entry), b"").hex() == root, path + ": its head is not this ledger's")
        print("%s: %s" % (version, "has a signature" if b"\n-----BEGIN " in tag else "is not signed"))


def main(path, kept=""):
    try:
        files = unzip(open(path, "rb").read())
        manifest = check_manifest(files)
        ledger, rows, roots, unproven = check_ledger(files, manifest, kept)
        check_texts(files, check_facts(files, ledger, rows), roots)
    except Exception as error:  # whatever cannot be read is not what was written
        print("BROKEN: %s" % (error if isinstance(error, Bad) else "it cannot be read (%s)" % type(error).__name__))
        return 5
    print("holds: %d rows and tags, %d of them not proven" % (len(rows) + len(ledger["tags"]), unproven))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
