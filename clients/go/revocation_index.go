package introspect

import (
	"sync"
	"time"

	tokenv1 "tessera.example/introspect/gen/tessera/token/v1"
)

const sweepEvery = time.Minute

type until struct{ notBeforeMs, expiresAt int64 }

// revocationIndex is the live revocations in memory; the same rule as the server's own introspection applies.
type revocationIndex struct {
	mutex sync.RWMutex
	// Of tokens, grants and registrations: when to forget them, in epoch seconds.
	ids               map[string]int64
	clients, subjects map[string]until
	sweptAt           time.Time
}

func (index *revocationIndex) clear() {
	index.mutex.Lock()
	defer index.mutex.Unlock()
	index.ids, index.clients, index.subjects = map[string]int64{}, map[string]until{}, map[string]until{}
}

func (index *revocationIndex) size() int {
	index.mutex.RLock()
	defer index.mutex.RUnlock()
	return len(index.ids) + len(index.clients) + len(index.subjects)
}

func (index *revocationIndex) add(revocations []*tokenv1.Revocation) {
	index.mutex.Lock()
	defer index.mutex.Unlock()
	for _, each := range revocations {
		key, expiresAt := each.GetKey(), int64(each.GetExpiresAt())
		switch each.GetKind() {
		case tokenv1.RevocationKind_REVOCATION_KIND_TOKEN, tokenv1.RevocationKind_REVOCATION_KIND_GRANT,
			tokenv1.RevocationKind_REVOCATION_KIND_REGISTRATION:
			index.ids[key] = max(index.ids[key], expiresAt)
		case tokenv1.RevocationKind_REVOCATION_KIND_CLIENT:
			extend(index.clients, key, int64(each.GetNotBeforeMs()), expiresAt)
		case tokenv1.RevocationKind_REVOCATION_KIND_SUBJECT:
			extend(index.subjects, subjectKey(key, each.GetClientId()), int64(each.GetNotBeforeMs()), expiresAt)
		}
	}
	index.sweep(time.Now())
}

func extend(entries map[string]until, key string, notBeforeMs, expiresAt int64) {
	known := entries[key]
	entries[key] = until{max(known.notBeforeMs, notBeforeMs), max(known.expiresAt, expiresAt)}
}

func (index *revocationIndex) has(token *verifiedToken) bool {
	index.mutex.RLock()
	defer index.mutex.RUnlock()
	for _, id := range []string{token.TokenID, token.GrantID, token.registrationID} {
		if _, isRevoked := index.ids[id]; isRevoked {
			return true
		}
	}
	if client, found := index.clients[token.ClientID]; found && token.issuedAtMs <= client.notBeforeMs {
		return true
	}
	if token.GrantID == "" {
		return false
	}
	for _, clientID := range []string{"", token.ClientID} {
		subject, found := index.subjects[subjectKey(token.Subject, clientID)]
		if found && token.issuedAtMs <= subject.notBeforeMs {
			return true
		}
	}
	return false
}

// subjectKey names all tokens of a subject, or those of one client. Neither has a NUL character.
func subjectKey(subject, clientID string) string { return clientID + "\x00" + subject }

// sweep forgets, now and then, what names no token that is still alive.
func (index *revocationIndex) sweep(now time.Time) {
	if now.Sub(index.sweptAt) < sweepEvery {
		return
	}
	index.sweptAt = now
	for id, expiresAt := range index.ids {
		if expiresAt < now.Unix() {
			delete(index.ids, id)
		}
	}
	for _, entries := range []map[string]until{index.clients, index.subjects} {
		for key, entry := range entries {
			if entry.expiresAt < now.Unix() {
				delete(entries, key)
			}
		}
	}
}
