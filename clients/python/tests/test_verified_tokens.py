"""What is remembered of tokens that were verified."""

import json
import math
import unittest
from unittest import mock

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519

from tessera_introspect.decision import copied
from tessera_introspect.jwt_access_token import JwtAccessTokens
from tessera_introspect.published_keys import PublishedKeys, import_keys
from tessera_introspect.verified_tokens import LONGEST, MOST_TOKENS, Verification, VerifiedTokens

ISSUER, REVISION = "https://id.example", "1"
CLAIMS = {
    "iss": ISSUER, "sub": "alice", "client_id": "app", "aud": ["api"], "scp": ["read"], "iat": 1, "exp": 0xFFFF_FFFF,
    "jti": "00000000-0000-7000-8000-000000000001", "rid": "00000000-0000-4000-8000-000000000002",
    "ext": {"role": {"names": ["admin"]}},
}


def sign(private, claims):
    return jwt.encode(claims, private, "EdDSA", headers={"typ": "at+jwt", "kid": "k"})


def published(private):
    """As often as it is published it is another key."""
    jwk = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(private.public_key()))
    return import_keys({"keys": [{**jwk, "kid": "k", "alg": "EdDSA"}]})


class VerifiedTokensTest(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.private = ed25519.Ed25519PrivateKey.generate()
        self.stranger = ed25519.Ed25519PrivateKey.generate()
        self.keys = PublishedKeys("", lambda what, cause: None)
        # Of this revision all keys are known, so that nothing is fetched.
        self.keys._etag, self.keys._keys = f'"{REVISION}"', published(self.private)
        self.tokens = JwtAccessTokens(ISSUER, self.keys)

    async def read(self, token, revision=REVISION):
        """And how often it was verified for that."""
        with mock.patch.object(jwt, "decode", wraps=jwt.decode) as decode:
            return await self.tokens.read(token, revision), decode.call_count

    async def test_a_token_is_verified_once_for_each_key(self):
        token = sign(self.private, CLAIMS)
        read, verified = await self.read(token)
        self.assertEqual((read.subject, verified), ("alice", 1))
        self.assertEqual(await self.read(token), (read, 0))
        self.keys._keys = published(self.private)
        self.assertEqual(await self.read(token), (read, 1))
        self.assertEqual(await self.read(token), (read, 0))
        self.keys._keys = published(self.stranger)
        self.assertEqual(await self.read(token), (None, 1))
        self.keys._keys = {}
        self.assertEqual(await self.read(token), (None, 0))
        self.keys._fetch_again_at = math.inf
        self.assertEqual(await self.read(token, "2"), ("unsure", 0))

    async def test_only_what_is_good_and_of_usual_length_is_remembered(self):
        long = sign(self.private, {**CLAIMS, "ext": {"pad": "x" * LONGEST}})
        for token in (sign(self.stranger, CLAIMS), sign(self.private, {"iss": ISSUER}), long):
            await self.read(token)
        self.assertEqual(len(self.tokens._verified), 0)
        self.assertEqual((await self.read(long))[0].subject, "alice")

    async def test_what_is_remembered_is_bounded_and_keeps_what_is_used(self):
        tokens, any_verification = VerifiedTokens(), Verification("k", None, None)
        tokens.set("used", any_verification)
        for count in range(3 * MOST_TOKENS):
            tokens.set(str(count), any_verification)
            self.assertIsNotNone(tokens.get("used"))
            self.assertLessEqual(len(tokens), 2 * MOST_TOKENS)
        self.assertIsNone(tokens.get("0"))

    async def test_a_decision_is_the_callers_own(self):
        token = sign(self.private, CLAIMS)
        decision = copied((await self.read(token))[0].decision)
        decision.scope.append("admin")
        decision.audience.clear()
        decision.claims["role"]["names"][0] = "nobody"
        again = copied((await self.read(token))[0].decision)
        self.assertEqual((again.scope, again.audience, again.claims), (["read"], ["api"], CLAIMS["ext"]))


if __name__ == "__main__":
    unittest.main()
