import static java.util.stream.Collectors.toSet;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.*;
import java.util.stream.Stream;

record Fact(String source, String id, String kind, JsonNode body) {
  String key() { return source + " " + id; }
  String text(String name) { return body.path(name).asText(""); }
  boolean is(String... kinds) { return List.of(kinds).contains(kind); }
}

/** The state of a referral by F10 to F16, F20, F21, F30 to F34, F60 to F63 and F80, without prescriptions. */
record State(boolean open, String contact, String stage) {
  private static final List<String> PARTS = List.of("referral", "booking", "casework", "directory", "notifications", "evaluation", "matching");
  private static final Map<String, List<String>> KINDS = Map.of("referral", List.of("referral_created", "referral_withdrawn", "contact_changed", "person_erased"),
      "booking", List.of("meeting_booked", "meeting_waiting", "meeting_cancelled"),
      "directory", List.of("provider_replied", "activity_started", "activity_not_started"));

  /** Of facts of which no two have one key. `table` has part and priority of each source. */
  static State of(Collection<Fact> set, JsonNode table) {
    var order = Comparator.comparing((Fact f) -> table.path(f.source()).path("priority").asInt()).thenComparing(Fact::id).thenComparing(Fact::source);
    var gone = pairs(set.stream().filter(f -> f.is("retracted") && set.stream().anyMatch(named -> retracts(f, named, table))), "event_source", "event_id");
    var ever = set.stream().filter(f -> f.is("referral_created")).sorted(order).toList();
    var next = set.stream().filter(f -> f.is("meeting_booked")).map(f -> f.body().path("sequence").asInt() + 1).collect(toSet());
    var creation = ever.stream().filter(f -> !gone.contains(f.key())).reduce((lower, higher) -> higher);
    var creator = creation.or(() -> ever.stream().reduce((lower, higher) -> higher)).map(Fact::source).filter(s -> table.path(s).path("priority").asInt() > 0);
    var facts = set.stream().filter(f -> !gone.contains(f.key()) && switch (f.kind()) {
      case "meeting_booked" -> !ever.isEmpty() && (f.body().path("sequence").asInt() == 0 || next.contains(f.body().path("sequence").asInt()));
      case "person_erased", "contact_changed" -> f.is("contact_changed") && !f.text("contact").equals("yes")
          || says(f.source(), f.kind(), table) || creator.equals(Optional.of(f.source()));
      default -> true;
    }).toList();
    var contacts = words(facts, "contact_changed", "contact");
    var contact = Stream.of("ring", "not_known", "yes").filter(contacts::contains).findFirst().or(() -> creation.map(f -> f.text("contact")));
    Set<String> booked = words(facts, "meeting_booked", "meeting_id"), met = words(facts, "meeting_attended", "meeting_id"),
        missed = words(facts, "meeting_missed", "meeting_id"), over = words(facts, "meeting_cancelled", "meeting_id");
    List.of(met, missed, words(facts, "meeting_booked", "replaces")).forEach(over::addAll);
    var prescribed = words(facts, "service_prescribed", "prescription_id");
    var reopened = pairs(facts.stream().filter(f -> f.is("referral_reopened")), "ends_source", "ends_id");
    var ending = facts.stream().filter(f -> f.is("referral_closed", "referral_declined", "referral_returned", "referral_withdrawn"))
        .filter(f -> !reopened.contains(f.key())).max(Comparator.comparing(Fact::id).thenComparing(Fact::source));
    var erased = facts.stream().anyMatch(f -> f.is("person_erased"));
    var stage = erased ? "erased" : creation.isEmpty() ? "unknown" : ending.isPresent() ? ending.get().kind().substring(9)
        : facts.stream().anyMatch(f -> f.is("activity_started") && prescribed.contains(f.text("prescription_id"))) ? "started"
        : !prescribed.isEmpty() ? "prescribed" : !over.containsAll(booked) ? "booked" : booked.stream().anyMatch(met::contains) ? "met"
        : booked.stream().anyMatch(missed::contains) && facts.stream().noneMatch(f -> f.is("meeting_waiting")) ? "missed" : "waiting";
    return new State(creation.isPresent() && ending.isEmpty() && !erased, contact.orElse("not_known"), stage);
  }

  /** Folds the facts of the vectors that are named, and says where `open`, `contact` or an ending differ. */
  public static void main(String[] files) throws Exception {
    var wrong = 0;
    for (var file : files) {
      var document = Bus.JSON.readTree(new java.io.File(file));
      var table = Bus.JSON.createObjectNode();
      document.get("source_priorities").properties().forEach(each -> table.putObject(each.getKey()).set("priority", each.getValue()));
      document.path("source_parts").properties().forEach(each -> table.withObject("/" + each.getKey().replace("/", "~1")).set("part", each.getValue()));
      for (var vector : document.get("vectors")) {
        var facts = new LinkedHashMap<String, Fact>();
        for (var each : vector.get("facts")) {
          var fact = new Fact(each.get("source").asText(), each.get("id").asText(), each.at("/body/kind").asText(each.get("event").asText().replace('-', '_')), each.get("body"));
          facts.putIfAbsent(fact.key(), fact);
        }
        var state = of(facts.values(), table);
        var stage = vector.at("/state/stage").asText();
        if (state.stage().equals(stage) && state.open() == vector.at("/state/endings/open").asBoolean() && state.contact().equals(vector.at("/state/contact").asText())) continue;
        System.out.println(vector.get("name").asText() + ": " + state);
        wrong++;
      }
    }
    System.exit(Math.min(wrong, 1));
  }

  private static Set<String> pairs(Stream<Fact> facts, String source, String id) { return facts.map(f -> f.text(source) + " " + f.text(id)).collect(toSet()); }

  private static Set<String> words(Collection<Fact> facts, String kind, String name) {
    return facts.stream().filter(f -> f.is(kind) && f.body().hasNonNull(name)).map(f -> f.text(name)).collect(toSet());
  }

  private static boolean retracts(Fact retraction, Fact named, JsonNode table) {
    if (!named.key().equals(retraction.text("event_source") + " " + retraction.text("event_id"))) return false;
    var known = table.path(named.source()).path("priority").asInt() > 0 || PARTS.contains(part(named.source(), table));
    return named.source().equals(retraction.source()) && known || says(retraction.source(), named.kind(), table);
  }

  /** F12: our own parts speak by their names, others for the part that the table gives them. */
  private static String part(String source, JsonNode table) {
    var name = source.substring(source.lastIndexOf('/') + 1);
    return PARTS.contains(name) ? name : table.path(source).path("part").asText("partner");
  }

  private static boolean says(String source, String kind, JsonNode table) {
    return switch (part(source, table)) {
      case "casework" -> !KINDS.get("referral").contains(kind) && !KINDS.get("booking").contains(kind);
      case "matching" -> !KINDS.get("referral").contains(kind);
      default -> KINDS.getOrDefault(part(source, table), List.of()).contains(kind);
    };
  }
}
