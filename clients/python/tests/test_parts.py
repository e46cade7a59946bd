"""The parts that time and odd answers touch."""

import time
import unittest
from types import SimpleNamespace

from tessera_introspect.jwt_access_token import is_seconds, is_spelt_right
from tessera_introspect.published_keys import LONGEST_MAX_AGE_S, MAX_AGE_WITHOUT_WORD_S, import_keys, max_age_s
from tessera_introspect.revocation_feed import Transit
from tessera_introspect.revocation_index import CLIENT, GRANT, TOKEN, RevocationIndex


class Parts(unittest.TestCase):
    def test_revocations_that_name_no_living_token_are_forgotten(self):
        index, now = RevocationIndex(), time.time()
        for kind, key, expires_at in ((TOKEN, "dead", now - 1), (CLIENT, "dead", now - 1), (GRANT, "alive", now + 600)):
            index.add(SimpleNamespace(kind=kind, key=key, not_before_ms=5, expires_at=int(expires_at)))
        index.sweep(now)
        self.assertEqual(len(index), 1)

    def test_a_message_that_was_long_on_its_way_is_old(self):
        transit = Transit()
        transit.sent_at(1_000, 100.0)
        self.assertAlmostEqual(104.0 - transit.sent_at(2_000, 104.0), 3.0, delta=0.1)

    def test_cache_control(self):
        self.assertEqual(max_age_s("public, max-age=900"), 900)
        self.assertEqual(max_age_s("no-store"), 0)
        self.assertEqual(max_age_s(""), MAX_AGE_WITHOUT_WORD_S)
        self.assertEqual(max_age_s("max-age=99999999999"), LONGEST_MAX_AGE_S)

    def test_keys_of_no_use_are_passed_over(self):
        keys = [{"kid": "mac", "alg": "HS256", "kty": "oct", "k": "AA"}, {"kid": "odd", "alg": "ES256", "kty": "EC"}]
        self.assertEqual(import_keys({"keys": keys}), {})

    def test_numbers_and_spelling_are_read_strictly(self):
        self.assertFalse(any(is_seconds(value) for value in (True, "1", None, 1.5, -1, 1e300)))
        self.assertTrue(is_spelt_right("AA.AQ"))
        self.assertFalse(any(is_spelt_right(text) for text in ("AB", "A", "AA=", "A A", "é")))


if __name__ == "__main__":
    unittest.main()
