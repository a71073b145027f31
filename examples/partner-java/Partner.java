import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A partner's client: refers somebody, follows the referral to its meeting, sees a refusal and mends it.
 * docs/partners.md says where the values come from.
 */
public class Partner {
  static final ObjectMapper JSON = new ObjectMapper();
  static final String LOCALITY = value("LOCALITY", "meir"), PARTNER = value("PARTNER", "vast-hub");
  static final String SOURCE = "/" + LOCALITY + "/" + PARTNER;
  static final String INBOX = "in." + LOCALITY + "." + PARTNER;
  static final String REFUSALS = "refused." + LOCALITY + "." + PARTNER;

  static final ObjectNode mine = referral("befriending"), wrong = referral("owes money");
  static final String wrongId = UUID.randomUUID().toString();
  static final Set<String> waiting = new HashSet<>(Set.of("meeting or reason", "refusal", "mended"));
  static final Set<String> seen = new HashSet<>(); // An event may come again at any time: keep source and id.
  static KafkaProducer<String, String> producer;

  public static void main(String[] arguments) throws Exception {
    var group = connection();
    group.put("group.id", LOCALITY + "." + PARTNER + ".example-java");
    group.put("auto.offset.reset", "earliest"); // A new group begins with the first record of the topics.
    group.put("enable.auto.commit", "false");
    try (var consumer = new KafkaConsumer<>(group, new StringDeserializer(), new StringDeserializer());
        var own = new KafkaProducer<>(connection(), new StringSerializer(), new StringSerializer())) {
      producer = own;
      consumer.subscribe(List.of(REFUSALS, topic("referral-created"), topic("meeting-booked"), topic("outcome-recorded")));
      say("referral-created", mine, UUID.randomUUID().toString());
      say("referral-created", wrong, wrongId);
      System.out.println("referred    " + text(mine, "referral_id"));
      var end = Instant.now().plusSeconds(60);
      while (!waiting.isEmpty() && Instant.now().isBefore(end)) {
        for (var record : consumer.poll(Duration.ofMillis(200))) hear(record);
        consumer.commitSync(); // After the records were handled, never before.
      }
    }
    if (!waiting.isEmpty()) System.err.println("still waiting for: " + waiting);
    System.exit(waiting.isEmpty() ? 0 : 1);
  }

  static void hear(ConsumerRecord<String, String> record) throws Exception {
    var body = (ObjectNode) JSON.readTree(record.value());
    if (record.topic().equals(REFUSALS)) {
      if (text(body, "id").equals(wrongId) && waiting.remove("refusal")) { // A line may come again, too.
        System.out.printf("refused     %s at %s: %s%n", text(body, "code"), text(body, "pointer"), text(body, "detail"));
        wrong.putArray("needs").add("befriending");
        say("referral-created", wrong, wrongId);
      }
      return;
    }
    var referral = body.get("referral_id");
    if (!mine.get("referral_id").equals(referral) && !wrong.get("referral_id").equals(referral)) return;
    String source = header(record, "ce_source"), id = header(record, "ce_id");
    if (!seen.add(source + " " + id)) return;
    var kind = body.has("kind") ? text(body, "kind") : header(record, "ce_type").split("\\.")[2];
    var provisional = body.path("provisional").asBoolean() ? " provisional" : "";
    System.out.println("heard       " + kind + " from " + source + " " + text(body, "starts_at") + provisional);
    if (id.equals(wrongId) && waiting.remove("mended")) System.out.println("mended      " + text(wrong, "referral_id"));
    if (mine.get("referral_id").equals(referral) && Set.of("meeting-booked", "meeting_waiting").contains(kind))
      waiting.remove("meeting or reason");
  }

  /** Codes and opaque references only. Name, telephone and NHS number stay in the partner's own vault. */
  static ObjectNode referral(String need) {
    var body = JSON.createObjectNode().put("referral_id", UUID.randomUUID().toString()).put("locality", LOCALITY);
    body.put("practice", value("PRACTICE", "M83100")).put("person_ref", UUID.randomUUID().toString());
    body.put("route", "hub").put("age_band", "65-74").put("risk", "none_known").put("contact", "ring");
    body.putObject("agreement").put("by", "person").put("how", "in_person").put("at", now());
    body.putArray("needs").add(need);
    return body;
  }

  /** CloudEvents 1.0 in binary mode: attributes in headers, the body as JSON, the referral as key. */
  static void say(String event, ObjectNode body, String id) throws Exception {
    var referral = text(body, "referral_id");
    var record = new ProducerRecord<>(INBOX, referral, body.toString());
    Map.of("ce_specversion", "1.0", "ce_id", id, "ce_source", SOURCE, "ce_type", "org.linkwork." + event + ".v1",
        "ce_subject", referral, "ce_time", now(), "content-type", "application/json")
        .forEach((name, value) -> record.headers().add(name, value.getBytes()));
    producer.send(record).get();
  }

  static Properties connection() {
    var settings = new Properties();
    settings.put("bootstrap.servers", value("KAFKA_BOOTSTRAP", "localhost:9092"));
    if (System.getenv("KAFKA_USER") != null) {
      settings.put("security.protocol", value("KAFKA_TLS", "0").equals("1") ? "SASL_SSL" : "SASL_PLAINTEXT");
      settings.put("sasl.mechanism", "SCRAM-SHA-512");
      settings.put("sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
          + System.getenv("KAFKA_USER") + "\" password=\"" + System.getenv("KAFKA_PASSWORD") + "\";");
    }
    return settings;
  }

  static String topic(String event) { return LOCALITY + "." + event + ".v1"; }
  static String now() { return Instant.now().truncatedTo(java.time.temporal.ChronoUnit.MILLIS).toString(); }
  static String text(ObjectNode body, String name) { return body.path(name).asText(""); }
  static String header(ConsumerRecord<String, String> record, String name) { return new String(record.headers().lastHeader(name).value()); }
  static String value(String name, String otherwise) { return System.getenv().getOrDefault(name, otherwise); }
}
