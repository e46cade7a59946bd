package introspect

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	testIssuer   = "https://id.example"
	testRevision = "1"
	testClaims   = `{"iss":"https://id.example","sub":"alice","client_id":"app","aud":["api"],"iat":1,"exp":4294967295,` +
		`"jti":"00000000-0000-7000-8000-000000000001","rid":"00000000-0000-4000-8000-000000000002","scp":["read"],` +
		`"ext":{"role":{"names":["admin"]},"pad":"%s"}}`
)

func newTestKey(t testing.TB) (ed25519.PrivateKey, *jose.JSONWebKey) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return private, &jose.JSONWebKey{Key: public, KeyID: "k", Algorithm: string(jose.EdDSA)}
}

func newTestTokens(key *jose.JSONWebKey) *jwtAccessTokens {
	// Of this revision all keys are known, so that nothing is fetched.
	keys := &publishedKeys{etag: `"` + testRevision + `"`, keys: map[string]*jose.JSONWebKey{key.KeyID: key}}
	return &jwtAccessTokens{issuer: testIssuer, keys: keys}
}

func sign(t testing.TB, private ed25519.PrivateKey, claims string) string {
	options := (&jose.SignerOptions{}).WithType("at+jwt").WithHeader("kid", "k")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestATokenIsVerifiedOnceForEachKey(t *testing.T) {
	private, key := newTestKey(t)
	_, other := newTestKey(t)
	tokens, token := newTestTokens(key), sign(t, private, fmt.Sprintf(testClaims, ""))
	isGood := func() bool {
		read, sure := tokens.read(context.Background(), token, testRevision)
		return read != nil && sure
	}
	if !isGood() {
		t.Fatal("it is not read")
	}
	public := key.Key
	// Whoever verified it again would find it false.
	key.Key = other.Key
	if !isGood() {
		t.Error("it was verified again")
	}
	key.Key = public
	tokens.keys.keys["k"] = other
	if isGood() {
		t.Error("a key that was replaced under its name goes on")
	}
	same := *key
	tokens.keys.keys["k"] = &same
	if !isGood() {
		t.Error("the same key, published anew, does not verify it")
	}
	delete(tokens.keys.keys, "k")
	if isGood() {
		t.Error("a key that is published no more goes on")
	}
	tokens.keys.fetchAgainAt = time.Now().Add(time.Hour)
	if read, sure := tokens.read(context.Background(), token, "2"); read != nil || sure {
		t.Error("a key that may be published is not waited for")
	}
}

func TestOnlyWhatIsGoodAndOfUsualLengthIsRemembered(t *testing.T) {
	private, key := newTestKey(t)
	stranger, _ := newTestKey(t)
	tokens := newTestTokens(key)
	for _, token := range []string{
		sign(t, stranger, fmt.Sprintf(testClaims, "")), sign(t, private, "{}"),
		sign(t, private, fmt.Sprintf(testClaims, strings.Repeat("x", longestRemembered))),
	} {
		tokens.read(context.Background(), token, testRevision)
	}
	if len(tokens.verified.young) != 0 {
		t.Fatalf("%d are remembered", len(tokens.verified.young))
	}
}

func TestWhatIsRememberedIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	tokens := &verifiedTokens{}
	var running sync.WaitGroup
	for part := range 2 {
		running.Go(func() {
			for count := range 3 * mostVerifiedTokens {
				tokens.set(fmt.Sprint(part, ".", count), verification{})
				if _, found := tokens.get("used"); !found {
					tokens.set("used", verification{})
				}
			}
		})
	}
	running.Wait()
	if size := len(tokens.young) + len(tokens.old); size > 2*mostVerifiedTokens {
		t.Errorf("%d are remembered", size)
	}
	if _, found := tokens.get("used"); !found {
		t.Error("what is used is forgotten")
	}
	if _, found := tokens.get("0.0"); found {
		t.Error("what is not used is remembered")
	}
}

func TestADecisionIsTheCallersOwn(t *testing.T) {
	private, key := newTestKey(t)
	tokens, token := newTestTokens(key), sign(t, private, fmt.Sprintf(testClaims, ""))
	read, _ := tokens.read(context.Background(), token, testRevision)
	decision := read.copied()
	decision.Scope[0], decision.Audience[0] = "admin", "others"
	decision.Claims["role"].(map[string]any)["names"].([]any)[0] = "nobody"
	again, _ := tokens.read(context.Background(), token, testRevision)
	if said := fmt.Sprint(again.Scope, again.Audience, again.Claims); said != "[read] [api] map[pad: role:map[names:[admin]]]" {
		t.Errorf("another caller reads %s", said)
	}
}
