// Creates a client, issues a token to it and introspects the token, through stubs generated from proto/.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	clientv1 "tessera.example/polyglot/gen/tessera/client/v1"
	introspectionv1 "tessera.example/polyglot/gen/tessera/introspection/v1"
	oauthv1 "tessera.example/polyglot/gen/tessera/oauth/v1"
	tokenv1 "tessera.example/polyglot/gen/tessera/token/v1"

	"google.golang.org/grpc/status"
)

func main() {
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	created, err := clientv1.NewClientServiceClient(connection).CreateClient(ctx, &clientv1.CreateClientRequest{
		Client: &clientv1.Client{ClientName: "polyglot go", GrantTypes: []string{"client_credentials"}, Scope: "read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	id, secret := created.GetClient().GetClientId(), created.GetClientSecret()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	tokens := tokenv1.NewTokenServiceClient(connection)
	issued, err := tokens.IssueToken(ctx, &tokenv1.IssueTokenRequest{
		GrantType:   "client_credentials",
		Parameters:  map[string]string{"scope": "read"},
		Credentials: &clientv1.ClientCredentials{Authorization: basic},
	})
	if err != nil {
		log.Fatal(err)
	}
	introspection := introspectionv1.NewIntrospectionServiceClient(connection)
	result, err := introspection.Introspect(ctx, &introspectionv1.IntrospectRequest{Token: issued.GetAccessToken()})
	if err != nil {
		log.Fatal(err)
	}
	_, refused := tokens.IssueToken(ctx, &tokenv1.IssueTokenRequest{
		GrantType:   "client_credentials",
		Credentials: &clientv1.ClientCredentials{Authorization: basic + "wrong"},
	})
	fmt.Printf("active=%t client=%t scope=%s refused=%s\n",
		result.GetActive(), result.GetClientId() == id, result.GetScope(), codeOf(refused))
}

// codeOf is the OAuth error code in the status's typed detail.
func codeOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if oauthError, ok := detail.(*oauthv1.OAuthError); ok {
			return oauthError.GetCode()
		}
	}
	return "none"
}
