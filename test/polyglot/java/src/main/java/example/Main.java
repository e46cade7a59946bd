package example;

import com.google.protobuf.Any;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import tessera.client.v1.ClientServiceGrpc;
import tessera.client.v1.ClientServiceOuterClass.Client;
import tessera.client.v1.ClientServiceOuterClass.ClientCredentials;
import tessera.client.v1.ClientServiceOuterClass.CreateClientRequest;
import tessera.introspection.v1.IntrospectionServiceGrpc;
import tessera.introspection.v1.IntrospectionServiceOuterClass.IntrospectRequest;
import tessera.oauth.v1.OauthError.OAuthError;
import tessera.token.v1.TokenServiceGrpc;
import tessera.token.v1.TokenServiceOuterClass.IssueTokenRequest;

/** Creates a client, issues a token to it and introspects the token, through stubs generated from proto/. */
public final class Main {
  public static void main(String[] arguments) throws Exception {
    ManagedChannel channel = Grpc.newChannelBuilder(arguments[0], InsecureChannelCredentials.create()).build();
    try {
      var created = ClientServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .createClient(CreateClientRequest.newBuilder()
              .setClient(Client.newBuilder()
                  .setClientName("polyglot java")
                  .addGrantTypes("client_credentials")
                  .setScope("read"))
              .build());
      String id = created.getClient().getClientId();
      String basic = "Basic " + Base64.getEncoder()
          .encodeToString((id + ":" + created.getClientSecret()).getBytes(StandardCharsets.UTF_8));
      var tokens = TokenServiceGrpc.newBlockingStub(channel);
      var issued = tokens.withDeadlineAfter(10, TimeUnit.SECONDS).issueToken(IssueTokenRequest.newBuilder()
          .setGrantType("client_credentials")
          .putParameters("scope", "read")
          .setCredentials(ClientCredentials.newBuilder().setAuthorization(basic))
          .build());
      var result = IntrospectionServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(10, TimeUnit.SECONDS)
          .introspect(IntrospectRequest.newBuilder().setToken(issued.getAccessToken()).build());
      String refused = "none";
      try {
        tokens.withDeadlineAfter(10, TimeUnit.SECONDS).issueToken(IssueTokenRequest.newBuilder()
            .setGrantType("client_credentials")
            .setCredentials(ClientCredentials.newBuilder().setAuthorization(basic + "wrong"))
            .build());
      } catch (StatusRuntimeException exception) {
        refused = codeOf(exception);
      }
      System.out.printf("active=%b client=%b scope=%s refused=%s%n",
          result.getActive(), result.getClientId().equals(id), result.getScope(), refused);
    } finally {
      channel.shutdownNow();
    }
  }

  /** The OAuth error code in the status's typed detail. */
  private static String codeOf(StatusRuntimeException exception) throws Exception {
    for (Any detail : StatusProto.fromThrowable(exception).getDetailsList()) {
      if (detail.is(OAuthError.class)) {
        return detail.unpack(OAuthError.class).getCode();
      }
    }
    return "none";
  }
}
