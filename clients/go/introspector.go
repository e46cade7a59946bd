package introspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	introspectionv1 "tessera.example/introspect/gen/tessera/introspection/v1"
	tokenv1 "tessera.example/introspect/gen/tessera/token/v1"
)

const longestToken = 256 * 1024

// Introspector decides whether a token is good: from memory while that is fresh enough, else by asking the server; where
// neither can tell it says so. An outage is never a verdict. Its methods may be called at once.
type Introspector struct {
	options Options
	server  server
	// Nil where only HTTP is offered.
	memory *memory
	asked  atomic.Int64

	stop    context.CancelFunc
	running sync.WaitGroup
	news    chan struct{}
}

// memory is what is kept of the server.
type memory struct {
	feed   *revocationFeed
	keys   *publishedKeys
	tokens *jwtAccessTokens
}

// Status is for monitoring.
type Status struct {
	// Ready: JWT access tokens are decided from memory now.
	Ready bool
	// Staleness is how far memory is behind.
	Staleness time.Duration
	// Revocations in memory.
	Revocations int
	// KeysRevision of the keys that are known.
	KeysRevision string
	// Asked is how often the server was asked about a token.
	Asked int64
	// Resets is how often the feed could not go on from where it was left, and was read from its beginning.
	Resets int
}

// New checks the options; nothing is called before Start.
func New(options Options) (*Introspector, error) {
	if options.Issuer == "" {
		return nil, errors.New("introspect: the issuer is missing")
	}
	if (len(options.Audience) == 0) != options.AnyAudience {
		return nil, errors.New("introspect: either an audience or AnyAudience is needed")
	}
	setDefault(&options.MaxStaleness, time.Second)
	setDefault(&options.ClockSkew, time.Minute)
	setDefault(&options.Timeout, 2*time.Second)
	setDefault(&options.JWKSURI, strings.TrimSuffix(options.Issuer, "/")+"/.well-known/jwks.json")
	if options.OnTrouble == nil {
		options.OnTrouble = func(string, error) {}
	}
	introspector := &Introspector{options: options, stop: func() {}, news: make(chan struct{}, 1)}
	switch {
	case options.HTTP != nil:
		introspector.server = httpServer{*options.HTTP}
	case options.Token != nil && options.Introspection != nil:
		introspector.server = grpcServer{introspectionv1.NewIntrospectionServiceClient(options.Introspection)}
		introspector.memory = newMemory(options, introspector.tellNews)
	default:
		return nil, errors.New("introspect: neither connections nor HTTP are given")
	}
	return introspector, nil
}

func setDefault[T comparable](value *T, byDefault T) {
	var zero T
	if *value == zero {
		*value = byDefault
	}
}

func newMemory(options Options, onNews func()) *memory {
	keys := &publishedKeys{uri: options.JWKSURI, onTrouble: options.OnTrouble}
	index := &revocationIndex{}
	index.clear()
	feed := &revocationFeed{
		client:    tokenv1.NewRevocationServiceClient(options.Token),
		index:     index,
		onTrouble: options.OnTrouble,
		onNews: func(keysRevision string) {
			keys.follow(keysRevision)
			onNews()
		},
	}
	return &memory{feed, keys, &jwtAccessTokens{issuer: options.Issuer, keys: keys}}
}

func (introspector *Introspector) tellNews() {
	select {
	case introspector.news <- struct{}{}:
	default:
	}
}

// Start begins to follow the server; it returns when tokens are decided from memory, or with the context's error.
func (introspector *Introspector) Start(ctx context.Context) error {
	if introspector.memory == nil {
		return nil
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	introspector.stop = stop
	introspector.running.Go(func() { introspector.memory.feed.run(following) })
	introspector.memory.keys.follow("")
	for !introspector.Status().Ready {
		select {
		case <-introspector.news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Close ends the feed and waits for it. The connections stay open.
func (introspector *Introspector) Close() {
	introspector.stop()
	introspector.running.Wait()
}

// Status tells how things stand.
func (introspector *Introspector) Status() Status {
	if introspector.memory == nil {
		return Status{Ready: true, Asked: introspector.asked.Load()}
	}
	feed, keys := introspector.memory.feed, introspector.memory.keys
	state := feed.state()
	return Status{
		Ready:        introspector.isReady(state),
		Staleness:    state.staleness,
		Revocations:  feed.index.size(),
		KeysRevision: keys.revision(),
		Asked:        introspector.asked.Load(),
		Resets:       state.resets,
	}
}

func (introspector *Introspector) isFresh(state feedState) bool {
	return state.staleness <= introspector.options.MaxStaleness
}

func (introspector *Introspector) isReady(state feedState) bool {
	return introspector.isFresh(state) && introspector.memory.keys.isCurrent(state.keysRevision)
}

// Introspect returns nil without an error for a token that is not good, and ErrUnavailable where it cannot be known.
func (introspector *Introspector) Introspect(ctx context.Context, token string) (*Decision, error) {
	if token == "" || len(token) > longestToken {
		return nil, nil
	}
	memory := introspector.memory
	if memory == nil || !hasJWTForm(token) {
		return introspector.ask(ctx, token)
	}
	revision := ""
	if state := memory.feed.state(); introspector.isFresh(state) {
		revision = state.keysRevision
	}
	read, sure := memory.tokens.read(ctx, token, revision)
	if !sure {
		return introspector.ask(ctx, token)
	}
	if read == nil || !introspector.isCurrent(read) || !introspector.isMeantForUs(read.Audience) {
		return nil, nil
	}
	// How fresh memory is is asked before what it knows, so that it is no older than that.
	state := memory.feed.state()
	// What was revoked stays so, however stale memory is.
	if memory.feed.index.has(read) {
		return nil, nil
	}
	if introspector.isReady(state) && read.issuedAtMs >= state.deletionsMissingBefore {
		return read.Decision.copied(), nil
	}
	return introspector.ask(ctx, token)
}

func (introspector *Introspector) ask(ctx context.Context, token string) (*Decision, error) {
	introspector.asked.Add(1)
	ctx, cancel := context.WithTimeout(ctx, introspector.options.Timeout)
	defer cancel()
	decision, err := introspector.server.introspect(ctx, token)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if decision == nil || !introspector.isMeantForUs(decision.Audience) {
		return nil, nil
	}
	return decision, nil
}

// isMeantForUs is RFC 9068 section 4.
func (introspector *Introspector) isMeantForUs(audience []string) bool {
	return introspector.options.AnyAudience || slices.ContainsFunc(introspector.options.Audience, func(name string) bool {
		return slices.Contains(audience, name)
	})
}

func (introspector *Introspector) isCurrent(token *verifiedToken) bool {
	now := time.Now()
	return token.ExpiresAt > now.Unix() && token.notBefore <= now.Add(introspector.options.ClockSkew).Unix()
}
