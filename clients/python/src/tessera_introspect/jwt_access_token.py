"""Verifies JWT access tokens: RFC 9068 section 4, with the care that RFC 8725 asks for."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Literal

import jwt

from .decision import Decision
from .published_keys import PublishedKeys
from .verified_tokens import Verification, VerifiedTokens

LONGEST = 64 * 1024
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Claims that are the server's own.
STANDARD = set("iss sub aud exp nbf iat jti client_id scp scope ext gid rid".split())


@dataclass(frozen=True)
class VerifiedToken:
    """What a JWT says whose signature, type and issuer are right and whose claims are complete."""

    decision: Decision
    token_id: str
    grant_id: str
    registration_id: str
    client_id: str
    subject: str
    not_before: int
    issued_at_ms: int


def has_jwt_form(token: str) -> bool:
    return len(token) <= LONGEST and token.count(".") == 2


class JwtAccessTokens:
    def __init__(self, issuer: str, keys: PublishedKeys) -> None:
        self._issuer = issuer
        self._keys = keys
        self._verified = VerifiedTokens()

    async def read(self, token: str, revision: str) -> VerifiedToken | Literal["unsure"] | None:
        """None for what is no access token of the issuer; an expired one is read all the same. `unsure` where its key
        cannot be known now. `revision`: of the keys that are published now, if that is known. What is read is shared by all
        who show this token."""
        known = self._verified.get(token)
        kid = known.kid if known else kid_of(token)
        if kid is None:
            return None
        key = await self._keys.find(kid, revision)
        if key is None or key == "unsure":
            return key
        # A key that was published anew has to verify it again.
        if known and known.key is key:
            return known.token
        verified = self._verify(token, key)
        if verified:
            self._verified.set(token, Verification(kid, key, verified))
        return verified

    def _verify(self, token: str, key: jwt.PyJWK) -> VerifiedToken | None:
        try:
            # Whether it is current is judged by who reads it: at each use.
            options = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
            claims = jwt.decode(token, key, algorithms=[key.algorithm_name], options=options)
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None
        return to_verified(claims) if claims.get("iss") == self._issuer else None


def kid_of(token: str) -> str | None:
    """None for what is no access token, whoever signed it."""
    if not is_spelt_right(token):
        return None
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    typ, kid = header.get("typ"), header.get("kid")
    is_typed = isinstance(typ, str) and re.fullmatch(r"(application/)?at\+jwt", typ, re.I)
    if not is_typed or not isinstance(kid, str) or "crit" in header or header.get("b64", True) is not True:
        return None
    return kid


def is_spelt_right(token: str) -> bool:
    """A token has one spelling: base64url leaves bits without meaning, and decoders overlook what is not of it."""
    for part in token.split("."):
        try:
            decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        except (ValueError, binascii.Error):
            return False
        if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
            return False
    return True


def to_verified(claims: dict[str, Any]) -> VerifiedToken | None:
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    not_before, grant_id = claims.get("nbf", issued_at), claims.get("gid", "")
    is_complete = (
        isinstance(claims.get("sub"), str)
        and isinstance(claims.get("client_id"), str)
        and all(is_seconds(value) for value in (issued_at, expires_at, not_before))
        and is_uuid(claims.get("jti"))
        and is_uuid(claims.get("rid"))
        and (grant_id == "" or is_uuid(grant_id))
    )
    if not is_complete:
        return None
    decision = Decision(
        subject=claims["sub"],
        client_id=claims["client_id"],
        scope=scope_of(claims),
        audience=strings(claims.get("aud")),
        issued_at=int(issued_at),
        expires_at=int(expires_at),
        token_id=claims["jti"],
        grant_id=grant_id,
        claims=claims_of(claims),
    )
    return VerifiedToken(
        decision=decision,
        token_id=decision.token_id,
        grant_id=grant_id,
        registration_id=claims["rid"],
        client_id=decision.client_id,
        subject=decision.subject,
        not_before=int(not_before),
        issued_at_ms=int(decision.token_id.replace("-", "")[:12], 16),
    )


def is_seconds(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and 0 <= value <= 0xFFFF_FFFF and value == int(value)


def is_uuid(value: Any) -> bool:
    return isinstance(value, str) and UUID.fullmatch(value) is not None


def strings(value: Any) -> list[str]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]


def scope_of(claims: dict[str, Any]) -> list[str]:
    """`scope` as RFC 9068 2.2.3 has it, or the list `scp`."""
    scope = claims.get("scope")
    return scope.split() if isinstance(scope, str) else strings(claims.get("scp"))


def claims_of(claims: dict[str, Any]) -> dict[str, Any]:
    """The consent app's stand in `ext`, at the top level, or both."""
    below = claims.get("ext")
    promoted = {name: value for name, value in claims.items() if name not in STANDARD}
    return {**promoted, **(below if isinstance(below, dict) else {})}
