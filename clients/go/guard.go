package introspect

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Requirement is what a token must have.
type Requirement struct {
	// Scope: all of these.
	Scope []string
	// CoversScope says whether the scopes of a token cover one that is needed; the same characters unless given.
	CoversScope func(granted []string, needed string) bool
	// Realm is told to clients in WWW-Authenticate.
	Realm string
}

// refusal is why a request is not let through.
type refusal struct {
	status             int
	code               codes.Code
	error, description string
	challenge          string
}

var (
	bearer    = regexp.MustCompile(`(?i)^Bearer +([A-Za-z0-9._~+/-]+=*) *$`)
	isBearer  = regexp.MustCompile(`(?i)^Bearer\b`)
	unprinted = regexp.MustCompile(`[^\x20-\x7e]`)
)

// judge lets a request through or says why not (RFC 6750).
func (introspector *Introspector) judge(ctx context.Context, authorization string, needed Requirement) (*Decision, *refusal) {
	refuse := func(status int, code codes.Code, error, description string, more ...string) (*Decision, *refusal) {
		parameters := []string{}
		if needed.Realm != "" {
			parameters = append(parameters, "realm="+quote(needed.Realm))
		}
		if error != "" {
			parameters = append(parameters, "error="+quote(error), "error_description="+quote(description))
		}
		challenge := strings.TrimSpace("Bearer " + strings.Join(append(parameters, more...), ", "))
		return nil, &refusal{status, code, error, description, challenge}
	}
	// RFC 6750 3.1: who shows nothing is told of no error.
	if !isBearer.MatchString(authorization) {
		return refuse(http.StatusUnauthorized, codes.Unauthenticated, "", "A token is needed.")
	}
	shown := bearer.FindStringSubmatch(authorization)
	if shown == nil {
		return refuse(http.StatusBadRequest, codes.Unauthenticated, "invalid_request", "The Authorization field is malformed.")
	}
	decision, err := introspector.Introspect(ctx, shown[1])
	if err != nil {
		return nil, &refusal{
			status: http.StatusServiceUnavailable, code: codes.Unavailable, error: "temporarily_unavailable",
			description: "Whether the token is good cannot be known at the moment.",
		}
	}
	if decision == nil {
		return refuse(http.StatusUnauthorized, codes.Unauthenticated, "invalid_token",
			"The access token is not good, or no longer.")
	}
	covers := needed.CoversScope
	if covers == nil {
		covers = slices.Contains[[]string]
	}
	for _, scope := range needed.Scope {
		if !covers(decision.Scope, scope) {
			return refuse(http.StatusForbidden, codes.PermissionDenied, "insufficient_scope",
				"The access token has not every scope that is needed.", "scope="+quote(strings.Join(needed.Scope, " ")))
		}
	}
	return decision, nil
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`"`, `\"`, `\`, `\\`).Replace(unprinted.ReplaceAllString(text, "")) + `"`
}

type contextKey struct{}

// FromContext is the decision on the token of a request or a call; nil where none was needed.
func FromContext(ctx context.Context) *Decision {
	decision, _ := ctx.Value(contextKey{}).(*Decision)
	return decision
}

// Middleware lets through the requests whose token is good and has what is needed; the decision is in their context.
func (introspector *Introspector) Middleware(needed Requirement) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
			decision, refused := introspector.judge(request.Context(), request.Header.Get("Authorization"), needed)
			if refused == nil {
				next.ServeHTTP(writer, request.WithContext(context.WithValue(request.Context(), contextKey{}, decision)))
				return
			}
			header := writer.Header()
			header.Set("Content-Type", "application/json")
			header.Set("Cache-Control", "no-store")
			if refused.challenge != "" {
				header.Set("WWW-Authenticate", refused.challenge)
			} else {
				header.Set("Retry-After", "1")
			}
			name := refused.error
			if name == "" {
				name = "unauthorized"
			}
			writer.WriteHeader(refused.status)
			_ = json.NewEncoder(writer).Encode(map[string]string{"error": name, "error_description": refused.description})
		})
	}
}

// RequirementOf says what a method needs, by its path /package.Service/Method; nil: it is open to everybody.
type RequirementOf func(method string) *Requirement

// Needs is a RequirementOf: the same for every method.
func Needs(needed Requirement) RequirementOf {
	return func(string) *Requirement { return &needed }
}

func (introspector *Introspector) authorize(ctx context.Context, method string, of RequirementOf) (context.Context, error) {
	needed := of(method)
	if needed == nil {
		return ctx, nil
	}
	authorization := strings.Join(metadata.ValueFromIncomingContext(ctx, "authorization"), ", ")
	decision, refused := introspector.judge(ctx, authorization, *needed)
	if refused != nil {
		return nil, status.Error(refused.code, refused.description)
	}
	return context.WithValue(ctx, contextKey{}, decision), nil
}

// UnaryInterceptor lets through the calls whose token is good and has what is needed; the decision is in their context.
func (introspector *Introspector) UnaryInterceptor(of RequirementOf) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		ctx, err := introspector.authorize(ctx, info.FullMethod, of)
		if err != nil {
			return nil, err
		}
		return handler(ctx, request)
	}
}

// StreamInterceptor is the same for streams: a token is looked at when the stream begins.
func (introspector *Introspector) StreamInterceptor(of RequirementOf) grpc.StreamServerInterceptor {
	return func(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		ctx, err := introspector.authorize(stream.Context(), info.FullMethod, of)
		if err != nil {
			return err
		}
		return handler(service, authorizedStream{stream, ctx})
	}
}

type authorizedStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (stream authorizedStream) Context() context.Context { return stream.ctx }
