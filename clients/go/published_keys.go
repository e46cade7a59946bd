package introspect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// The server's key set for access tokens: keys of other sets prove nothing about an access token.
	accessTokenKeySet = "hydra.jwt.access-token"
	fetchTimeout      = 3 * time.Second
	// The least time between two requests, whatever tokens and the feed ask for.
	coolDown          = 500 * time.Millisecond
	longestCoolDown   = 10 * time.Second
	maxAgeWithoutWord = 5 * time.Minute
	longestMaxAge     = 24 * time.Hour
	// A document whose revision the feed confirms is not asked for again before, however short its Cache-Control is.
	leastAge        = time.Minute
	longestDocument = 1 << 20
)

// Asymmetric algorithms alone (RFC 8725 3.1): what is published could never be a key for a MAC.
var algorithms = []jose.SignatureAlgorithm{
	jose.ES256, jose.ES384, jose.ES512, jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

// publishedKeys is the server's JWK Set (RFC 7517 section 5): kept as Cache-Control says, fetched by one request for all
// who wait, and again when the feed tells of another revision or a token names a key that is not known.
type publishedKeys struct {
	uri       string
	onTrouble func(string, error)

	mutex        sync.Mutex
	keys         map[string]*jose.JSONWebKey
	etag         string
	expiresAt    time.Time
	fetching     chan struct{}
	fetchAgainAt time.Time
	fruitless    int
}

var quotes = regexp.MustCompile(`^(?:W/)?"(.*)"$`)

func (keys *publishedKeys) revision() string {
	keys.mutex.Lock()
	defer keys.mutex.Unlock()
	return keys.knownRevision()
}

func (keys *publishedKeys) knownRevision() string { return quotes.ReplaceAllString(keys.etag, "$1") }

func (keys *publishedKeys) isAt(revision string) bool {
	return revision != "" && revision == keys.knownRevision()
}

// isCurrent: whether a token may be verified with what is known, where the feed says that this is the revision.
func (keys *publishedKeys) isCurrent(revision string) bool {
	keys.mutex.Lock()
	defer keys.mutex.Unlock()
	return keys.areCurrent(revision)
}

func (keys *publishedKeys) areCurrent(revision string) bool {
	return len(keys.keys) > 0 && (time.Now().Before(keys.expiresAt) || keys.isAt(revision))
}

// follow: the feed says which revision is published now; what has grown old is fetched too.
func (keys *publishedKeys) follow(revision string) {
	keys.mutex.Lock()
	defer keys.mutex.Unlock()
	now := time.Now()
	if now.Before(keys.fetchAgainAt) {
		return
	}
	if !keys.isAt(revision) || now.After(keys.expiresAt) && now.After(keys.fetchAgainAt.Add(leastAge)) {
		keys.refresh(revision)
	}
}

// find returns the key of this name, or nil; sure is false where there might be one that cannot be fetched now. The
// revision is what is published now, if that is known. The same pointer is the same key, of the same document.
func (keys *publishedKeys) find(ctx context.Context, kid, revision string) (key *jose.JSONWebKey, sure bool) {
	keys.mutex.Lock()
	defer keys.mutex.Unlock()
	if key = keys.keys[kid]; key != nil || keys.isAt(revision) {
		return key, true
	}
	if keys.fetching != nil || !time.Now().Before(keys.fetchAgainAt) {
		fetched := keys.refresh(revision)
		keys.mutex.Unlock()
		select {
		case <-fetched:
		case <-ctx.Done():
		}
		keys.mutex.Lock()
	}
	key = keys.keys[kid]
	return key, key != nil || keys.isAt(revision)
}

// refresh begins to fetch, or joins who does; the mutex is held.
func (keys *publishedKeys) refresh(revision string) <-chan struct{} {
	if keys.fetching != nil {
		return keys.fetching
	}
	done := make(chan struct{})
	keys.fetching = done
	go func(etag string) {
		document, err := keys.fetch(etag)
		keys.mutex.Lock()
		if err == nil {
			keys.install(document)
		}
		// A cache on the way may go on answering with what it has: it is asked less and less often.
		if keys.areCurrent(revision) && (revision == "" || keys.isAt(revision)) {
			keys.fruitless = 0
		} else {
			keys.fruitless = min(keys.fruitless+1, 5)
		}
		keys.fetchAgainAt = time.Now().Add(min(coolDown<<keys.fruitless, longestCoolDown))
		keys.fetching = nil
		keys.mutex.Unlock()
		close(done)
		if err != nil {
			keys.onTrouble("the published keys cannot be fetched", err)
		}
	}(keys.etag)
	return done
}

type keyDocument struct {
	// Nil where the document that is known is still the right one.
	keys   map[string]*jose.JSONWebKey
	etag   string
	maxAge time.Duration
}

func (keys *publishedKeys) install(document keyDocument) {
	if document.keys != nil {
		keys.keys, keys.etag = document.keys, document.etag
	}
	keys.expiresAt = time.Now().Add(document.maxAge)
}

var client = &http.Client{
	Timeout:       fetchTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (keys *publishedKeys) fetch(etag string) (keyDocument, error) {
	request, err := http.NewRequest(http.MethodGet, keys.uri, nil)
	if err != nil {
		return keyDocument{}, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Cache-Control", "no-cache")
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	answer, err := client.Do(request)
	if err != nil {
		return keyDocument{}, err
	}
	defer answer.Body.Close()
	document := keyDocument{etag: answer.Header.Get("ETag"), maxAge: maxAge(answer.Header.Get("Cache-Control"))}
	switch answer.StatusCode {
	case http.StatusNotModified:
		return document, nil
	case http.StatusOK:
		document.keys, err = importKeys(io.LimitReader(answer.Body, longestDocument))
		return document, err
	}
	return keyDocument{}, fmt.Errorf("%s answered %d", keys.uri, answer.StatusCode)
}

var maxAgePattern = regexp.MustCompile(`(?i)\bmax-age=(\d+)`)

// maxAge is RFC 9111 5.2.2.
func maxAge(cacheControl string) time.Duration {
	lower := strings.ToLower(cacheControl)
	if strings.Contains(lower, "no-cache") || strings.Contains(lower, "no-store") {
		return 0
	}
	found := maxAgePattern.FindStringSubmatch(cacheControl)
	if found == nil {
		return maxAgeWithoutWord
	}
	seconds, err := strconv.Atoi(found[1])
	if err != nil || seconds > int(longestMaxAge/time.Second) {
		return longestMaxAge
	}
	return time.Duration(seconds) * time.Second
}

func importKeys(document io.Reader) (map[string]*jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(document).Decode(&set); err != nil {
		return nil, err
	}
	known := map[string]*jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		var more struct {
			KeySet string `json:"key_set"`
		}
		// What is not understood is passed over (RFC 7517 section 5).
		if json.Unmarshal(raw, &more) != nil || more.KeySet != "" && more.KeySet != accessTokenKeySet {
			continue
		}
		if json.Unmarshal(raw, &key) == nil && key.IsPublic() && key.Valid() && isUsable(key) {
			known[key.KeyID] = &key
		}
	}
	return known, nil
}

func isUsable(key jose.JSONWebKey) bool {
	for _, algorithm := range algorithms {
		if key.Algorithm == string(algorithm) {
			return key.KeyID != "" && (key.Use == "" || key.Use == "sig")
		}
	}
	return false
}
