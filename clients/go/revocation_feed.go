package introspect

import (
	"context"
	"math"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	tokenv1 "tessera.example/introspect/gen/tessera/token/v1"
)

// Heartbeats come several times a second: what has been silent for so long is dead, whatever the connection says.
const (
	longestSilence = 5 * time.Second
	longestPause   = time.Second
)

// revocationFeed follows the server's feed: opens it again where it breaks off, goes on from the last cursor, and knows how
// stale it is.
type revocationFeed struct {
	client    tokenv1.RevocationServiceClient
	index     *revocationIndex
	onTrouble func(string, error)
	// After each message, with the revision of the published keys.
	onNews func(keysRevision string)

	mutex                  sync.Mutex
	cursor                 []byte
	freshAt                time.Time
	keysRevision           string
	deletionsMissingBefore int64
	resets                 int
}

// state is what the feed has told so far.
type feedState struct {
	staleness              time.Duration
	keysRevision           string
	deletionsMissingBefore int64
	resets                 int
}

func (feed *revocationFeed) state() feedState {
	feed.mutex.Lock()
	defer feed.mutex.Unlock()
	staleness := time.Duration(math.MaxInt64)
	if !feed.freshAt.IsZero() {
		staleness = time.Since(feed.freshAt)
	}
	return feedState{staleness, feed.keysRevision, feed.deletionsMissingBefore, feed.resets}
}

// run follows the feed until the context ends.
func (feed *revocationFeed) run(ctx context.Context) {
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		heard, err := feed.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if heard {
			pause = 50 * time.Millisecond
		}
		if status.Code(err) == codes.OutOfRange {
			feed.reset()
		} else {
			feed.onTrouble("the feed of revocations broke off and is opened again", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, longestPause)
	}
}

func (feed *revocationFeed) follow(ctx context.Context) (heard bool, err error) {
	ctx, giveUp := context.WithCancel(ctx)
	defer giveUp()
	watchdog := time.AfterFunc(longestSilence, giveUp)
	defer watchdog.Stop()
	stream, err := feed.client.WatchRevocations(ctx, &tokenv1.WatchRevocationsRequest{Cursor: feed.cursor})
	if err != nil {
		return false, err
	}
	var transit transit
	for {
		message, err := stream.Recv()
		if err != nil {
			return heard, err
		}
		heard = true
		watchdog.Reset(longestSilence)
		feed.take(message, &transit)
	}
}

func (feed *revocationFeed) take(message *tokenv1.WatchRevocationsResponse, transit *transit) {
	feed.index.add(message.GetRevocations())
	age := time.Duration(max(message.GetAgeMs(), message.GetDeletionsAgeMs())) * time.Millisecond
	freshAt := transit.sentAt(int64(message.GetSentAtMs()), time.Now()).Add(-age)
	feed.mutex.Lock()
	feed.cursor = message.GetCursor()
	feed.keysRevision = message.GetKeysRevision()
	feed.deletionsMissingBefore = int64(message.GetDeletionsMissingBeforeMs())
	if freshAt.After(feed.freshAt) {
		feed.freshAt = freshAt
	}
	feed.mutex.Unlock()
	feed.onNews(message.GetKeysRevision())
}

func (feed *revocationFeed) reset() {
	feed.mutex.Lock()
	defer feed.mutex.Unlock()
	feed.cursor, feed.freshAt = nil, time.Time{}
	feed.resets++
	feed.index.clear()
}

// transit tells how long messages were on their way beyond the fastest of them: in buffers, on a slow line, before a busy
// reader.
type transit struct {
	// When the sender's clock was zero, on this one, by the fastest message.
	zero   time.Time
	lastAt time.Time
}

// sentAt tells when a message that arrives now was sent, on this process's clock.
func (transit *transit) sentAt(sentAtMs int64, now time.Time) time.Time {
	if sentAtMs == 0 {
		return now
	}
	zero := now.Add(-time.Duration(sentAtMs) * time.Millisecond)
	if transit.lastAt.IsZero() {
		transit.zero = zero
	} else {
		// The two clocks may run apart by 100 ppm.
		transit.zero = transit.zero.Add(now.Sub(transit.lastAt) / 10_000)
		if zero.Before(transit.zero) {
			transit.zero = zero
		}
	}
	transit.lastAt = now
	return transit.zero.Add(time.Duration(sentAtMs) * time.Millisecond)
}
