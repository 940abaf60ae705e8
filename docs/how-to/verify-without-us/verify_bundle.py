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

NAMES = {  # what the values of a row are, by its table
    "policy": "policy_no slug", "category": "category_no policy_no id", "batch_seal": "batch_no root",
    "version": "published_at effective_at number version_no policy_no title class commit text_sha256",
    "practice": "practice_no position line version_no keep id clause categories purpose recipients retention choice",
    "change": "practice_no position days change mode", "sent": "sent_no notice first last sha256",
    "notice": "notice position version_no kind audience audience_categories asks body",
    "admission": "subject_no at version_no", "acknowledgement": "subject_no at version_no",
    "choice": "subject_no at sequence practice_no answer", "objection": "subject_no at version_no stands",
    "delivery_event": "at attempt by_address nid event status", ("delivery_event", 4): "at nid event",
    "batch": "batch_no tag_count epoch_no digest provenance root", "cut": "first last gone what rule",
    "posting": "posting_no recorded_at version_no posting place kind target sha256 body",
    "posting_event": "posting_no attempt at not_before outcome detail", "tag_end": "subject_no ref at kind",
}
FACTS = {  # facts: the table they are read from, and their keys, with the value where it has another name
    "choices": "choice change=practice_no answer at sequence scope", "changes": "change change mode days",
    "acceptances": "admission version=version_no at how", "acknowledgements": "acknowledgement version=version_no at",
    "objections": "objection version=version_no at stands", "deliveries": "delivery_event nid event status at",
    "notices": "notice notice version=version_no kind asks language", "sent": "sent notice first last sha256",
    "versions": "version version=version_no title class published_at effective_at commit text_sha256",
    "practices": "practice version=version_no id clause categories purpose recipients retention choice",
    "postings": "posting posting version=version_no place kind target sha256 recorded_at",
    "posting_events": "posting_event posting=posting_no outcome at detail", "cuts": "cut what first last gone rule",
}
DERIVED = {
    "scope": lambda row: "subject" if row["subject_no"] % (1 << 40) else "customer",
    "how": lambda row: "accepted" if row["version_no"] else "known since",
    "language": lambda row: json.loads(row["body"]).get("language", ""),
}

def need(good, words):
    if not good:
        raise AssertionError(words)

def sha(data): return hashlib.sha256(data).digest()
def dumps(value): return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
def when(us): return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)).isoformat() + "+00:00"

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
        good = each == {"path": path, "sha256": sha(files[path]).hex(), "size": len(files[path])}
        need(good, path + ": it is not the file that the manifest names")
    return manifest

def root_by(leaf, path):
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
    good = not re.search(rb'"(?=[^"]*[A-F])[0-9A-Fa-f]{40,}"', files["ledger.json"])
    need(good and dumps(ledger) == files["ledger.json"], "ledger.json: it is not as it was written")
    links, root = files["links.bin"], bytes.fromhex(ledger["before"])
    digests, roots, unproven = {}, {ledger["first"] - 1: root}, 0
    for place in range(ledger["links"]):
        seq, digest = ledger["first"] + place, links[32 * place : 32 * place + 32]
        digests[seq], roots[seq] = digest, sha(roots[seq - 1] + digest)
    head = max(roots)
    need(len(links) == 32 * ledger["links"] and {"entry": head, "root": roots[head].hex()} == manifest["ledger"],
         "links.bin: no way to the head")
    entry, _, wanted = kept.partition(":")
    need(not kept or roots.get(int(entry), b"").hex() == wanted, "the head that you kept is not this ledger's")
    for place, row in enumerate(ledger["rows"]):
        unproven += row["why"] is not None and row["path"] is None
        if row["path"] is not None:
            own = ledger["entries"][str(row["entry"])]
            tree = root_by(row["line"].encode() + b"\n", row["path"])
            good = sha(b"\2" + own.encode() + b"\n" + tree) == digests.get(row["entry"])
            need(good and json.loads(own)[1] == row["entry"], "row %d: not part of its entry" % place)
    rows = [json.loads(row["line"]) for row in ledger["rows"]]
    rows = [(r[0], dict(zip(NAMES.get((r[0], len(r)), NAMES.get(r[0], "")).split(), r[1:]))) for r in rows]
    for place, tag in enumerate(ledger["tags"]):
        table, batch = rows[tag["row"]]
        need(table in ("batch", "batch_seal") and batch["batch_no"] == tag["batch"], "tag %d: no batch" % place)
        bare = tag["path"] is None or ledger["rows"][tag["row"]]["path"] is None
        good = bare or root_by(bytes.fromhex(tag["leaf"]), tag["path"]).hex() == batch["root"]
        need(good, "tag %d: not part of its batch" % place)
        unproven += bare
    return ledger, rows, roots, unproven

