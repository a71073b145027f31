import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The kernel's job with Kafka Streams: a repeat changes nothing, facts are kept, an open referral without a
 * meeting gets one, published as a CloudEvent; state, offsets and output in one Kafka transaction.
 *
 * <p>Arguments: topic to read, topic to write, group, state folder, threads, and how repeats are
 * known: {@code facts} (the referral's own value holds the ids it has heard) or {@code inbox} (a store of ids
 * beside it, as deduplication is usually shown).
 */
public final class MeetingStreams {
  @JsonIgnoreProperties(ignoreUnknown = true)
  record Referral(
      String referral_id,
      String locality,
      String practice,
      String person_ref,
      String age_band,
      List<String> needs,
      String urgency) {}

  record Meeting(
      String referral_id,
      String locality,
      String meeting_id,
      int sequence,
      String link_worker,
      String practice,
      String starts_at,
      int minutes,
      String mode,
      boolean provisional) {}

  record Fact(String id, String source, byte[] body) {}

  record State(int version, String stage, String practice, List<String> needs, List<Fact> facts, String meeting) {}

  private static final AtomicBoolean BEGAN = new AtomicBoolean();

  private static final class Book implements Processor<String, byte[], String, byte[]> {
    private final ObjectMapper json = new ObjectMapper();
    private final boolean separateInbox;
    private ProcessorContext<String, byte[]> context;
    private KeyValueStore<String, byte[]> referrals;
    private KeyValueStore<String, Long> inbox;

    Book(boolean separateInbox) {
      this.separateInbox = separateInbox;
    }

    @Override
    public void init(ProcessorContext<String, byte[]> given) {
      context = given;
      referrals = context.getStateStore("referrals");
      inbox = separateInbox ? context.getStateStore("inbox") : null;
    }

    @Override
    public void process(Record<String, byte[]> record) {
      if (BEGAN.compareAndSet(false, true)) {
        System.out.printf("began %.6f%n", System.nanoTime() / 1e9);
        System.out.flush();
      }
      try {
        handle(record);
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    private void handle(Record<String, byte[]> record) throws IOException {
      String id = header(record.headers(), "ce_id");
      if (separateInbox && inbox.get(id) != null) {
        return;
      }
      Referral referral = json.readValue(record.value(), Referral.class);
      byte[] stored = referrals.get(referral.referral_id());
      State known = stored == null ? null : json.readValue(stored, State.class);
      if (known != null && known.facts().stream().anyMatch(fact -> fact.id().equals(id))) {
        return;
      }
      if (separateInbox) {
        inbox.put(id, record.timestamp());
      }
      List<Fact> facts = known == null ? new ArrayList<>(2) : new ArrayList<>(known.facts());
      facts.add(new Fact(id, header(record.headers(), "ce_source"), record.value()));
      String meeting = known == null ? UUID.randomUUID().toString() : known.meeting();
      int version = known == null ? 1 : known.version() + 1;
      State state = new State(version, "booked", referral.practice(), referral.needs(), facts, meeting);
      referrals.put(referral.referral_id(), json.writeValueAsBytes(state));
      if (known == null) {
        context.forward(
            new Record<>(referral.referral_id(), body(referral, meeting), record.timestamp(), headers(referral)));
      }
    }

    private byte[] body(Referral referral, String meeting) throws IOException {
      return json.writeValueAsBytes(
          new Meeting(
              referral.referral_id(),
              referral.locality(),
              meeting,
              0,
              "lw-" + referral.locality() + "-1",
              referral.practice(),
              Instant.now().plus(1, ChronoUnit.DAYS).toString(),
              45,
              "face_to_face",
              false));
    }

    private static Headers headers(Referral referral) {
      String now = Instant.now().truncatedTo(ChronoUnit.MILLIS).toString();
      String type = "org.linkwork.meeting-booked.v1";
      String[][] attributes = {
        {"ce_specversion", "1.0"},
        {"ce_id", UUID.randomUUID().toString()},
        {"ce_source", "/" + referral.locality() + "/booking"},
        {"ce_type", type},
        {"ce_subject", referral.referral_id()},
        {"ce_time", now},
        {"ce_recordedtime", now},
        {"ce_dataschema", "https://linkwork.example.org/schemas/" + type + ".json"},
        {"ce_partitionkey", referral.referral_id()},
        {"content-type", "application/json"},
        {"ce_correlationid", referral.referral_id()},
      };
      RecordHeaders headers = new RecordHeaders();
      for (String[] attribute : attributes) {
        headers.add(attribute[0], attribute[1].getBytes(StandardCharsets.UTF_8));
      }
      return headers;
    }

    private static String header(Headers headers, String name) {
      return new String(headers.lastHeader(name).value(), StandardCharsets.UTF_8);
    }
  }

  private static Topology topology(String read, String write, boolean separateInbox) {
    Topology topology = new Topology();
    topology.addSource("heard", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), read);
    topology.addProcessor("book", () -> new Book(separateInbox), "heard");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore("referrals"), Serdes.String(), Serdes.ByteArray()),
        "book");
    if (separateInbox) {
      topology.addStateStore(
          Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("inbox"), Serdes.String(), Serdes.Long()),
          "book");
    }
    topology.addSink("said", write, Serdes.String().serializer(), Serdes.ByteArray().serializer(), "book");
    return topology;
  }

  public static void main(String[] given) throws Exception {
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, System.getenv("LINKWORK_KAFKA_BOOTSTRAP"));
    settings.put("security.protocol", System.getenv("LINKWORK_KAFKA_SECURITY_PROTOCOL"));
    settings.put("sasl.mechanism", "SCRAM-SHA-512");
    settings.put("sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required username=\""
        + System.getenv("LINKWORK_KAFKA_USER") + "\" password=\"" + System.getenv("LINKWORK_KAFKA_PASSWORD") + "\";");
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given[2]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, given[3]);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, given[4]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    CountDownLatch ended = new CountDownLatch(1);
    try (KafkaStreams streams = new KafkaStreams(topology(given[0], given[1], given[5].equals("inbox")), settings)) {
      Runtime.getRuntime().addShutdownHook(new Thread(() -> {
        streams.close();
        ended.countDown();
      }));
      System.out.println("ready");
      System.in.read();
      streams.start();
      ended.await();
    }
  }
}
