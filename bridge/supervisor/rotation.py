"""Changing the encryption key while everything runs."""

from __future__ import annotations

import time
from contextlib import closing

from cryptography.fernet import Fernet
from sqlalchemy.exc import SQLAlchemyError

from bridge import app
from bridge.config import Config, ConfigError
from bridge.db import keys
from bridge.db.crypto import KeyRing
from bridge.db.session import Database
from bridge.supervisor.checks import unusable

NOTICE = keys.LOOK_AGAIN + 1.0


def rotate(config: Config) -> str:
    """Re-encrypt everything; returns what was done, for a person. Raises ConfigError. May be run again after it was
    interrupted."""
    try:
        with closing(Database(config.effective_database_url, pool_size=1)) as db:
            if config.keys:
                return _with_given_keys(config, db)
            return _with_key_file(config, db)
    except SQLAlchemyError as error:
        raise ConfigError(unusable(config, error)) from None
    except ValueError as error:
        raise ConfigError(f"Nothing was dropped: {error}.") from None


def _with_given_keys(config: Config, db: Database) -> str:
    count = keys.rotate(db, app.key_ring(config))
    rest = "the others are not needed any more" if len(config.keys) > 1 else "there is only this one"
    return f"{count} values are encrypted with the first key of STOREBRIDGE_KEYS; {rest}."


def _with_key_file(config: Config, db: Database) -> str:
    path = keys.key_file(config.data_dir)
    known = keys.ensure_keys(path)
    new = Fernet.generate_key().decode()
    keys.write_keys(path, [new, *known])
    time.sleep(NOTICE)  # by now every process has seen the new key, and encrypts with it
    ring = KeyRing([new, *known])
    count = keys.rotate(db, ring)
    keys.rotate(db, ring)  # and what was on its way into the database meanwhile
    keys.write_keys(path, [new])
    return f"{count} values are encrypted with a new key in {path}; the old key is gone. Keep a copy of that file."
