"""Engines and sessions. A session belongs to one shop, and here is the one place where that is enforced:
every select, update and delete gets ``shop_id = :shop`` added, every new row gets its shop, and a row of
another shop is refused. A session without a shop (``shop_id=None``) is for the doorbell and the sweeper only.

Statements that are made once (module constants) and concern columns, not entities, go through :func:`core_execute`: it
gives them to the driver as they are (bridge/db/prepared.py), and what the ORM does beside the database is not paid.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Dialect, Engine, Executable, Integer, bindparam, create_engine, event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, OperationalError
from sqlalchemy.orm import LoaderCriteriaOption, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.pool import ConnectionPoolEntry

from bridge.db.prepared import Prepared, Rows, names_of, send
from bridge.db.tables import OfShop
from bridge.db.turn import Turn

S = TypeVar("S")
T = TypeVar("T")
P = ParamSpec("P")
ATTEMPTS = 6
RESTED = 1.0  # seconds


class WrongShop(RuntimeError):
    """A row of one shop was about to be written in another shop's session."""


@dataclass(frozen=True)
class Glance:
    """Statements that were made once, and what they run on: single ones, each by itself and as of its moment, or those
    of a transaction (:meth:`Database.take`)."""

    info: Mapping[str, Any]
    line: Connection


Asks = Session | Glance


