"""The keys that JWT access tokens are verified with, from the server's JWK Set (RFC 7517 section 5): kept as Cache-Control
says, fetched by one request for all who wait, and again when the feed tells of another revision or a token names a key that
is not known."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Literal

import jwt

# Asymmetric algorithms alone (RFC 8725 3.1): what is published could never be a key for a MAC.
ALGORITHMS = {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"}
# The server's key set for access tokens: keys of other sets prove nothing about an access token.
ACCESS_TOKEN_KEY_SET = "hydra.jwt.access-token"

TIMEOUT_S = 3.0
# The least time between two requests, whatever tokens and the feed ask for.
COOL_DOWN_S = 0.5
LONGEST_COOL_DOWN_S = 10.0
MAX_AGE_WITHOUT_WORD_S = 300.0
LONGEST_MAX_AGE_S = 24 * 3600.0
# A document whose revision the feed confirms is not asked for again before, however short its Cache-Control is.
LEAST_AGE_S = 60.0
LONGEST_DOCUMENT = 1 << 20


class PublishedKeys:
    def __init__(self, uri: str, on_trouble: Callable[[str, BaseException], None]) -> None:
        self._uri = uri
        self._on_trouble = on_trouble
        self._keys: dict[str, jwt.PyJWK] = {}
        self._etag = ""
        self._expires_at = -math.inf
        self._fetch_again_at = -math.inf
        self._fruitless = 0
        self._fetching: asyncio.Task[None] | None = None

    @property
    def revision(self) -> str:
        return re.sub(r'^(?:W/)?"(.*)"$', r"\1", self._etag)

    def is_current(self, revision: str) -> bool:
        """Whether a token may be verified with what is known, where the feed says that this is the revision."""
        return bool(self._keys) and (time.monotonic() < self._expires_at or self._is_at(revision))

    def follow(self, revision: str) -> None:
        """The feed says which revision is published now; what has grown old is fetched too."""
        now = time.monotonic()
        old = max(self._expires_at, self._fetch_again_at + LEAST_AGE_S)
        is_due = now >= old if self._is_at(revision) else True
        if is_due and now >= self._fetch_again_at:
            self._refresh(revision)

    async def find(self, kid: str, revision: str) -> jwt.PyJWK | Literal["unsure"] | None:
        """The key of this name: None where there is none, `unsure` where there might be one that cannot be fetched now.
        `revision`: what is published now, if that is known."""
        known = self._keys.get(kid)
        if known:
            return known
        if self._is_at(revision):
            return None
        if self._fetching or time.monotonic() >= self._fetch_again_at:
            await asyncio.shield(self._refresh(revision))
        return self._keys.get(kid) or (None if self._is_at(revision) else "unsure")

    async def stop(self) -> None:
        if self._fetching:
            await self._fetching

    def _is_at(self, revision: str) -> bool:
        return revision != "" and revision == self.revision

    def _refresh(self, revision: str) -> asyncio.Task[None]:
        if not self._fetching:
            self._fetching = asyncio.create_task(self._fetch(revision))
        return self._fetching

    async def _fetch(self, revision: str) -> None:
        try:
            keys, etag, max_age_s = await asyncio.to_thread(fetch, self._uri, self._etag)
            if keys is not None:
                self._keys, self._etag = keys, etag
            self._expires_at = time.monotonic() + max_age_s
        except Exception as error:
            self._on_trouble("the published keys cannot be fetched", error)
        finally:
            self._fetching = None
            # A cache on the way may go on answering with what it has: it is asked less and less often.
            is_fruitful = self.is_current(revision) and (revision == "" or self._is_at(revision))
            self._fruitless = 0 if is_fruitful else min(self._fruitless + 1, 10)
            pause = min(COOL_DOWN_S * 2**self._fruitless, LONGEST_COOL_DOWN_S)
            self._fetch_again_at = time.monotonic() + pause


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def fetch(uri: str, etag: str) -> tuple[dict[str, jwt.PyJWK] | None, str, float]:
    """The keys, None where they are still the same; the ETag; how many seconds they may be kept."""
    request = urllib.request.Request(uri, headers={"Accept": "application/json", "Cache-Control": "no-cache"})
    if etag:
        request.add_header("If-None-Match", etag)
    try:
        with _opener.open(request, timeout=TIMEOUT_S) as answer:
            keys = import_keys(json.loads(answer.read(LONGEST_DOCUMENT)))
            return keys, answer.headers.get("ETag", ""), max_age_s(answer.headers.get("Cache-Control", ""))
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 304:
                raise
            return None, etag, max_age_s(error.headers.get("Cache-Control", ""))


def max_age_s(cache_control: str) -> float:
    """RFC 9111 5.2.2."""
    if re.search(r"\bno-(cache|store)\b", cache_control, re.I):
        return 0
    found = re.search(r"\bmax-age=(\d+)", cache_control, re.I)
    return min(float(found[1]), LONGEST_MAX_AGE_S) if found else MAX_AGE_WITHOUT_WORD_S


def import_keys(document: Any) -> dict[str, jwt.PyJWK]:
    known: dict[str, jwt.PyJWK] = {}
    for jwk in document["keys"]:
        is_ours = jwk.get("key_set", ACCESS_TOKEN_KEY_SET) == ACCESS_TOKEN_KEY_SET
        kid, alg = jwk.get("kid"), jwk.get("alg")
        if not (is_ours and isinstance(kid, str) and alg in ALGORITHMS) or jwk.get("use", "sig") != "sig" or "d" in jwk:
            continue
        try:
            known[kid] = jwt.PyJWK(jwk, algorithm=alg)
        except jwt.PyJWTError:
            # What is not understood is passed over (RFC 7517 section 5).
            continue
    return known
