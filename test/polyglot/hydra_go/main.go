// Clients, key sets and introspection through Hydra's own SDK for Go.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	hydra "github.com/ory/hydra-client-go/v2"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	public, admin := apiAt(os.Args[1], nil), apiAt(os.Args[2], nil)

	discovery, _, err := public.OidcAPI.DiscoverOidcConfiguration(ctx).Execute()
	check(err)
	client := hydra.NewOAuth2Client()
	client.SetClientName("sdk go")
	client.SetOwner("sdk go")
	client.SetGrantTypes([]string{"client_credentials"})
	client.SetScope("read")
	created, _, err := admin.OAuth2API.CreateOAuth2Client(ctx).OAuth2Client(*client).Execute()
	check(err)
	listed, _, err := admin.OAuth2API.ListOAuth2Clients(ctx).Owner("sdk go").PageSize(10).Execute()
	check(err)
	patched, _, err := admin.OAuth2API.PatchOAuth2Client(ctx, created.GetClientId()).
		JsonPatch([]hydra.JsonPatch{{Op: "replace", Path: "/client_name", Value: "patched"}}).Execute()
	check(err)

	key := hydra.NewCreateJsonWebKeySet("ES256", "first", "sig")
	_, _, err = admin.JwkAPI.CreateJsonWebKeySet(ctx, "sdk-go").CreateJsonWebKeySet(*key).Execute()
	check(err)
	keys, _, err := admin.JwkAPI.GetJsonWebKeySet(ctx, "sdk-go").Execute()
	check(err)
	_, err = admin.JwkAPI.DeleteJsonWebKeySet(ctx, "sdk-go").Execute()
	check(err)

	caller := apiAt(os.Args[1], &basic{created.GetClientId(), created.GetClientSecret()})
	issued, _, err := caller.OAuth2API.Oauth2TokenExchange(ctx).GrantType("client_credentials").Execute()
	check(err)
	token, _, err := admin.OAuth2API.IntrospectOAuth2Token(ctx).Token(issued.GetAccessToken()).Execute()
	check(err)
	_, err = admin.OAuth2API.DeleteOAuth2Client(ctx, created.GetClientId()).Execute()
	check(err)
	_, answer, err := admin.OAuth2API.GetOAuth2Client(ctx, created.GetClientId()).Execute()
	if err == nil {
		log.Fatal("a deleted client is there")
	}
	fmt.Printf("issuer=%t listed=%d patched=%s keys=%d active=%t client=%t gone=%d\n",
		discovery.GetIssuer() == os.Args[1], len(listed), patched.GetClientName(), len(keys.GetKeys()),
		token.GetActive(), token.GetClientId() == created.GetClientId(), answer.StatusCode)
}

// basic authenticates each request as a client.
type basic struct{ id, secret string }

func (b *basic) RoundTrip(request *http.Request) (*http.Response, error) {
	request.SetBasicAuth(b.id, b.secret)
	return http.DefaultTransport.RoundTrip(request)
}

func apiAt(url string, transport http.RoundTripper) *hydra.APIClient {
	configuration := hydra.NewConfiguration()
	configuration.Servers = hydra.ServerConfigurations{{URL: url}}
	if transport != nil {
		configuration.HTTPClient = &http.Client{Transport: transport}
	}
	return hydra.NewAPIClient(configuration)
}

func check(err error) {
	if err == nil {
		return
	}
	if answered, ok := err.(*hydra.GenericOpenAPIError); ok {
		log.Fatalf("%v: %s", err, answered.Body())
	}
	log.Fatal(err)
}
