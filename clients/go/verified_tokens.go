package introspect

import (
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

const (
	// Of each of two generations; the older one is forgotten at once.
	mostVerifiedTokens = 5_000
	// A longer token is verified each time.
	longestRemembered = 4 * 1024
)

// verification is what one token was found to say, and by which key.
type verification struct {
	kid   string
	key   *jose.JSONWebKey
	token *verifiedToken
}

// verifiedTokens are tokens that were verified of late: a resource server sees the same ones again and again, and a signature
// costs more to verify than all else that is to be decided. Only what is good is kept, so that made-up tokens push nothing
// out. Its methods may be called at once.
type verifiedTokens struct {
	mutex      sync.RWMutex
	young, old map[string]verification
}

func (tokens *verifiedTokens) get(text string) (known verification, found bool) {
	tokens.mutex.RLock()
	known, isYoung := tokens.young[text]
	if !isYoung {
		known, found = tokens.old[text]
	}
	tokens.mutex.RUnlock()
	if found {
		tokens.set(text, known)
	}
	return known, found || isYoung
}

func (tokens *verifiedTokens) set(text string, known verification) {
	if len(text) > longestRemembered {
		return
	}
	tokens.mutex.Lock()
	defer tokens.mutex.Unlock()
	if tokens.young == nil || len(tokens.young) >= mostVerifiedTokens {
		tokens.young, tokens.old = map[string]verification{}, tokens.young
	}
	// A copy: the text may be a part of something long, which would be kept with it.
	tokens.young[strings.Clone(text)] = known
}
