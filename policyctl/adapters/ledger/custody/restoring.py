# SPDX-License-Identifier: Apache-2.0
"""A backup becomes a ledger again: verified before and after, whole or not at all, and sending nothing.

1. The file is the one of the manifest, and the key of pseudonyms is the ledger's.
2. On SQLite a copy beside the target is checked, brought up to date, rid of who is on the list of erasures,
   checked again, and renamed over the target. Killed at any step, the old file or the new one is there.
3. On PostgreSQL the same is done in a schema beside (beside.py), which takes the place of what is there in
   one transaction.
4. It has no place any more (instance.py): whoever wants it to send adopts it.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from policyctl.adapters.ledger.base.driver import driver_of
from policyctl.adapters.ledger.base.engine import open_engine, reading, upgrade, writing
from policyctl.adapters.ledger.base.instance import disown
from policyctl.adapters.ledger.base.plain import is_missing_table, plain_errors
from policyctl.adapters.ledger.checking import look_through
from policyctl.adapters.ledger.custody.beside import RESTORE, folder_beside, put_in_place, schema_beside
from policyctl.adapters.ledger.custody.copies import MANIFEST, count_rows, digest_of, flush, key_check
from policyctl.adapters.ledger.custody.dumps import load
from policyctl.adapters.ledger.custody.erasures import ErasureList
from policyctl.adapters.ledger.custody.keeper import Custody
from policyctl.adapters.ledger.looking.runs import forget_open
from policyctl.core.backup import Manifest, Restored, read_manifest
from policyctl.core.proof.heads import Anchor
from policyctl.errors import CannotCompareError, IntegrityError, RefusedError, UsageError
from policyctl.faults import fault_point

_ENTRIES = "SELECT count(*) FROM entry"


@dataclass(frozen=True, slots=True)
class Restoring:
    """One backup on its way back: its folder, the keeper's key and list of erasures, the time."""

    folder: Path
    key: bytes
    erasures: ErasureList
    now: datetime
    force: bool = False

    def to(self, url: str) -> Restored:
        """Make the ledger at ``url`` the one that was backed up."""
        manifest = self.manifest()
        engine = open_engine(url)
        try:
            if engine.dialect.name != manifest.database:
                raise UsageError(
                    f"the backup is of {manifest.database}, the target is {engine.dialect.name}",
                    hint="name a target of the same kind with --to",
                )
            if engine.dialect.name == "sqlite":
                return self._to_file(manifest, Path(str(engine.url.database)))
            return self._to_database(manifest, engine)
        finally:
            engine.dispose()

    def manifest(self) -> Manifest:
        """What the backup says of itself, once its file and the key are those that it says."""
        found = _read(self.folder / MANIFEST)
        if found.key_check != key_check(self.key):
            raise RefusedError(
                "the backup was made with another pseudonym key: nobody in it would be found again",
                hint="put the key of that ledger into POLICYCTL_PSEUDONYM_KEY or .policyctl/pseudonym.key",
            )
        path = self.folder / found.file
        if not path.is_file():
            raise CannotCompareError(f"{path} is not there", hint="copy the whole folder of the backup")
        if digest_of(path) != found.sha256:
            raise IntegrityError(f"{path} is not the file that was backed up", hint="take another backup")
        return found

    # SQLite

    def _to_file(self, manifest: Manifest, target: Path) -> Restored:
        if target.is_dir():
            raise RefusedError(f"{target} is a folder", hint="name a file in it with --to")
        self._require_room(not _is_empty(target))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with folder_beside(target.parent, RESTORE) as beside:
                return self._swapped(manifest, beside / "ledger.db", target)
        except OSError as error:
            raise RefusedError(
                f"the ledger cannot be written: {error.strerror}",
                hint=f"look at {target.parent} and its room",
            ) from error

    def _swapped(self, manifest: Manifest, copy: Path, target: Path) -> Restored:
        shutil.copyfile(self.folder / manifest.file, copy)
        copy.chmod(0o600)
        engine = open_engine(f"sqlite:///{copy}")
        try:
            _require_counts(engine, manifest)
            erased, rows = self._brought_up(engine, manifest)
            with closing(engine.raw_connection()) as lent:
                lent.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            engine.dispose()
        flush(copy)
        fault_point("restore.verified")
        _let_go(target)
        copy.replace(target)
        flush(target.parent)
        fault_point("restore.swapped")
        return Restored(manifest, erased, rows)

    # PostgreSQL

    def _to_database(self, manifest: Manifest, engine: Engine) -> Restored:
        self._require_room(_entries(engine) is not None)
        with schema_beside(engine) as (schema, inside):
            load(self.folder / manifest.file, engine.url, schema)
            fault_point("restore.loaded")
            _require_counts(inside, manifest)
            erased, rows = self._brought_up(inside, manifest)
            inside.dispose()
            fault_point("restore.verified")
            self._require_room(_entries(engine) is not None)
            put_in_place(engine, schema)
        fault_point("restore.swapped")
        return Restored(manifest, erased, rows)

    # Both

    def _require_room(self, occupied: bool) -> None:  # noqa: FBT001 - one question
        if occupied and not self.force:
            raise RefusedError(
                "there is a ledger already where the backup is to go",
                hint="back it up, then add --force; or name another place with --to",
            )

    def _brought_up(self, engine: Engine, manifest: Manifest) -> tuple[int, int]:
        """Verified, up to date, without who was erased since, without a place, and without the runs that were
        at work when it was copied, the backup's own among them; how many were erased again, how many rows
        hold.
        """
        upgrade(engine)
        with writing(engine) as connection:
            disown(connection)
            forget_open(connection)
        _require_sound(engine, manifest)
        erased = Custody(engine, self.key, self.erasures).reapply(self.now)
        return erased, _require_sound(engine, manifest)


