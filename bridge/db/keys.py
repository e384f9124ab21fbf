"""Where the key ring comes from, and changing keys while everything runs.

Keys are in STOREBRIDGE_KEYS, or in the file ``keys`` of the data folder, one a line, newest first. Processes look
at the file again when it changed: a new key needs no restart.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from sqlalchemy import Column, Table, Text, select, type_coerce, update
from sqlalchemy.orm import Session

from bridge.db.crypto import KeyRing, Secret
from bridge.db.session import Database
from bridge.db.tables import Base

FILE = "keys"
LOOK_AGAIN = 1.0
BATCH = 200


def key_file(data_dir: Path) -> Path:
    return data_dir / FILE


def read_keys(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]


def ensure_keys(path: Path) -> list[str]:
    """The keys of the file, which is made with one new key where there is none; only its owner may read it. It appears
    with its content in one step, and the first of several who make it wins: nobody ever reads an empty ring."""
    if not path.exists():
        draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        _write(draft, [Fernet.generate_key().decode()])
        try:
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    return read_keys(path)


def _write(path: Path, keys: Sequence[str]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.writelines(f"{key}\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())


def write_keys(path: Path, keys: Sequence[str]) -> None:
    """Replace the file in one step."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    _write(draft, keys)
    draft.replace(path)


class FileKeyRing(KeyRing):
    """The ring of a key file, read again at most once a second when the file changed."""

    def __init__(self, path: Path) -> None:
        super().__init__(ensure_keys(path))
        self._path = path
        self._mark = _mark(path)
        self._look_at = time.monotonic() + LOOK_AGAIN

    def seal(self, content: Any) -> str:
        if time.monotonic() >= self._look_at:
            self._refresh()
        return super().seal(content)

    def _decrypt(self, sealed: str) -> bytes:
        try:
            return super()._decrypt(sealed)
        except ValueError:
            self._refresh()
            return super()._decrypt(sealed)

    def _refresh(self) -> None:
        self._look_at = time.monotonic() + LOOK_AGAIN
        mark = _mark(self._path)
        if mark not in (self._mark, None):
            super().__init__(read_keys(self._path))
            self._mark = mark


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def secret_columns() -> Iterator[tuple[Table, Column[Any]]]:
    """Every encrypted column of the database."""
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, Secret):
                yield table, column


def rotate(db: Database, ring: KeyRing) -> int:
    """Re-encrypt everything under the newest key; returns how many values. May be repeated and interrupted."""
    return sum(_rotate_column(db, ring, table, column) for table, column in secret_columns())


def sealed(db: Database, table: Table, column: Column[Any]) -> Iterator[list[tuple[Any, str]]]:
    """An encrypted column as it is stored, in portions: the key of the row (a number or a text) and the value."""
    key = next(iter(table.primary_key.columns))
    query = select(key, type_coerce(column, Text)).where(column.is_not(None)).order_by(key).limit(BATCH)
    after = query
    while True:
        with db.read(None) as session:
            rows = [(row[0], row[1]) for row in session.execute(after)]
        if not rows:
            return
        yield rows
        after = query.where(key > rows[-1][0])


def _rotate_column(db: Database, ring: KeyRing, table: Table, column: Column[Any]) -> int:
    key = next(iter(table.primary_key.columns))
    count = 0
    for rows in sealed(db, table, column):
        changed = [(identity, old, ring.rotate(old)) for identity, old in rows]

        def act(session: Session, changed: list[tuple[Any, str, str]] = changed) -> None:
            for identity, old, new in changed:
                same = update(table).where(key == identity, type_coerce(column, Text) == old)
                session.execute(same.values({column: type_coerce(new, Text)}))

        db.transact(None, act)
        count += len(rows)
    return count