def check_facts(files, ledger, rows):
    def of(table):
        return [(place, row) for place, (name, row) in enumerate(rows) if name == table]
    slugs = {row["policy_no"]: row["slug"] for _, row in of("policy")}
    versions = {r["version_no"]: "%s@v%d" % (slugs[r["policy_no"]], r["number"]) for _, r in of("version")}
    asked = {r["practice_no"]: versions.get(r["version_no"], "?") + "#" + r["id"] for _, r in of("practice")}
    kinds = {row["category_no"]: (slugs.get(row["policy_no"]), row["id"]) for _, row in of("category")}
    stand_for = {"version_no": versions, "practice_no": asked, "answer": {1: "consent", 2: "refuse", 3: "withdraw"},
                 "posting_no": {row["posting_no"]: row["posting"] for _, row in of("posting")}}
    def value(row, key, column):
        found = DERIVED[key](row) if key in DERIVED else row.get(column, "")
        found = stand_for[column].get(found) if column in stand_for else found
        found = json.loads(found) if key in ("asks", "categories", "recipients") else found
        return when(found) if key == "at" or key.endswith("_at") else bool(found) if key == "stands" else found
    def data(kind, ref):
        record = ledger["records"].get(str(ref), str(ref)) if ref < 0 else str(ref)
        return dict(zip(("policy", "category"), kinds.get(kind, (None, None))), record=record)
    said = {"tags": [], "ends": [{**data(r["kind"], r["ref"]), "at": when(r["at"]), "row": n} for n, r in of("tag_end")]}
    for place, tag in enumerate(ledger["tags"]):
        _, kind, ref, at, no = struct.unpack(">qhqqh", bytes.fromhex(tag["leaf"]))
        said["tags"].append(dict(data(kind, ref), collected_at=when(at * 1000000), version=versions.get(no), tag=place))
    for name, (table, *keys) in ((name, spec.split()) for name, spec in FACTS.items()):
        pairs = [(key.partition("=")[0], key.rpartition("=")[2]) for key in keys]
        said[name] = [{"row": n, **{key: value(row, key, column) for key, column in pairs}} for n, row in of(table)]
    need(dumps(said) == files["facts.json"], "facts.json: it is not what the rows say")
    good = all(not row["body"] or sha(row["body"].encode()).hex() == row["sha256"] for _, row in of("posting"))
    need(good, "postings: one has another hash than what was sent")
    bodies = {"notices/%d/notice.json" % row["notice"]: row["body"].encode() for _, row in of("notice")}
    there = {path: files[path] for path in files if path.endswith("/notice.json")}
    forms = {sha(data).hex() for path, data in files.items() if path.endswith("/form.json")}
    need(there == bodies and forms <= {r["sha256"] for _, r in of("sent")}, "notices: not those on record")
    return {fact["version"]: fact for fact in said["versions"]}

def check_texts(files, recorded, roots):
    said = {each["version"]: each for each in json.loads(files["signatures.json"])["versions"]}
    for path in sorted(path for path in files if path.endswith("/tag")):
        _, slug, number, _ = path.split("/")
        version, tag = "%s@%s" % (slug, number), files[path]
        oid = hashlib.sha1(b"tag %d\0" % len(tag) + tag).hexdigest()
        head, _, message = tag.decode("utf-8", "replace").partition("\n\n")
        need("\ntag policy/%s/%s\n" % (slug, number) in head + "\n", path + ": named after another version")
        message = message.partition("-----BEGIN ")[0]
        trailers = dict(re.findall(r"^([A-Z][A-Za-z0-9-]*): (.*)$", message.rstrip().rpartition("\n\n")[2], re.M))
        good = said[version]["tag"] == oid and (said[version]["decided_by"] or "none") == trailers["Decided-By"]
        need(good, path + ": it is another one, or decided by somebody else")
        for name, key in (("policy.md", "Text-SHA256"), ("practices.yaml", "Practices-SHA256")):
            data = files.get(path[: -len("tag")] + name)
            found = "none" if data is None else hashlib.sha256(data).hexdigest()
            need(found == trailers[key], path + ": %s is another text" % name)
        fact = recorded.get(version, {"text_sha256": trailers["Text-SHA256"], "commit": head[7:47]})
        same = (fact["text_sha256"], fact["commit"]) == (trailers["Text-SHA256"], head[7:47])
        need(same, path + ": the ledger recorded another commit or text")
        heads = re.findall(r"(\d+):([0-9a-f]{64})", trailers.get("Ledger-Head", ""))  # one of each server
        good = any(int(entry) < min(roots) or roots.get(int(entry), b"").hex() == root for entry, root in heads)
        need(good or not heads, path + ": its head is not this ledger's")
        print("%s: %s" % (version, "has a signature" if b"\n-----BEGIN " in tag else "is not signed"))

def main(path, kept=""):
    try:
        files = unzip(open(path, "rb").read())
        manifest = check_manifest(files)
        ledger, rows, roots, unproven = check_ledger(files, manifest, kept)
        check_texts(files, check_facts(files, ledger, rows), roots)
    except Exception as error:  # whatever cannot be read is not what was written
        ours = isinstance(error, AssertionError)
        print("BROKEN: %s" % (error if ours else "it cannot be read (%s)" % type(error).__name__))
        return 5
    print("holds: %d rows and tags, %d of them not proven" % (len(rows) + len(ledger["tags"]), unproven))
    return 0

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