def _read(path: Path) -> Manifest:
    try:
        return read_manifest(path.read_text("utf-8"))
    except OSError as error:
        raise CannotCompareError(
            f"{path} cannot be read: {error.strerror}", hint="name the folder that `policyctl backup` wrote"
        ) from error
    except ValueError as error:
        raise CannotCompareError(f"{path} is no manifest of a backup", hint="take another backup") from error


def _is_empty(target: Path) -> bool:
    """Nothing there, or a ledger without a row; a file that is no ledger is something."""
    if not target.exists() or not target.stat().st_size:
        return True
    try:
        with closing(sqlite3.connect(f"{target.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            return not raw.execute(_ENTRIES).fetchone()[0]
    except sqlite3.Error:
        return False


def _let_go(target: Path) -> None:
    """Empty and remove the log of the file that is to be replaced: it must not be taken for the new one's.
    RefusedError while anybody has the file open.
    """
    if target.exists():
        try:
            with closing(sqlite3.connect(target, timeout=1)) as raw:
                raw.execute("PRAGMA journal_mode = DELETE").fetchone()
        except sqlite3.OperationalError as error:
            raise RefusedError(
                "the ledger is open in another program; nothing was changed",
                hint="stop the service and whatever else uses it, then run it again",
            ) from error
        except sqlite3.DatabaseError:
            pass  # it is damaged, which may be why it is replaced
    for ending in ("-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)


def _entries(engine: Engine) -> int | None:
    """How many entries there are; None where there is no ledger."""
    with plain_errors(engine), engine.connect() as connection:
        try:
            found = driver_of(connection).rows(_ENTRIES)
        except Exception as error:
            if is_missing_table(error):
                return None
            raise
        return int(found[0][0])


def _require_counts(engine: Engine, manifest: Manifest) -> None:
    with plain_errors(engine), engine.connect() as connection:
        found = dict(count_rows(connection))
    if found != dict(manifest.counts):
        names = [name for name, count in manifest.counts if found.get(name) != count]
        raise IntegrityError(
            f"the backup does not hold the rows that it says: {', '.join(names) or 'other tables'}",
            hint="take another backup",
        )


def _require_sound(engine: Engine, manifest: Manifest) -> int:
    with reading(engine) as connection:
        found = look_through(connection, [Anchor("the manifest of the backup", manifest.head)])
    if found.flaws:
        raise IntegrityError(
            f"the ledger of the backup does not verify: {found.flaws[0].message}", hint="take another backup"
        )
    return found.counts.rows
