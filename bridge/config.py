"""Settings from the environment: STOREBRIDGE_<NAME>, and DATABASE_URL and REDIS_URL as everyone calls them.

A wrong value is a ConfigError: one sentence that names the variable and says what to write instead.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import click
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bridge.domain.alerting import address

if TYPE_CHECKING:
    from bridge.ports.storeapp import AppKeys

PREFIX = "STOREBRIDGE_"
PLAIN = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}
LANES = ("stock", "orders", "shipments", "content", "sweep")
POSTGRESQL = "postgresql+psycopg"
_SECRETS = ("shopify_client_secret", "shopify_old_client_secret", "smtp_password")
HIDDEN = frozenset({"keys", "page_token", "install_key", "database_url", "redis_url", *_SECRETS})
SMTP_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class ConfigError(click.ClickException):
    """A setting is wrong, or what it names cannot be used. The text is one sentence for a person; a command that
    meets it says so and ends with 2, without a traceback."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"storebridge: {self.message}", file=file, err=file is None)


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _pairs(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [part.partition("=") for part in _split(value)]
    return {name.strip(): count.strip() for name, _, count in pairs}


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Address = Annotated[str, AfterValidator(lambda value: address(value) if value else value)]
Addresses = Annotated[tuple[Annotated[str, AfterValidator(address)], ...], NoDecode, BeforeValidator(_split)]
Counts = Annotated[dict[str, int], NoDecode, BeforeValidator(_pairs)]


class Config(BaseSettings):
    """All settings. The description of each field is the fix that is shown when its value is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, validate_by_name=True, validate_by_alias=True,
        env_ignore_empty=True, hide_input_in_errors=True,
    )  # fmt: skip

    data_dir: Path = Field(default=Path("var"), description="give a folder that can be written, such as ./var")
    host: str = Field(default="127.0.0.1", description="give the address to listen on, such as 127.0.0.1")
    port: int = Field(default=8000, ge=1, le=65535, description="give a port from 1 to 65535, such as 8000")
    database_url: str = Field(
        default="",
        repr=False,
        validation_alias=PLAIN["database_url"],
        description="give sqlite:////path/to/file.db or postgresql://user:password@host:5432/name",
    )
    redis_url: str = Field(
        default="",
        repr=False,
        validation_alias=PLAIN["redis_url"],
        description="give redis://host:6379/0, rediss://… or unix:///path/to/socket",
    )
    keys: Words = Field(
        default=(),
        repr=False,
        description="give one or more keys of 32 bytes in urlsafe base64, newest first, separated by commas",
    )
    private_hosts: Words = Field(
        default=(),
        description="list host names or addresses, with :port where it is not 80 or 443, separated by commas",
    )
    page_token: str = Field(default="", repr=False, description="give at least 16 characters")
    public_url: str = Field(
        default="", description="give the address stores reach this server at, such as https://bridge.example"
    )
    proxies: int = Field(
        default=0, ge=0, le=9, description="give the number of your own proxies that stand in front, such as 1"
    )
    install_key: str = Field(
        default="", repr=False, description="give at least 16 characters that modules in stores are to send"
    )
    shopify_client_id: str = Field(default="", description="give the client id of your app in Shopify's dashboard")
    shopify_client_secret: str = Field(default="", repr=False, description="give the client secret of the same app")
    shopify_old_client_secret: str = Field(
        default="", repr=False, description="give the secret before the last rotation, for an hour, or nothing"
    )
    rates_url: str = Field(
        default="https://www.ecb.europa.eu/stats/eurofxref/eurofxref-daily.xml",
        pattern=r"^(https?://\S+)?$",
        description="give the address of a daily table in the European Central Bank's form, or nothing for none",
    )
    retention_days: int = Field(default=60, ge=1, le=3650, description="give a number of days from 1 to 3650")
    buyers_days: int = Field(default=180, ge=1, le=3650, description="give a number of days from 1 to 3650")
    smtp_host: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9.:_-]*$",
        description="give the name of the server that sends e-mail, such as smtp.shop.example",
    )
    smtp_port: int | None = Field(
        default=None, ge=1, le=65535, description="give a port, or nothing for 587 (starttls), 465 (tls) or 25 (none)"
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="give starttls, tls or none"
    )
    smtp_user: str = Field(default="", description="give the name to log in with, or nothing")
    smtp_password: str = Field(default="", repr=False, description="give the password to log in with")
    alert_from: Address = Field(default="", description="give the e-mail address alerts come from")
    alert_to: Addresses = Field(
        default=(), description="give e-mail addresses, separated by commas, that are told where a shop names none"
    )
    workers: Counts = Field(
        default_factory=dict,
        description=f"give worker processes by lane, such as stock=2,orders=1; the lanes are {', '.join(LANES)}",
    )
    web_processes: int | None = Field(
        default=None, ge=1, le=64, description="give a number from 1 to 64; SQLite allows one process only"
    )
    web_threads: int = Field(default=8, ge=1, le=64, description="give a number from 1 to 64")
    max_webhook_bytes: int = Field(
        default=1_048_576, ge=65_536, le=67_108_864, description="give a number of bytes from 65536 to 67108864"
    )
    demo: bool = Field(
        default=True, description="give 1 or 0: whether to start a sandbox store while none is connected"
    )
    demo_port: int = Field(
        default=8100, ge=1, le=65000, description="give the first port of the sandboxes, such as 8100"
    )
    demo_products: int = Field(
        default=200, ge=5, le=5000, description="give how many products the sandbox store has, from 5 to 5000"
    )
    log_format: Literal["auto", "json", "console"] = Field(default="auto", description="give auto, json or console")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="give debug, info, warning or error"
    )

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return database_url(value) if value else value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ValueError("no host")
        if parts.scheme not in ("", "redis", "rediss", "unix"):
            raise ValueError("not a Redis address")
        return value

    @field_validator("public_url")
    @classmethod
    def _public(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("not an address")
        return value.rstrip("/")

    @field_validator("page_token", "install_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < 16:
            raise ValueError("too short")
        return value

    @field_validator("workers")
    @classmethod
    def _lanes(cls, value: dict[str, int]) -> dict[str, int]:
        if not set(value) <= set(LANES) or not all(0 <= count <= 64 for count in value.values()):
            raise ValueError("not lanes and counts")
        return value

    @model_validator(mode="after")
    def _together(self) -> Config:
        if (self.web_processes or 1) > 1 and self.is_sqlite:
            raise ValueError(
                f"{PREFIX}WEB_PROCESSES is {self.web_processes}, and SQLite allows one web process: "
                "leave it out, or set DATABASE_URL to a PostgreSQL database."
            )
        if self.smtp_host and not self.alert_from:
            raise ValueError(f"{PREFIX}SMTP_HOST is set: say in {PREFIX}ALERT_FROM which address alerts come from.")
        if self.smtp_password and self.smtp_security == "none":
            raise ValueError(f"{PREFIX}SMTP_PASSWORD would be sent unencrypted: set {PREFIX}SMTP_SECURITY to starttls.")
        return self

    @property
    def apps(self) -> dict[str, AppKeys]:
        """This installation's own keys as an app of a store platform, by adapter."""
        from bridge.ports.storeapp import AppKeys  # noqa: PLC0415 - settings are read before anything is loaded

        if not (self.shopify_client_id and self.shopify_client_secret):
            return {}
        keys = {"client_id": self.shopify_client_id, "client_secret": self.shopify_client_secret}
        return {"shopify": AppKeys(**keys, old_secret=self.shopify_old_client_secret)}

    @property
    def effective_smtp_port(self) -> int:
        return self.smtp_port or SMTP_PORTS[self.smtp_security]

    @property
    def is_sqlite(self) -> bool:
        return self.effective_database_url.startswith("sqlite")

    @property
    def effective_database_url(self) -> str:
        """DATABASE_URL, or the SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'storebridge.db'}"

    @property
    def effective_public_url(self) -> str:
        return self.public_url or f"http://{bracketed(self.host)}:{self.port}"

    @property
    def effective_web_processes(self) -> int:
        if self.is_sqlite:
            return 1
        return self.web_processes or min(4, os.cpu_count() or 1)

    def workers_of(self, lane: str) -> int:
        return self.workers.get(lane, 1)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the web server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def database_url(value: str) -> str:
    """``value`` with the driver we bring along. Raises ValueError when it is no SQLite or PostgreSQL address."""
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ValueError("not a database address") from error
    if url.drivername in ("postgres", "postgresql", POSTGRESQL):
        url = url.set(drivername=POSTGRESQL)
        if "connect_timeout" not in url.query:  # a host that swallows packets must not hold anyone for minutes
            url = url.update_query_dict({"connect_timeout": "5"})
        return url.render_as_string(hide_password=False)
    if url.drivername != "sqlite":
        raise ValueError("neither SQLite nor PostgreSQL")
    if not url.database or url.database == ":memory:":
        raise ValueError("every process would have a database of its own")
    return value


def load(overrides: Mapping[str, Any] | None = None) -> Config:
    """The settings of this process; ``overrides`` come from the command line. Raises ConfigError."""
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Config(**given)
    except ValidationError as error:
        raise ConfigError(_sentence(error, given)) from None


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PLAIN.get(field, PREFIX + field.upper())


def _sentence(error: ValidationError, given: Mapping[str, Any]) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if not first["loc"]:
        return str(first["msg"]).removeprefix("Value error, ")
    name = str(first["loc"][0])
    field = next((key for key in Config.model_fields if name in (key, variable(key))), name)
    fix = Config.model_fields[field].description if field in Config.model_fields else "see the documentation"
    return f"{variable(field)} is wrong{_shown(field, given)}: {fix}."


def _shown(field: str, given: Mapping[str, Any]) -> str:
    """The offending value, unless it may hold a secret."""
    value = given.get(field, os.environ.get(variable(field)))
    return "" if value is None or field in HIDDEN else f" ({str(value)[:60]!r})"
