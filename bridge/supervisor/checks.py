"""What is checked before anything starts, and said in one sentence when it is wrong."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from bridge.config import Config, ConfigError, bracketed
from bridge.db.session import Database
from bridge.db.tables import Connection


def lock_folder(folder: Path) -> Any:
    """Keep a second ``storebridge run`` out of the data folder; the lock ends with this process."""
    file = (folder / "run.lock").open("a+", encoding="utf-8")
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip() or "unknown"
        file.close()
        raise ConfigError(
            f"Storebridge runs in {folder} already (process {pid}): stop it first, or name another folder with "
            "STOREBRIDGE_DATA_DIR."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def listen(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket, held by the parent: connections wait in it while a child is started again."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        server = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigError(_no_address(host, error)) from None
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind(address)
        server.listen(1024)
    except OSError as error:
        server.close()
        raise ConfigError(_why_not(error, host, port, setting)) from None
    server.set_inheritable(True)
    return server


def _no_address(host: str, error: OSError) -> str:
    return (
        f"{host} is no address of this machine ({error.strerror}): give 127.0.0.1 or another one in STOREBRIDGE_HOST."
    )


def _why_not(error: OSError, host: str, port: int, setting: str) -> str:
    place = f"{bracketed(host)}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is taken by another program: stop it, or choose another port with {setting}."
    if error.errno == errno.EACCES:
        return f"{place} is not allowed for this user: choose a port from 1024 on with {setting}."
    if error.errno == errno.EADDRNOTAVAIL:
        return _no_address(host, error)
    return f"{place} cannot be listened on ({error.strerror}): choose another address or port with {setting}."


def in_child(act: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Run ``act`` in a forked process, beside what we go on with; the returned function waits for its answer.

    The database is looked at there, so that this process has no connection when it forks the others. Raises
    ConfigError where ``act`` did.
    """
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if not pid:
        os.close(reader)
        _answer(act, writer)
    os.close(writer)

    def wait() -> dict[str, Any]:
        with os.fdopen(reader, encoding="utf-8") as file:
            text = file.read()
        os.waitpid(pid, 0)
        answer: dict[str, Any] = json.loads(text or "{}")
        if "error" in answer or not text:
            raise ConfigError(answer.get("error", "The database could not be prepared; the lines above say why."))
        return answer

    return wait


def _answer(act: Callable[[], dict[str, Any]], writer: int) -> None:
    """The rest of the forked process."""
    try:
        try:
            answer = act()
        except ConfigError as error:
            answer = {"error": error.message}
        with os.fdopen(writer, "w", encoding="utf-8") as file:
            json.dump(answer, file)
    finally:
        sys.stderr.flush()
        os._exit(0)


def prepare_database(config: Config) -> dict[str, Any]:
    """Migrate, and tell whether a real store or a sandbox is connected. Raises ConfigError."""
    from bridge.db import migrations  # noqa: PLC0415 - Alembic is needed here only

    try:
        with closing(Database(config.effective_database_url, pool_size=1)) as db:
            before = migrations.upgrade(db)
            with db.read(None) as session:
                rows = session.execute(select(Connection.role, Connection.sandbox)).all()
    except migrations.NewerDatabase as error:
        raise ConfigError(f"{error}: install the newer version of Storebridge again.") from None
    except SQLAlchemyError as error:
        raise ConfigError(unusable(config, error)) from None
    real = any(role == "platform" and not sandbox for role, sandbox in rows)
    return {"before": before, "real": real, "sandbox": any(sandbox for _, sandbox in rows)}


def unusable(config: Config, error: SQLAlchemyError) -> str:
    """Why the database cannot be used, without its password."""
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0].removeprefix("connection failed: ")
    if config.database_url:
        return f"DATABASE_URL names a database that cannot be used: {reason[:300]}."
    return f"The database in {config.data_dir} cannot be used: {reason[:300]}."


def is_migrated(config: Config) -> dict[str, Any]:
    """For workers beside others: they never migrate. Raises ConfigError."""
    from bridge.db import migrations  # noqa: PLC0415 - Alembic is needed here only

    try:
        with closing(Database(config.effective_database_url, pool_size=1)) as db:
            current = migrations.is_current(db)
    except SQLAlchemyError as error:
        raise ConfigError(unusable(config, error)) from None
    if not current:
        raise ConfigError("The database is not at this version's tables: run `storebridge migrate` first.")
    return {"current": current}
