"""Creates a client, issues a token to it and introspects the token, through stubs generated from proto/."""

import base64
import sys

import grpc
from grpc_status import rpc_status

from tessera.client.v1 import client_service_pb2 as client
from tessera.client.v1 import client_service_pb2_grpc as client_grpc
from tessera.introspection.v1 import introspection_service_pb2 as introspection
from tessera.introspection.v1 import introspection_service_pb2_grpc as introspection_grpc
from tessera.oauth.v1 import oauth_error_pb2 as oauth
from tessera.token.v1 import token_service_pb2 as token
from tessera.token.v1 import token_service_pb2_grpc as token_grpc


def code_of(error: grpc.RpcError) -> str:
    """The OAuth error code in the status's typed detail."""
    for detail in rpc_status.from_call(error).details:
        oauth_error = oauth.OAuthError()
        if detail.Unpack(oauth_error):
            return oauth_error.code
    return "none"


def main(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        created = client_grpc.ClientServiceStub(channel).CreateClient(
            client.CreateClientRequest(
                client=client.Client(
                    client_name="polyglot python", grant_types=["client_credentials"], scope="read"
                )
            ),
            timeout=10,
        )
        client_id = created.client.client_id
        basic = "Basic " + base64.b64encode(f"{client_id}:{created.client_secret}".encode()).decode()
        tokens = token_grpc.TokenServiceStub(channel)
        issued = tokens.IssueToken(
            token.IssueTokenRequest(
                grant_type="client_credentials",
                parameters={"scope": "read"},
                credentials=client.ClientCredentials(authorization=basic),
            ),
            timeout=10,
        )
        result = introspection_grpc.IntrospectionServiceStub(channel).Introspect(
            introspection.IntrospectRequest(token=issued.access_token), timeout=10
        )
        refused = "none"
        try:
            tokens.IssueToken(
                token.IssueTokenRequest(
                    grant_type="client_credentials",
                    credentials=client.ClientCredentials(authorization=basic + "wrong"),
                ),
                timeout=10,
            )
        except grpc.RpcError as error:
            refused = code_of(error)
        print(
            f"active={str(result.active).lower()} client={str(result.client_id == client_id).lower()} "
            f"scope={result.scope} refused={refused}"
        )


main(sys.argv[1])