class Database:
    """One engine. SQLite runs in WAL with full synchronous commits; writers queue in BEGIN IMMEDIATE. What :meth:`take`
    commits does not wait for the disk."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.is_sqlite = url.startswith("sqlite")
        self.engine = _engine(url, pool_size)
        self._writing = self.engine.execution_options(write=True)
        # Else each statement that stands for itself would have a BEGIN and a ROLLBACK of its own to wait for.
        self._glancing = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        file = self.engine.url.database if self.is_sqlite else None
        self._turn = Turn(Path(f"{file}-turn")) if file else None
        self._taking = self._writing
        if file:
            self._taking = _engine(url, pool_size, synchronous="NORMAL").execution_options(write=True)

    def turn(self, *, first: bool = False) -> AbstractContextManager[None]:
        """Held while writing; see :class:`bridge.db.turn.Turn`."""
        return self._turn.taken(first=first) if self._turn is not None else nullcontext()

    @contextmanager
    def read(self, shop_id: int | None) -> Iterator[Session]:
        """A session that is never committed. What was read stays usable afterwards (closing rolls back, and unlike
        ``rollback()`` it does not expire what was loaded)."""
        with _session(self.engine, shop_id) as session:
            yield session

    @contextmanager
    def glance(self, shop_id: int | None) -> Iterator[Glance]:
        """For statements that were made once (:func:`core_execute`) and need not agree with each other."""
        with _unasked(), self._glancing.connect() as connection:
            yield Glance({"shop_id": shop_id}, connection)

    @contextmanager
    def write(self, shop_id: int | None) -> Iterator[Session]:
        """A session that is committed at the end, or rolled back whole when anything raises."""
        with self.turn(), _session(self._writing, shop_id) as session, session.begin():
            yield session

    def take(
        self, shop_id: int | None, act: Callable[Concatenate[Glance, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As :meth:`transact`, for leases on work: they may be forgotten when the machine loses power, because then
        whoever held them is gone, too, or finds at its fence that they are. The next full commit makes them durable.
        ``act`` runs statements that were made once (:func:`core_execute`): there is no session."""
        return self._repeat(self._take, shop_id, act, *args, **kwargs)

    def transact(
        self, shop_id: int | None, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``act`` in a write session; run it again when the database asked for that (deadlock, dropped
        connection, serialization). ``act`` must do nothing but SQL."""
        return self._repeat(self.write, shop_id, act, *args, **kwargs)

    @contextmanager
    def _take(self, shop_id: int | None) -> Iterator[Glance]:
        with self.turn(), self._taking.begin() as connection:
            if not self.is_sqlite:
                send(connection, "SET LOCAL synchronous_commit TO off", ())
            yield Glance({"shop_id": shop_id}, connection)

    def _repeat(
        self,
        opened: Callable[[int | None], AbstractContextManager[S]],
        shop_id: int | None,
        act: Callable[Concatenate[S, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        for attempt in range(1, ATTEMPTS):
            try:
                with _unasked(), opened(shop_id) as session:
                    return act(session, *args, **kwargs)
            except DBAPIError as error:
                if not worth_repeating(error):
                    raise
                time.sleep(0.02 * 2**attempt)
        with opened(shop_id) as session:
            return act(session, *args, **kwargs)

    def close(self) -> None:
        self.engine.dispose()
        self._taking.dispose()
        if self._turn is not None:
            self._turn.close()


def worth_repeating(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlstate", None) or ""
    if code in ("40001", "40P01", "55P03"):  # serialization failure, deadlock, lock not available
        return True
    if error.connection_invalidated:
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def _engine(url: str, pool_size: int, synchronous: str = "FULL") -> Engine:
    """Parameters are hidden: a database error becomes text in logs and problems, and they hold addresses."""
    if not url.startswith("sqlite"):
        engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size, hide_parameters=True)
        event.listen(engine, "checkin", _rests)
        event.listen(engine, "checkout", partial(_ping, engine))
        return engine
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": 30, "check_same_thread": False},
        pool_size=pool_size,
        max_overflow=pool_size * 2,
    )
    event.listen(engine, "connect", partial(_prepare_sqlite, synchronous))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


_UNASKED = ContextVar("unasked", default=False)


@contextmanager
def _unasked() -> Iterator[None]:
    before = _UNASKED.set(True)
    try:
        yield
    finally:
        _UNASKED.reset(before)


def _rests(_driver: Any, record: ConnectionPoolEntry) -> None:
    record.info["rests_since"] = time.monotonic()


def _ping(engine: Engine, driver: Any, record: ConnectionPoolEntry, _fairy: object) -> None:
    """A connection that has rested may have been closed at the other end: it is asked, and where it is, all are opened
    anew. For what is repeated anyway, one that was just used is not: each question is a round trip."""
    since = record.info.get("rests_since")
    if since is None or (_UNASKED.get() and time.monotonic() - since < RESTED):
        return
    try:
        engine.dialect.do_ping(driver)
    except engine.dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _prepare_sqlite(synchronous: str, connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    # A deferred transaction that starts by reading and then writes fails with SQLITE_BUSY at once when another
    # writer was faster (sqlite.org/lang_transaction.html); writers therefore queue at the start.
    write = connection.get_execution_options().get("write")
    send(connection, "BEGIN IMMEDIATE" if write else "BEGIN", ())


@contextmanager
def _session(engine: Engine, shop_id: int | None) -> Iterator[Session]:
    with Session(engine, expire_on_commit=False, autoflush=False, info={"shop_id": shop_id}) as session:
        yield session


def core_execute(session: Asks, statement: Executable, given: Mapping[str, Any] | None = None) -> Rows:
    """Execute a statement that was made once, inside the session's shop and transaction. Objects that the session has
    in hand are neither written before nor brought up to date after it."""
    shop_id = session.info["shop_id"]
    connection = line(session)
    if shop_id is None:
        return _prepared(statement, connection.dialect, scoped=False).run(connection, given or {})
    return _prepared(statement, connection.dialect, scoped=True).run(connection, {**(given or {}), _SHOP: shop_id})


def line(session: Asks) -> Connection:
    """The session's connection. Asked for each time, it would cost as much as a statement."""
    if isinstance(session, Glance):
        return session.line
    known: Connection | None = session.info.get("line")
    if known is None or not known.in_transaction():
        known = session.info["line"] = session.connection()
    return known


def core_execute_many(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """A statement that was made once, for each of ``rows``; it names its shop itself."""
    _prepared(statement, connection.dialect, scoped=False, names=names_of(statement, rows)).run_many(connection, rows)


def _prepared(
    statement: Executable, dialect: Dialect, *, scoped: bool, names: tuple[str, ...] | None = None
) -> Prepared:
    known = _PREPARED.setdefault(statement, {})
    key = dialect.name, scoped, names
    found = known.get(key)
    if found is None:
        found = known[key] = Prepared(_bound(statement) if scoped else statement, dialect, names)
    return found


@event.listens_for(Session, "do_orm_execute")
def _scope(state: ORMExecuteState) -> None:
    shop_id = state.session.info.get("shop_id")
    if shop_id is None or state.is_insert or state.is_column_load or state.is_relationship_load:
        return
    if state.is_select and not isinstance(state.parameters, Sequence):
        state.statement = _bound(state.statement)
        state.parameters = {**(state.parameters or {}), _SHOP: shop_id}
    else:  # the value itself: the ORM compares objects in hand with it
        state.statement = state.statement.options(_criteria(shop_id))


_SHOP = "shop_of_session"
_BOUND = with_loader_criteria(
    OfShop, lambda table: table.shop_id == bindparam("shop_of_session", type_=Integer()), include_aliases=True
)
# With the shop as a parameter a statement is scoped once for all of them: that is half of what running it costs.
_SCOPED: WeakKeyDictionary[Executable, Executable] = WeakKeyDictionary()
_PREPARED: WeakKeyDictionary[Executable, dict[tuple[str, bool, tuple[str, ...] | None], Prepared]] = WeakKeyDictionary()


def _bound(statement: Any) -> Any:
    known = _SCOPED.get(statement)
    if known is None:
        known = _SCOPED[statement] = statement.options(_BOUND)
    return known


@lru_cache(maxsize=10000)
def _criteria(shop_id: int) -> LoaderCriteriaOption:
    return with_loader_criteria(OfShop, lambda table: table.shop_id == shop_id, include_aliases=True)


@event.listens_for(Session, "before_flush")
def _own(session: Session, _context: Any, _instances: Any) -> None:
    shop_id = session.info.get("shop_id")
    if shop_id is None:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, OfShop):
            continue
        owner: int | None = row.shop_id
        if owner is None:
            row.shop_id = shop_id
        elif owner != shop_id:
            raise WrongShop(f"{type(row).__name__} of shop {row.shop_id} in a session of shop {shop_id}")
