// Package introspect says whether access tokens of a Tessera server are good, without asking it for each: JWT access tokens
// are verified with the published keys (RFC 9068), and the server's feed of revocations tells which of them ended early.
package introspect

import (
	"context"
	"errors"
	"slices"
	"time"

	"google.golang.org/grpc"
)

// Options is what a resource server says about itself and about the server whose tokens it takes. Either Token and
// Introspection are given, or HTTP.
type Options struct {
	// Issuer, exactly as its tokens have it.
	Issuer string
	// Audience: what this resource server is called in tokens (RFC 9068 section 4); a token must name one of these.
	Audience []string
	// AnyAudience takes tokens whatever audience they name, or none.
	AnyAudience bool
	// Token and Introspection are connections to the services of these names, mostly the same; they stay the caller's to
	// close. Their credentials say who calls: a client certificate, or a ServiceToken.
	Token, Introspection grpc.ClientConnInterface
	// HTTP is used where no gRPC is offered: every token is asked about.
	HTTP *HTTPConnection
	// MaxStaleness is how far an answer from memory may be behind; 1 s unless said otherwise.
	MaxStaleness time.Duration
	// ClockSkew is how far the issuer's clock may be ahead; a minute unless said otherwise. Nothing lives longer for it.
	ClockSkew time.Duration
	// JWKSURI is where the keys are published; /.well-known/jwks.json below the issuer unless said otherwise.
	JWKSURI string
	// Timeout is what the server is given to answer; 2 s unless said otherwise.
	Timeout time.Duration
	// OnTrouble is told of what goes wrong in the background and is tried again; never of a token.
	OnTrouble func(what string, cause error)
}

// HTTPConnection is the public introspection endpoint (RFC 7662), and a confidential client that may ask there.
type HTTPConnection struct {
	Endpoint, ClientID, ClientSecret string
}

// ErrUnavailable: it cannot be known now whether the token is good. Never a verdict on the token.
var ErrUnavailable = errors.New("whether the token is good cannot be known at the moment")

// Where a decision was made.
const (
	FromMemory = "memory"
	FromServer = "server"
)

// Decision is what is known of a token that is good.
type Decision struct {
	// Subject; of a token that a client has for itself, the client.
	Subject  string
	ClientID string
	Scope    []string
	Audience []string
	// IssuedAt and ExpiresAt are epoch seconds.
	IssuedAt, ExpiresAt int64
	// TokenID is the jti, GrantID the grant it was issued under; each empty where there is none or it is not told.
	TokenID, GrantID string
	// Claims are what the consent app added.
	Claims map[string]any
	// Source: FromMemory or FromServer.
	Source string
}

// copied: what is remembered of a token is handed out at each of its uses, and may be changed there.
func (decision Decision) copied() *Decision {
	decision.Scope, decision.Audience = slices.Clone(decision.Scope), slices.Clone(decision.Audience)
	decision.Claims = copiedJSON(decision.Claims).(map[string]any)
	return &decision
}

func copiedJSON(value any) any {
	switch value := value.(type) {
	case map[string]any:
		copied := make(map[string]any, len(value))
		for name, each := range value {
			copied[name] = copiedJSON(each)
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for index, each := range value {
			copied[index] = copiedJSON(each)
		}
		return copied
	}
	return value
}

// ServiceToken shows a service token, as `tessera service-token resource_server` prints it, on a connection:
// grpc.WithPerRPCCredentials(introspect.ServiceToken("…")).
type ServiceToken string

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (token ServiceToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(token)}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: the loopback needs none.
func (ServiceToken) RequireTransportSecurity() bool { return false }
