package introspect

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const longestJWT = 64 * 1024

// verifiedToken is what a JWT says whose signature, type and issuer are right and whose claims are complete.
type verifiedToken struct {
	Decision
	registrationID string
	notBefore      int64
	issuedAtMs     int64
}

func hasJWTForm(token string) bool { return len(token) <= longestJWT && strings.Count(token, ".") == 2 }

type jwtAccessTokens struct {
	issuer   string
	keys     *publishedKeys
	verified verifiedTokens
}

// read verifies a JWT access token: RFC 9068 section 4, with the care that RFC 8725 asks for. Nil for what is no access
// token of the issuer; an expired one is read all the same. sure is false where its key cannot be known now. What is read is
// shared by all who show this token.
func (tokens *jwtAccessTokens) read(ctx context.Context, token, revision string) (read *verifiedToken, sure bool) {
	known, isKnown := tokens.verified.get(token)
	var signed *jose.JSONWebSignature
	if !isKnown {
		if signed, known.kid = parse(token); signed == nil {
			return nil, true
		}
	}
	key, sure := tokens.keys.find(ctx, known.kid, revision)
	if key == nil {
		return nil, sure
	}
	// A key that was published anew has to verify it again.
	if isKnown && known.key == key {
		return known.token, true
	}
	if isKnown {
		signed, _ = parse(token)
	}
	if read = tokens.verify(signed, key); read != nil {
		tokens.verified.set(token, verification{known.kid, key, read})
	}
	return read, true
}

// parse returns nil for what is no access token, whoever signed it.
func parse(token string) (signed *jose.JSONWebSignature, kid string) {
	if !isSpeltRight(token) {
		return nil, ""
	}
	signed, err := jose.ParseSignedCompact(token, algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, ""
	}
	header := signed.Signatures[0].Protected
	typ, _ := header.ExtraHeaders[jose.HeaderType].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	_, isCritical := header.ExtraHeaders["crit"]
	if typ != "at+jwt" || header.KeyID == "" || isCritical {
		return nil, ""
	}
	return signed, header.KeyID
}

func (tokens *jwtAccessTokens) verify(signed *jose.JSONWebSignature, key *jose.JSONWebKey) *verifiedToken {
	if signed.Signatures[0].Protected.Algorithm != key.Algorithm {
		return nil
	}
	payload, err := signed.Verify(key.Key)
	if err != nil {
		return nil
	}
	return tokens.toVerified(payload)
}

// isSpeltRight: a token has one spelling; base64url leaves bits without meaning.
func isSpeltRight(token string) bool {
	for _, part := range strings.Split(token, ".") {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || strings.ContainsAny(part, "\r\n") {
			return false
		}
	}
	return true
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (tokens *jwtAccessTokens) toVerified(payload []byte) *verifiedToken {
	var claims map[string]any
	if json.Unmarshal(payload, &claims) != nil {
		return nil
	}
	text := func(name string) string {
		value, _ := claims[name].(string)
		return value
	}
	_, hasSubject := claims["sub"].(string)
	_, hasClient := claims["client_id"].(string)
	issuedAt, hasIssuedAt := seconds(claims["iat"])
	expiresAt, hasExpiry := seconds(claims["exp"])
	notBefore, hasNotBefore := seconds(claims["nbf"])
	if _, isThere := claims["nbf"]; !isThere {
		notBefore, hasNotBefore = issuedAt, true
	}
	isComplete := text("iss") == tokens.issuer && hasSubject && hasClient && hasIssuedAt && hasExpiry && hasNotBefore &&
		uuid.MatchString(text("jti")) && uuid.MatchString(text("rid"))
	if grant, isThere := claims["gid"]; isThere {
		isComplete = isComplete && (grant == "" || uuid.MatchString(text("gid")))
	}
	if !isComplete {
		return nil
	}
	issuedAtMs, _ := strconv.ParseInt(strings.ReplaceAll(text("jti"), "-", "")[:12], 16, 64)
	return &verifiedToken{
		Decision: Decision{
			Subject: text("sub"), ClientID: text("client_id"), Scope: scopeOf(claims), Audience: texts(claims["aud"]),
			IssuedAt: issuedAt, ExpiresAt: expiresAt, TokenID: text("jti"), GrantID: text("gid"),
			Claims: claimsOf(claims), Source: FromMemory,
		},
		registrationID: text("rid"), notBefore: notBefore, issuedAtMs: issuedAtMs,
	}
}

func seconds(value any) (int64, bool) {
	number, isNumber := value.(float64)
	isWhole := isNumber && number >= 0 && number <= math.MaxUint32 && number == math.Trunc(number)
	if !isWhole {
		return 0, false
	}
	return int64(number), true
}

func texts(value any) []string {
	list, isList := value.([]any)
	if !isList {
		list = []any{value}
	}
	found := []string{}
	for _, item := range list {
		if text, isText := item.(string); isText {
			found = append(found, text)
		}
	}
	return found
}

// scopeOf: `scope` as RFC 9068 2.2.3 has it, or the list `scp`.
func scopeOf(claims map[string]any) []string {
	if scope, isText := claims["scope"].(string); isText {
		return strings.Fields(scope)
	}
	return texts(claims["scp"])
}

// Claims that are the server's own.
var standard = strings.Fields("iss sub aud exp nbf iat jti client_id scp scope ext gid rid")

// claimsOf: the consent app's stand in `ext`, at the top level, or both.
func claimsOf(claims map[string]any) map[string]any {
	added := maps.Clone(claims)
	for _, name := range standard {
		delete(added, name)
	}
	if below, isObject := claims["ext"].(map[string]any); isObject {
		maps.Copy(added, below)
	}
	return added
}
