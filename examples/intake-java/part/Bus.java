import com.fasterxml.jackson.core.*;
import com.fasterxml.jackson.databind.*;
import com.fasterxml.jackson.databind.node.*;
import com.networknt.schema.*;
import java.io.*;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/** A record with its place; `type` is null where it is unreadable, and `fact` unless it is one. */
record Heard(String topic, int partition, long offset, String type, JsonNode body, Fact fact) {}

/** The three topics and the refusals in, the inbox out. */
final class Bus {
  static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder().streamReadConstraints(
      StreamReadConstraints.builder().maxNestingDepth(200).build()).build()).enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final List<String> EVENTS = List.of("referral-created", "meeting-booked", "outcome-recorded");
  private static final Map<String, JsonSchema> SCHEMAS = new ConcurrentHashMap<>();

  /** A file of the contract, from the tree or from what /contract/ serves. */
  static JsonNode contract(String file) {
    try {
      return JSON.readTree(new File(System.getenv().getOrDefault("CONTRACT", "../../shared/contract"), file));
    } catch (IOException missing) { throw new UncheckedIOException(missing); }
  }

  /** The places at which a document differs from a schema of the contract, each with the rule. */
  static JsonNode differences(String file, String pointer, JsonNode document) {
    var schema = SCHEMAS.computeIfAbsent(file + pointer, name -> JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(contract(file).at(pointer), SchemaValidatorsConfig.builder().build()));
    var found = JSON.createArrayNode();
    for (var each : schema.validate(document))
      found.addObject().put("pointer", each.getInstanceLocation().toString()).put("code", each.getType()).put("detail", "It differs from its schema.");
    return found;
  }

  static String schema(String folder, String event) { return "events/schemas/" + folder + "org.linkwork." + event + ".v1.json"; }

  /** Follows in no group, from the places that the store has. */
  static void follow(Part part, Map<String, Object> connection) throws Exception {
    var settings = new HashMap<>(connection);
    settings.putAll(Map.of("isolation.level", "read_committed", "auto.offset.reset", "earliest", "enable.auto.commit", false));
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      var places = new ArrayList<TopicPartition>();
      for (var event : EVENTS)
        for (var each : consumer.partitionsFor(part.locality + "." + event + ".v1")) places.add(new TopicPartition(each.topic(), each.partition()));
      part.partitions = places.size();
      places.add(new TopicPartition("refused." + part.locality + "." + part.partner, 0));
      consumer.assign(places);
      consumer.seekToBeginning(places);
      for (var row : part.store.run("select * from place"))
        consumer.seek(new TopicPartition(row.get("topic").asText(), row.get("partition").asInt()), row.get("next").asLong());
      for (;;) {
        var heard = new ArrayList<Heard>();
        for (var record : consumer.poll(Duration.ofMillis(250))) heard.add(read(record, part.locality));
        if (!heard.isEmpty()) part.hear(heard);
      }
    }
  }

  private static Heard read(ConsumerRecord<byte[], byte[]> record, String locality) {
    try {
      var headers = JSON.createObjectNode();
      for (var each : record.headers())
        if ((each.key().startsWith("ce_") || each.key().equals("content-type")) && headers.replace(each.key(), new TextNode(text(each.value()))) != null)
          throw new IOException("a header twice");
      var body = JSON.readTree(text(record.value()));
      String event = record.topic().split("\\.")[1], type = headers.path("ce_type").asText(), source = headers.path("ce_source").asText();
      Fact fact = null;
      if (type.equals("org.linkwork." + event + ".v1")) {
        var referral = body.path("referral_id").asText();
        if (!differences("events/schemas/headers.json", "", headers).isEmpty() || !differences(schema("reading/", event), "", body).isEmpty()
            || record.value().length > 65_536 || !source.startsWith("/" + locality + "/") || !body.path("locality").asText().equals(locality)
            || !text(record.key()).equals(referral) || !headers.path("ce_subject").asText().equals(referral)) throw new IOException("no event");
        fact = new Fact(source, headers.get("ce_id").asText(), body.path("kind").asText(event.replace('-', '_')), body);
      }
      return new Heard(record.topic(), record.partition(), record.offset(), type, body, fact);
    } catch (IOException | RuntimeException wrong) {
      System.err.printf("unreadable: %s %d %d%n", record.topic(), record.partition(), record.offset());
      return new Heard(record.topic(), record.partition(), record.offset(), null, null, null);
    }
  }

  private static String text(byte[] raw) throws IOException { return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString(); }

  /** Publishes the outbox of an epoch in its order, while the part is ours. After a crash a row goes again, with its id and bytes. */
  static void publish(Part part, Map<String, Object> connection) throws Exception {
    var epoch = part.epoch();
    if (!part.claimed()) part.look();
    try (var producer = new KafkaProducer<>(connection, new StringSerializer(), new StringSerializer())) {
      for (long sent = 0; part.mayWrite() && part.epoch() == epoch; Thread.sleep(50)) {
        if (part.sayAgain) { Thread.sleep(1000); part.sayAgain = false; sent = 0; }
        var claimed = part.claimed(); // Before the outbox is read, as nothing is decided after a claim.
        var said = new ArrayList<Future<RecordMetadata>>();
        var rows = "select rowid, * from fact where rowid > ? and epoch = ? and unsaid and refused is null order by rowid limit 200";
        for (var row : part.store.run(rows, sent, epoch)) {
          var referral = row.get("referral").asText();
          var record = new ProducerRecord<>("in." + part.locality + "." + part.partner, referral, row.get("body").asText());
          var type = row.get("kind").asText().equals("referral_created") ? "org.linkwork.referral-created.v1" : "org.linkwork.outcome-recorded.v1";
          Map.of("ce_specversion", "1.0", "ce_id", row.get("id").asText(), "ce_source", part.source, "ce_type", type, "ce_subject", referral,
              "ce_time", row.get("time").asText(), "ce_partepoch", row.get("epoch").asText(), "content-type", "application/json")
              .forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
          said.add(producer.send(record));
          sent = row.get("rowid").asLong();
        }
        for (var each : said) each.get();
        if (claimed && said.isEmpty()) part.stop();
      }
    }
  }
}
