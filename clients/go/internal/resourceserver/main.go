// A resource server for the tests: net/http and gRPC, both guarded. What it is told is its argument, as JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	"tessera.example/introspect"
)

type told struct {
	Issuer         string
	Audience       *string
	MaxStalenessMs int64
	GRPC           *struct{ Token, Introspection, ServiceToken string }
	HTTP           *struct{ IntrospectionEndpoint, ClientID, ClientSecret string }
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	introspector, err := introspect.New(options())
	if err != nil {
		log.Fatal(err)
	}
	starting, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := introspector.Start(starting); err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: handler(introspector)}
	calls := grpc.NewServer(
		grpc.UnaryInterceptor(introspector.UnaryInterceptor(introspect.Needs(introspect.Requirement{Scope: []string{"read"}}))),
	)
	healthv1.RegisterHealthServer(calls, checked{health.NewServer()})
	httpPort := listen(server.Serve)
	grpcPort := listen(calls.Serve)
	fmt.Printf("{\"http\": %d, \"grpc\": %d}\n", httpPort, grpcPort)
	<-ctx.Done()
	_ = server.Close()
	calls.Stop()
	introspector.Close()
}

// checked answers where the decision was handed over.
type checked struct{ *health.Server }

func (server checked) Check(ctx context.Context, in *healthv1.HealthCheckRequest) (*healthv1.HealthCheckResponse, error) {
	if introspect.FromContext(ctx) == nil {
		return nil, errors.New("no decision")
	}
	return server.Server.Check(ctx, in)
}

func listen(serve func(net.Listener) error) int {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = serve(listener) }()
	return listener.Addr().(*net.TCPAddr).Port
}

func options() introspect.Options {
	given := told{MaxStalenessMs: 3000}
	if err := json.Unmarshal([]byte(os.Args[1]), &given); err != nil {
		log.Fatal(err)
	}
	options := introspect.Options{
		Issuer:       given.Issuer,
		AnyAudience:  given.Audience == nil,
		MaxStaleness: time.Duration(given.MaxStalenessMs) * time.Millisecond,
		OnTrouble:    func(what string, cause error) { log.Printf("%s: %v", what, cause) },
	}
	if given.Audience != nil {
		options.Audience = []string{*given.Audience}
	}
	if given.HTTP != nil {
		options.HTTP = &introspect.HTTPConnection{
			Endpoint: given.HTTP.IntrospectionEndpoint, ClientID: given.HTTP.ClientID, ClientSecret: given.HTTP.ClientSecret,
		}
		return options
	}
	options.Token = connect(given.GRPC.Token, given.GRPC.ServiceToken)
	options.Introspection = connect(given.GRPC.Introspection, given.GRPC.ServiceToken)
	return options
}

func connect(address, serviceToken string) *grpc.ClientConn {
	quick := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}
	with := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: quick}),
	}
	if serviceToken != "" {
		with = append(with, grpc.WithPerRPCCredentials(introspect.ServiceToken(serviceToken)))
	}
	connection, err := grpc.NewClient(address, with...)
	if err != nil {
		log.Fatal(err)
	}
	return connection
}

func handler(introspector *introspect.Introspector) http.Handler {
	mux := http.NewServeMux()
	decided := http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		answer(writer, introspect.FromContext(request.Context()))
	})
	mux.Handle("/any", introspector.Middleware(introspect.Requirement{})(decided))
	mux.Handle("/read", introspector.Middleware(introspect.Requirement{Scope: []string{"read"}, Realm: `the "api"`})(decided))
	mux.HandleFunc("/introspect", func(writer http.ResponseWriter, request *http.Request) {
		token, _ := io.ReadAll(request.Body)
		decision, err := introspector.Introspect(request.Context(), string(token))
		if err != nil {
			writer.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		answer(writer, decision)
	})
	mux.HandleFunc("/status", func(writer http.ResponseWriter, request *http.Request) {
		status := introspector.Status()
		tell(writer, map[string]any{
			"ready": status.Ready, "staleness_ms": status.Staleness.Milliseconds(), "revocations": status.Revocations,
			"keys_revision": status.KeysRevision, "asked": status.Asked, "resets": status.Resets,
		})
	})
	return mux
}

func answer(writer http.ResponseWriter, decision *introspect.Decision) {
	if decision == nil {
		tell(writer, map[string]any{"active": false})
		return
	}
	tell(writer, map[string]any{
		"active": true, "subject": decision.Subject, "client_id": decision.ClientID, "scope": decision.Scope,
		"audience": decision.Audience, "issued_at": decision.IssuedAt, "expires_at": decision.ExpiresAt,
		"token_id": decision.TokenID, "grant_id": decision.GrantID, "claims": decision.Claims, "source": decision.Source,
	})
}

func tell(writer http.ResponseWriter, value any) {
	if err := json.NewEncoder(writer).Encode(value); err != nil {
		log.Print(err)
	}
}
