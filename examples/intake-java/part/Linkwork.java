import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.time.Duration;
import java.util.*;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jwk.HttpsJwks;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.consumer.*;
import org.jose4j.keys.resolvers.HttpsJwksVerificationKeyResolver;

/** Asks Linkwork over HTTP with a token of the part's own, and reads the tokens of those who ask the part. */
final class Linkwork {
  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Map<String, String> env;
  private final JsonNode about;
  private final JwtConsumer consumer;
  private String token;
  private long until;

  Linkwork(Map<String, String> env, String audience) throws Exception {
    this.env = env;
    about = sent(env.get("OIDC_ISSUER") + "/.well-known/openid-configuration", "", "", "");
    consumer = new JwtConsumerBuilder().setVerificationKeyResolver(new HttpsJwksVerificationKeyResolver(new HttpsJwks(about.get("jwks_uri").asText())))
        .setExpectedIssuer(about.get("issuer").asText()).setExpectedAudience(audience).setRequireExpirationTime().setRequireSubject()
        .setAllowedClockSkewInSeconds(60).setJwsAlgorithmConstraints(ConstraintType.PERMIT, "ES256", "RS256", "PS256").build();
  }

  JwtClaims claims(String authorization) {
    if (authorization == null || !authorization.matches("(?i)bearer .+")) throw new Refused(401, "no_token");
    try {
      return consumer.processToClaims(authorization.substring(7));
    } catch (InvalidJwtException wrong) {
      var away = wrong.getCause() != null && wrong.getCause().getCause() instanceof IOException; // The issuer's keys cannot be read.
      throw away ? new Refused(503, "sign_in_unavailable") : new Refused(401, "invalid_token");
    }
  }

  /** GET, or POST of a body. */
  synchronized JsonNode ask(String path, String body) throws Exception {
    if (env.containsKey("TOKEN")) token = env.get("TOKEN");
    else if (until < System.currentTimeMillis()) {
      var basic = Base64.getEncoder().encodeToString((env.get("OIDC_CLIENT_ID") + ":" + env.get("OIDC_CLIENT_SECRET")).getBytes());
      var answer = sent(about.get("token_endpoint").asText(), "Basic " + basic, "application/x-www-form-urlencoded", "grant_type=client_credentials");
      token = answer.get("access_token").asText();
      until = System.currentTimeMillis() + (answer.path("expires_in").asLong(120) - 60) * 1000;
    }
    return sent(env.get("LINKWORK_URL") + "/api/contract/v1/" + path, "Bearer " + token, "application/json", body);
  }

  private JsonNode sent(String url, String authorization, String type, String body) throws Exception {
    var request = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(5));
    if (!authorization.isEmpty()) request.header("authorization", authorization);
    if (!body.isEmpty()) request.header("content-type", type).POST(HttpRequest.BodyPublishers.ofString(body));
    var answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() >= 300) throw new IOException(answer.statusCode() + " from " + answer.uri().getPath());
    return Bus.JSON.readTree(answer.body());
  }
}
