"""The live revocations in memory. The same rule as the server's own introspection applies."""

from __future__ import annotations

import time
from typing import Any

TOKEN, GRANT, CLIENT, SUBJECT, REGISTRATION = 1, 2, 3, 4, 5
SWEEP_EVERY_S = 60


class RevocationIndex:
    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        # Of tokens, grants and registrations: when to forget them, in epoch seconds.
        self._ids: dict[str, int] = {}
        # Of clients, subjects, and subjects at one client: the epoch milliseconds until which tokens are revoked, and when
        # to forget that.
        self._until: dict[tuple[int, str, str], tuple[int, int]] = {}
        self._swept_at = 0.0

    def __len__(self) -> int:
        return len(self._ids) + len(self._until)

    def add(self, revocation: Any) -> None:
        kind, key, expires_at = revocation.kind, revocation.key, revocation.expires_at
        if kind in (TOKEN, GRANT, REGISTRATION):
            self._ids[key] = max(expires_at, self._ids.get(key, 0))
        elif kind in (CLIENT, SUBJECT):
            named = kind, key, revocation.client_id if kind == SUBJECT else ""
            until, known_expiry = self._until.get(named, (0, 0))
            self._until[named] = max(until, revocation.not_before_ms), max(known_expiry, expires_at)

    def has(self, token: Any) -> bool:
        if any(each in self._ids for each in (token.token_id, token.grant_id, token.registration_id)):
            return True
        named = [(CLIENT, token.client_id, "")]
        if token.grant_id:
            named += [(SUBJECT, token.subject, ""), (SUBJECT, token.subject, token.client_id)]
        return any(each in self._until and token.issued_at_ms <= self._until[each][0] for each in named)

    def sweep(self, now: float | None = None) -> None:
        """Forgets, now and then, what names no token that is still alive."""
        now = time.time() if now is None else now
        if now - self._swept_at < SWEEP_EVERY_S:
            return
        self._swept_at = now
        self._ids = {key: expiry for key, expiry in self._ids.items() if expiry >= now}
        self._until = {key: entry for key, entry in self._until.items() if entry[1] >= now}
