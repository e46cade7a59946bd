"""Lets a request through or says why not: Bearer tokens (RFC 6750), whatever the request came by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .decision import Decision, IntrospectionUnavailable
from .introspector import Introspector


@dataclass(frozen=True)
class Requirement:
    """What a token must have."""

    scope: Sequence[str] = ()
    """All of these."""
    covers_scope: Callable[[Sequence[str], str], bool] = lambda granted, needed: needed in granted
    """How scopes are compared; the same characters unless said otherwise."""
    realm: str = ""
    """Told to clients in `WWW-Authenticate`."""


@dataclass(frozen=True)
class Refusal:
    """Why a request is not let through."""

    status: int
    error: str
    description: str
    headers: dict[str, str]


async def judge(introspector: Introspector, authorization: str | None, needed: Requirement) -> Decision | Refusal:
    """`authorization` is the header field or the metadata of that name."""

    def refuse(status: int, error: str, description: str, more: Sequence[str] = ()) -> Refusal:
        realm = [f"realm={quote(needed.realm)}"] if needed.realm else []
        told = [f"error={quote(error)}", f"error_description={quote(description)}"] if error else []
        challenge = f"Bearer {', '.join([*realm, *told, *more])}".strip()
        return Refusal(status, error, description, {"www-authenticate": challenge})

    # RFC 6750 3.1: who shows nothing is told of no error.
    if authorization is None or not re.match(r"Bearer\b", authorization, re.I):
        return refuse(401, "", "A token is needed.")
    shown = re.fullmatch(r"Bearer +([A-Za-z0-9._~+/-]+=*) *", authorization, re.I)
    if not shown:
        return refuse(400, "invalid_request", "The Authorization field is malformed.")
    try:
        decision = await introspector.introspect(shown[1])
    except IntrospectionUnavailable as outage:
        return Refusal(
            503, "temporarily_unavailable", f"{str(outage).capitalize()}.", {"retry-after": "1"}
        )
    if decision is None:
        return refuse(401, "invalid_token", "The access token is not good, or no longer.")
    if not all(needed.covers_scope(decision.scope, each) for each in needed.scope):
        description = "The access token has not every scope that is needed."
        return refuse(403, "insufficient_scope", description, [f"scope={quote(' '.join(needed.scope))}"])
    return decision


def quote(text: str) -> str:
    printable = re.sub(r"[^\x20-\x7e]", "", text)
    return '"' + re.sub(r'(["\\])', r"\\\1", printable) + '"'
