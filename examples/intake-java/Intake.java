import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.*;
import com.sun.net.httpserver.*;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.DateTimeException;
import java.util.*;
import java.util.concurrent.*;

/** A partner's referral part: README.md says what it does, and how to run it. */
public final class Intake {
  private interface Work { void run() throws Exception; }
  private interface Answers { Object to(HttpExchange exchange, String[] path, JsonNode body) throws Exception; }
  private static final Map<String, String> ENV = System.getenv();
  private static final String OPENAPI = "api/referral.openapi.json", CLAIMS = "/api/referral/v1/claims";
  private static final JsonNode API = Bus.contract(OPENAPI);
  private static final Map<String, Part> PARTS = new HashMap<>();
  private static Linkwork linkwork;

  public static void main(String[] arguments) throws Exception {
    ((ObjectNode) API.get("paths")).retain(CLAIMS, CLAIMS + "/{referral_id}");
    var port = Integer.parseInt(ENV.getOrDefault("PORT", "9091"));
    linkwork = new Linkwork(ENV, ENV.getOrDefault("API", "http://localhost:" + port));
    for (var locality : ENV.getOrDefault("LOCALITIES", ENV.get("LOCALITY")).split(",")) {
      var store = new Store(ENV.getOrDefault("FOLDER", ".") + "/" + locality + ".sqlite", Base64.getDecoder().decode(ENV.get("VAULT_KEY")));
      var part = new Part(locality, ENV.get("PARTNER"), store, linkwork);
      PARTS.put(locality, part);
      forever(2000, part::askTable);
      forever(1000, () -> Bus.follow(part, kafka()));
      forever(1000, () -> { if (part.mayWrite()) Bus.publish(part, kafka()); });
    }
    var server = HttpServer.create(new InetSocketAddress(ENV.getOrDefault("HOST", "127.0.0.1"), port), 0);
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.createContext("/", exchange -> answer(exchange, Intake::operation));
    server.createContext("/desk/", exchange -> answer(exchange, Intake::desk)).setAuthenticator(new BasicAuthenticator("desk") {
      @Override public boolean checkCredentials(String user, String password) { return password.equals(ENV.get("DESK_PASSWORD")); }
    });
    server.start();
  }

  private static void forever(long pause, Work work) {
    Executors.newSingleThreadScheduledExecutor().scheduleWithFixedDelay(() -> {
      try { work.run(); } catch (Exception failure) { System.err.println(failure); }
    }, 0, pause, TimeUnit.MILLISECONDS);
  }

  private static Map<String, Object> kafka() {
    var settings = new HashMap<String, Object>(Map.of("bootstrap.servers", ENV.get("KAFKA_BOOTSTRAP")));
    var login = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";";
    if (!ENV.getOrDefault("KAFKA_USER", "").isEmpty()) settings.putAll(Map.of("sasl.mechanism", "SCRAM-SHA-512",
        "security.protocol", "1".equals(ENV.get("KAFKA_TLS")) ? "SASL_SSL" : "SASL_PLAINTEXT",
        "sasl.jaas.config", login.formatted(ENV.get("KAFKA_USER"), ENV.get("KAFKA_PASSWORD"))));
    return settings;
  }

  private static void answer(HttpExchange exchange, Answers answers) throws IOException {
    Object found;
    try (var body = exchange.getRequestBody()) {
      var raw = body.readNBytes(65_537);
      var document = raw.length == 0 ? Bus.JSON.createObjectNode() : Bus.JSON.readTree(raw);
      found = answers.to(exchange, exchange.getRequestURI().getPath().split("/"), document);
    } catch (Exception failure) {
      var invalid = failure instanceof JacksonException || failure instanceof DateTimeException;
      var refused = failure instanceof Refused it ? it : invalid ? new Refused(422, "invalid") : new Refused(500, "unexpected");
      if (refused.problem.get("status").asInt() == 500) failure.printStackTrace();
      found = refused.problem;
    }
    var status = found instanceof ObjectNode problem && problem.path("type").asText().startsWith("urn:") ? problem.get("status").asInt() : 200;
    if (status == 503) exchange.getResponseHeaders().set("retry-after", "5");
    exchange.getResponseHeaders().set("content-type", status < 400 ? "application/json" : "application/problem+json");
    var bytes = Bus.JSON.writeValueAsBytes(found);
    exchange.sendResponseHeaders(status, bytes.length);
    try (exchange; var out = exchange.getResponseBody()) { out.write(bytes); }
  }

