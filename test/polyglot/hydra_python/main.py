"""Clients, key sets and introspection through Hydra's own SDK for Python."""

import sys

import ory_hydra_client as hydra


def main(public_url: str, admin_url: str) -> None:
    admin = hydra.ApiClient(hydra.Configuration(host=admin_url))
    clients, keys = hydra.OAuth2Api(admin), hydra.JwkApi(admin)
    public = hydra.ApiClient(hydra.Configuration(host=public_url))
    discovery = hydra.OidcApi(public).discover_oidc_configuration()

    created = clients.create_o_auth2_client(
        hydra.OAuth2Client(
            client_name="sdk python", owner="sdk python", grant_types=["client_credentials"], scope="read"
        )
    )
    listed = clients.list_o_auth2_clients(owner="sdk python", page_size=10)
    patch = [hydra.JsonPatch(op="replace", path="/client_name", value="patched")]
    patched = clients.patch_o_auth2_client(created.client_id, patch)

    keys.create_json_web_key_set(
        "sdk-python", hydra.CreateJsonWebKeySet(alg="ES256", kid="first", use="sig")
    )
    key_set = keys.get_json_web_key_set("sdk-python")
    keys.delete_json_web_key_set("sdk-python")

    as_client = hydra.Configuration(
        host=public_url, username=created.client_id, password=created.client_secret
    )
    issued = hydra.OAuth2Api(hydra.ApiClient(as_client)).oauth2_token_exchange("client_credentials")
    token = clients.introspect_o_auth2_token(issued.access_token)
    clients.delete_o_auth2_client(created.client_id)
    gone = 0
    try:
        clients.get_o_auth2_client(created.client_id)
    except hydra.ApiException as error:
        gone = error.status
    print(
        f"issuer={str(discovery.issuer == public_url).lower()} listed={len(listed)} "
        f"patched={patched.client_name} keys={len(key_set.keys or [])} active={str(token.active).lower()} "
        f"client={str(token.client_id == created.client_id).lower()} gone={gone}"
    )


main(sys.argv[1], sys.argv[2])
