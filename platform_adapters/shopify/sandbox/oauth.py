"""Access tokens: that of a custom app, and those an installed app gets for a session token and renews."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import jwt

from platform_adapters.shopify.sandbox.store import Doc, Store

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
REFRESH_DAYS, STAYS_DAYS = 90, 30
SESSION_SECONDS = 60


class BadGrant(Exception):
    """Refused: the error's code, and a status."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


class Tokens:
    def __init__(self, store: Store) -> None:
        self.store = store

    def scopes(self, token: str) -> tuple[str, ...] | None:
        """What the token may do; None when it may nothing."""
        options = self.store.options
        if options.token is not None and secrets.compare_digest(token.encode(), options.token.encode()):
            return options.scopes
        known = self.store.docs.get("tokens", token) if token else None
        if known is None or known["until"] <= self.store.now():
            return None
        return options.scopes

    def grant(self, given: Mapping[str, Any]) -> Doc:
        """Raises BadGrant."""
        options = self.store.options
        if (given.get("client_id"), given.get("client_secret")) != (options.client_id, options.client_secret):
            raise BadGrant("invalid_client", 401)
        match given.get("grant_type"):
            case "refresh_token":
                return self._refresh(str(given.get("refresh_token") or ""))
            case name if name == EXCHANGE:
                return self._exchange(given)
        raise BadGrant("unsupported_grant_type")

    def session_token(self, user: str, **changed: Any) -> str:
        """As App Bridge gets it for a person in the admin: good for a minute."""
        options, now = self.store.options, int(self.store.now())
        claims: Doc = {"iss": f"https://{options.domain}/admin", "dest": f"https://{options.domain}"}
        claims |= {"aud": options.client_id, "sub": user, "exp": now + SESSION_SECONDS, "nbf": now - 1}
        claims["iat"] = now - 1
        claims |= {"jti": secrets.token_hex(16), "sid": secrets.token_hex(16)} | changed
        return jwt.encode(claims, options.client_secret, algorithm="HS256")

    def revoke(self) -> None:
        """The app was uninstalled."""
        for kind in ("tokens", "refresh"):
            for name in list(self.store.docs.all(kind)):
                self.store.docs.remove(kind, name)
        self.store.docs.remove("app", "installed")

    def install(self) -> None:
        self.store.docs.put("app", "installed", {"at": self.store.now()})

    def _exchange(self, given: Mapping[str, Any]) -> Doc:
        options = self.store.options
        if given.get("subject_token_type") != ID_TOKEN or str(given.get("expiring")) != "1":
            raise BadGrant("invalid_request")
        if self.store.docs.get("app", "installed") is None:
            raise BadGrant("application_cannot_be_found")
        try:
            # Expiry by the store's own clock, which tests may have moved.
            claims = jwt.decode(
                str(given.get("subject_token")),
                options.client_secret,
                algorithms=["HS256"],
                audience=options.client_id,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False, "require": ["exp"]},
            )
        except jwt.PyJWTError as error:
            raise BadGrant("invalid_subject_token") from error
        if claims["exp"] <= self.store.now():
            raise BadGrant("invalid_subject_token")
        return self._issue(None)

    def _refresh(self, token: str) -> Doc:
        """A refresh token that was used stays good until the one that came of it is used, and for a month at most."""
        known, now = self.store.docs.get("refresh", token), self.store.now()
        if known is None or known["until"] <= now:
            raise BadGrant("invalid_grant")
        if known["before"]:
            self.store.docs.remove("refresh", known["before"])
        self.store.docs.put("refresh", token, known | {"until": min(known["until"], now + STAYS_DAYS * 86400)})
        return self._issue(token)

    def _issue(self, before: str | None) -> Doc:
        access, refresh = f"shpat_{secrets.token_hex(16)}", f"shprt_{secrets.token_hex(16)}"
        now, options = self.store.now(), self.store.options
        self.store.docs.put("tokens", access, {"until": now + options.token_seconds})
        self.store.docs.put("refresh", refresh, {"until": now + REFRESH_DAYS * 86400, "before": before})
        answer = {"access_token": access, "scope": ",".join(options.scopes), "expires_in": options.token_seconds}
        return answer | {"refresh_token": refresh, "refresh_token_expires_in": REFRESH_DAYS * 86400}