  /** Answers other parts by the OpenAPI document: the claim check. */
  private static Object operation(HttpExchange exchange, String[] path, JsonNode body) throws Exception {
    var address = exchange.getRequestURI().getPath();
    if (address.equals("/readyz")) for (var each : PARTS.values()) each.checkOwner();
    if (address.equals("/readyz")) return Map.of();
    if (address.equals("/api/contract/v1/referral/openapi.json")) return API;
    var single = exchange.getRequestMethod().equals("GET") && address.startsWith(CLAIMS + "/") && path.length == 6;
    if (!single && !(exchange.getRequestMethod().equals("POST") && address.equals(CLAIMS))) throw new Refused(404, "unknown_address");
    var asked = single ? asked(exchange.getRequestURI().getQuery(), path[5]) : body;
    var claims = linkwork.claims(exchange.getRequestHeaders().getFirst("authorization"));
    var token = Bus.JSON.valueToTree(claims.getClaimsMap());
    String role = token.path("role").asText(), locality = asked.path("locality").asText(), localities = token.path("localities").toString();
    if (!List.of("service", "partner").contains(role)) throw new Refused(403, "role");
    if (!List.of(token.path("scope").asText().split(" ")).contains("claims:read")) throw new Refused(403, "scope");
    var covered = localities.contains('"' + locality + '"') || role.equals("service") && localities.contains("\"*\"");
    if (!covered || !PARTS.containsKey(locality)) throw new Refused(403, "locality");
    var wrong = Bus.differences(OPENAPI, "/components/schemas/ClaimRequest", asked);
    if (!wrong.isEmpty()) throw new Refused(422, "invalid").with("errors", wrong);
    var part = PARTS.get(locality);
    if (role.equals("partner")) {
      var purposes = new ArrayList<String>();
      for (var each : token.path("parts")) if (part.owns(each.asText(), token.path("partner").asText()))
        purposes.add(API.get("paths").get(CLAIMS).at("/post/x-purposes/" + each.asText()).toString());
      if (purposes.stream().allMatch(String::isEmpty)) throw new Refused(403, "part");
      if (purposes.stream().noneMatch(each -> each.contains(asked.get("purpose").toString()))) throw new Refused(403, "purpose");
    }
    part.checkOwner();
    var found = part.claims(asked, claims.getSubject());
    if (!single) return answerOf(found);
    var person = found.get(path[5]);
    if (person.isInt()) throw new Refused(person.asInt(), person.asInt() == 404 ? "no_such_referral" : "erased");
    return person;
  }

  private static Object answerOf(Map<String, JsonNode> found) {
    Map<String, JsonNode> people = new HashMap<>(found), missing = new HashMap<>(found);
    people.values().removeIf(JsonNode::isInt);
    missing.values().removeIf(JsonNode::isObject);
    return Map.of("people", people, "missing", missing);
  }

  /** The question of one person as that of many has it. */
  private static JsonNode asked(String query, String referral) {
    var asked = Bus.JSON.createObjectNode();
    asked.putArray("referrals").add(referral);
    asked.putArray("fields");
    for (var each : String.valueOf(query).split("&")) {
      var pair = (each + "=").split("=");
      if (pair[0].equals("fields")) asked.withArray("fields").add(pair.length > 1 ? pair[1] : "");
      else if (List.of("locality", "purpose").contains(pair[0])) asked.put(pair[0], pair.length > 1 ? pair[1] : "");
    }
    return asked;
  }

  /** GET and POST /desk/<locality>/referrals, POST /desk/<locality>/referrals/<referral>/<withdrawn, contact, erased or filed>. */
  private static Object desk(HttpExchange exchange, String[] path, JsonNode body) throws Exception {
    var part = path.length > 3 && path[3].equals("referrals") ? PARTS.get(path[2]) : null;
    if (part == null) throw new Refused(404, "unknown_address");
    if (exchange.getRequestMethod().equals("GET")) return Map.of("referrals", part.listed());
    // No form of another site has this type.
    if (!"application/json".equals(exchange.getRequestHeaders().getFirst("content-type"))) throw new Refused(422, "invalid");
    if (path.length == 4) return Map.of("referral_id", part.refer(body));
    switch (path.length == 6 ? path[5] : "") {
      case "withdrawn" -> part.withdraw(path[4], body.path("reason").asText());
      case "contact" -> part.contact(path[4], body, body.path("contact").asText());
      case "erased" -> part.erase(path[4]);
      case "filed" -> part.file(path[4]);
      default -> throw new Refused(404, "unknown_address");
    }
    return Map.of();
  }
}
