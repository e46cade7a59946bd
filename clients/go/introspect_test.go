package introspect

import (
	"testing"
	"time"

	tokenv1 "tessera.example/introspect/gen/tessera/token/v1"
)

func TestRevocationsThatNameNoLivingTokenAreForgotten(t *testing.T) {
	index := &revocationIndex{}
	index.clear()
	now := time.Now()
	entry := func(kind tokenv1.RevocationKind, key string, expiresAt int64) *tokenv1.Revocation {
		return &tokenv1.Revocation{Kind: kind, Key: key, NotBeforeMs: 5, ExpiresAt: uint32(expiresAt)}
	}
	index.add([]*tokenv1.Revocation{
		entry(tokenv1.RevocationKind_REVOCATION_KIND_TOKEN, "dead", now.Unix()-1),
		entry(tokenv1.RevocationKind_REVOCATION_KIND_CLIENT, "dead", now.Unix()-1),
		entry(tokenv1.RevocationKind_REVOCATION_KIND_GRANT, "alive", now.Unix()+60),
	})
	index.sweep(now.Add(sweepEvery))
	if index.size() != 1 {
		t.Fatalf("%d are left", index.size())
	}
}

func TestAMessageThatWasLongOnItsWayIsOld(t *testing.T) {
	var way transit
	start := time.Now()
	way.sentAt(1_000, start)
	late := start.Add(4 * time.Second)
	if age := late.Sub(way.sentAt(2_000, late)); age < 2_900*time.Millisecond || age > 3_100*time.Millisecond {
		t.Fatalf("it is said to be %s old", age)
	}
}

func TestCacheControl(t *testing.T) {
	for header, expected := range map[string]time.Duration{
		"public, max-age=900": 15 * time.Minute, "no-store": 0, "": maxAgeWithoutWord, "max-age=99999999999": longestMaxAge,
	} {
		if got := maxAge(header); got != expected {
			t.Errorf("%q: %s", header, got)
		}
	}
}

func TestOptionsSayForWhomTokensAreMeant(t *testing.T) {
	for _, options := range []Options{{Issuer: "https://id.example"}, {Issuer: "https://id.example", Audience: []string{"a"}, AnyAudience: true}} {
		if _, err := New(options); err == nil {
			t.Error("no audience, or two words about it, were taken")
		}
	}
}
