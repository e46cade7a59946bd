package introspect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	introspectionv1 "tessera.example/introspect/gen/tessera/introspection/v1"
)

// server asks about a token; nil for one that is not good. A token that is no access token is not good.
type server interface {
	introspect(ctx context.Context, token string) (*Decision, error)
}

type grpcServer struct {
	client introspectionv1.IntrospectionServiceClient
}

func (server grpcServer) introspect(ctx context.Context, token string) (*Decision, error) {
	answer, err := server.client.Introspect(ctx, &introspectionv1.IntrospectRequest{Token: token})
	if err != nil || !answer.GetActive() || answer.GetTokenUse() != "access_token" {
		return nil, err
	}
	claims := map[string]any{}
	if ext := answer.GetExtJson(); len(ext) > 0 {
		if err := json.Unmarshal(ext, &claims); err != nil {
			return nil, err
		}
	}
	return &Decision{
		Subject: answer.GetSub(), ClientID: answer.GetClientId(), Scope: strings.Fields(answer.GetScope()),
		Audience: answer.GetAud(), IssuedAt: int64(answer.GetIat()), ExpiresAt: int64(answer.GetExp()),
		TokenID: answer.GetJti(), GrantID: answer.GetGrantId(), Claims: claims, Source: FromServer,
	}, nil
}

// httpServer asks the public introspection endpoint (RFC 7662).
type httpServer struct {
	connection HTTPConnection
}

func (server httpServer) introspect(ctx context.Context, token string) (*Decision, error) {
	form := url.Values{"token": {token}, "token_type_hint": {"access_token"}}.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.connection.Endpoint, strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	// RFC 6749 2.3.1: both are encoded as in a form.
	request.SetBasicAuth(url.QueryEscape(server.connection.ClientID), url.QueryEscape(server.connection.ClientSecret))
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the introspection endpoint answered %d", answer.StatusCode)
	}
	var said struct {
		Active   *bool          `json:"active"`
		TokenUse string         `json:"token_use"`
		Sub      string         `json:"sub"`
		ClientID string         `json:"client_id"`
		Scope    string         `json:"scope"`
		Aud      any            `json:"aud"`
		Iat      int64          `json:"iat"`
		Exp      int64          `json:"exp"`
		Jti      string         `json:"jti"`
		Ext      map[string]any `json:"ext"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil {
		return nil, err
	}
	if said.Active == nil {
		return nil, fmt.Errorf("the introspection endpoint answered something else")
	}
	if !*said.Active || said.TokenUse != "access_token" {
		return nil, nil
	}
	return &Decision{
		Subject: said.Sub, ClientID: said.ClientID, Scope: strings.Fields(said.Scope), Audience: texts(said.Aud),
		IssuedAt: said.Iat, ExpiresAt: said.Exp, TokenID: said.Jti, Claims: said.Ext, Source: FromServer,
	}, nil
}
