import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.*;
import java.time.*;
import java.time.temporal.ChronoUnit;
import java.util.*;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** The referral part of one locality. Each change is one transaction, with what is said about it in the outbox. */
final class Part {
  private static final List<String> DETAILS = List.of(
      "given_name", "family_name", "date_of_birth", "nhs_number", "telephone", "email", "address", "postcode");
  final String locality, partner, source;
  final Store store;
  private final Linkwork linkwork;
  volatile int partitions = Integer.MAX_VALUE;
  volatile boolean sayAgain;
  private volatile JsonNode parts = MissingNode.getInstance(), sources = MissingNode.getInstance();
  private volatile int ended = -1;

  Part(String locality, String partner, Store store, Linkwork linkwork) {
    this.locality = locality; this.partner = partner; this.store = store; this.linkwork = linkwork;
    source = "/" + locality + "/" + partner;
  }

  void askTable() throws Exception {
    ObjectNode named = Bus.JSON.createObjectNode(), owned = Bus.JSON.createObjectNode();
    for (var each : linkwork.ask("sources", "").get("sources")) named.set(each.get("source").asText(), each);
    for (var each : linkwork.ask("parts?locality=" + locality, "").get("parts")) owned.set(each.get("part").asText(), each);
    sources = named;
    parts = owned;
  }

  boolean owns(String part, String name) { return parts.path(part).path("owner").asText("").equals(name); }
  boolean claimed() { return !List.of("", partner).contains(parts.at("/referral/handing_over/to").asText("")); }
  int epoch() { return parts.at("/referral/epoch").asInt(); }
  boolean mayWrite() { return owns("referral", partner) && ended != epoch(); }

  /** OWN-3: the part is claimed for another, and all that it has decided is acknowledged. */
  void stop() throws Exception {
    var epoch = epoch();
    linkwork.ask("parts/referral/stopped", Bus.JSON.createObjectNode().put("locality", locality).put("epoch", epoch).toString());
    ended = epoch;
  }

  /** OWN-1: the table names us, nobody claims the part, and the epoch's marker was read in every partition. */
  void checkOwner() throws Exception {
    var mine = parts.path("referral");
    if (parts.isMissingNode()) throw new Refused(503, "away");
    if (!mayWrite() || claimed())
      throw new Refused(409, "not_owner").with("part", mine.get("part")).with("owner", mine.get("owner")).with("address", mine.get("address"));
    if (store.run("select 1 from marker where epoch = ?", epoch()).size() < partitions) throw new Refused(503, "away");
  }

  void hear(List<Heard> records) throws Exception {
    store.change(() -> {
      for (var each : records) {
        if (each.fact() != null) hear(each.fact(), each.fact().text("referral_id"));
        else if ("org.linkwork.part-handed-over.v1".equals(each.type()) && each.body().path("part").asText().equals("referral"))
          store.run("insert or ignore into marker values (?, ?, ?)", each.body().path("epoch").asInt(), each.topic(), each.partition());
        else if (each.type() != null && each.topic().startsWith("refused.")) told(each.body(), each.body().path("code").asText());
        store.run("insert or replace into place values (?, ?, ?)", each.topic(), each.partition(), each.offset() + 1);
      }
      return null;
    });
  }

  private void hear(Fact fact, String referral) throws Exception {
    store.run("insert or ignore into fact (source, id, referral, kind, body) values (?, ?, ?, ?, ?)",
        fact.source(), fact.id(), referral, fact.kind(), fact.body().toString());
    store.run("update fact set unsaid = 0, refused = null where source = ? and id = ?", fact.source(), fact.id());
    if (fact.is("person_erased") && state(referral).stage().equals("erased"))
      store.run("delete from person where ref = (select person from referral where id = ?)", referral);
  }

  /** Takes a refused fact for never said, and the desk shows why. `not_owner` is said again, as long as the part is ours. */
  private void told(JsonNode line, String code) throws Exception {
    System.err.printf("told: %s %s of %s%n", code, line.path("pointer").asText(), line.path("id").asText());
    if (code.equals("not_owner")) sayAgain = true;
    else if (line.hasNonNull("topic") && !code.equals("wrong_epoch")) // Without a place it is a notice: the fact stands.
      store.run("update fact set refused = ? where source = ? and id = ? and unsaid",
          code + " " + line.path("pointer").asText(), source, line.path("id").asText());
  }

  private List<Fact> facts(String referral) throws Exception {
    var found = new ArrayList<Fact>();
    for (var row : store.run("select * from fact where referral = ? and refused is null", referral))
      found.add(new Fact(row.get("source").asText(), row.get("id").asText(), row.get("kind").asText(), Bus.JSON.readTree(row.get("body").asText())));
    return found;
  }

  private State state(String referral) throws Exception { return State.of(facts(referral), sources); }

  private <T> T decide(Callable<T> work) throws Exception { return store.change(() -> { checkOwner(); return work.call(); }); }

  /** Puts a fact into the outbox, with the epoch in which it was decided. */
  private void say(String referral, ObjectNode body) throws Exception {
    body.put("referral_id", referral).put("locality", locality);
    var wrong = Bus.differences(Bus.schema("", body.has("kind") ? "outcome-recorded" : "referral-created"), "", body);
    if (!wrong.isEmpty()) throw new Refused(422, "invalid").with("errors", wrong);
    store.run("insert into fact values (?, ?, ?, ?, ?, ?, ?, 1, null)", source, store.newId(), referral, body.path("kind").asText("referral_created"),
        Instant.now().truncatedTo(ChronoUnit.MILLIS).toString(), body.toString(), epoch());
  }

  /** Words of a former epoch that were never said are void, and decided anew; but what they retract stays, as the more careful word. */
  void look() throws Exception {
    decide(() -> {
      for (var row : store.run("delete from fact where unsaid and refused is null and epoch < ? returning *", epoch()))
        if (!row.get("kind").asText().equals("retracted"))
          say(row.get("referral").asText(), (ObjectNode) Bus.JSON.readTree(row.get("body").asText()));
      return null;
    });
  }

  private static ObjectNode outcome(String kind) { return Bus.JSON.createObjectNode().put("kind", kind); }

  private String personOf(String referral) throws Exception {
    var found = store.run("select person from referral where id = ?", referral);
    if (found.isEmpty()) throw new Refused(404, "no_such_referral");
    return found.get(0).get("person").asText();
  }

  private ObjectNode details(String ref) throws Exception {
    var found = store.run("select sealed from person where ref = ?", ref);
    return found.isEmpty() ? null : store.open(ref, found.get(0).get("sealed").binaryValue());
  }

  /** REF-1, REF-2, REF-6. `form` has the person, the referral as its event has it, and texts for the vault alone. */
  String refer(JsonNode form) throws Exception {
    ObjectNode person = Bus.JSON.createObjectNode(), body = Bus.JSON.createObjectNode();
    if (form.path("referral") instanceof ObjectNode given) body.setAll(given);
    for (var name : DETAILS) if (form.path("person").hasNonNull(name)) person.put(name, form.path("person").get(name).asText().strip());
    if (!person.has("family_name") || !person.path("date_of_birth").asText().matches("\\d{4}-\\d\\d-\\d\\d")) throw new Refused(422, "invalid");
    var known = person.has("nhs_number") ? List.of("nhs_number") : List.of("given_name", "family_name", "date_of_birth", "postcode");
    var words = known.stream().map(name -> person.path(name).asText().toLowerCase().replaceAll("\\s", ""));
    var foundBy = store.blind(words.collect(Collectors.joining("|")));
    return decide(() -> {
      var before = store.run("select ref from person where found_by = ?", foundBy);
      var ref = before.isEmpty() ? UUID.randomUUID().toString() : before.get(0).get("ref").asText();
      person.set("unsafe", before.isEmpty() ? Bus.JSON.createArrayNode() : details(ref).get("unsafe"));
      body.remove(List.of("kind", "resends", "reason_note", "risk_note")); // These are not the desk's to say.
      for (var row : store.run("select * from referral where person = ?", ref)) {
        var state = state(row.get("id").asText());
        if (state.open()) throw new Refused(409, "open_referral").with("referral_id", row.get("id"));
        if (state.stage().equals("returned") && !row.get("filed").asBoolean()) body.set("resends", row.get("id"));
      }
      for (var kind : List.of("reason", "risk", "sensitive_needs")) if (form.hasNonNull(kind)) {
        person.set(kind, form.get(kind));
        if (!kind.equals("sensitive_needs")) body.put(kind + "_note", UUID.randomUUID().toString());
      }
      var years = ChronoUnit.YEARS.between(LocalDate.parse(person.get("date_of_birth").asText()), LocalDate.now(ZoneId.of("Europe/London")));
      var from = (years - 25) / 10 * 10 + 25;
      body.put("age_band", years < 18 ? "under_18" : years < 25 ? "18-24" : years > 84 ? "85+" : from + "-" + (from + 9));
      var outward = person.path("postcode").asText().toUpperCase().replaceAll("\\s", "").replaceAll("...$", "");
      if (outward.matches("[A-Z]{1,2}[0-9][A-Z0-9]?")) body.put("outward_code", outward);
      if (isUnsafe(person)) body.put("contact", "ring");
      var id = UUID.randomUUID().toString();
      say(id, body.put("person_ref", ref).put("risk", body.has("risk_note") ? "see_note" : "none_known"));
      for (var name : List.of("language", "interpreter")) if (body.has(name)) person.set(name, body.get(name));
      keep(ref, foundBy, person.set("safe_to_text", body.get("contact")));
      store.run("update referral set filed = 1 where id = ?", body.path("resends").asText());
      store.run("insert into referral (id, person) values (?, ?)", id, ref);
      return id;
    });
  }

  private void keep(String ref, String foundBy, JsonNode person) throws Exception {
    store.run("insert into person values (?, ?, ?) on conflict (ref) do update set sealed = excluded.sealed", ref, foundBy, store.seal(ref, person));
  }

  private static boolean isUnsafe(JsonNode person) {
    for (var number : person.get("unsafe")) if (number.equals(person.get("telephone"))) return true;
    return false;
  }

  /** REF-4. */
  void withdraw(String referral, String reason) throws Exception {
    decide(() -> {
      if (!state(referral).open()) throw new Refused(409, "not_open");
      say(referral, outcome("referral_withdrawn").put("by", "practice").put("reason", reason));
      return null;
    });
  }

  /** REF-5: a number that was reported unsafe stays so. */
  void contact(String referral, JsonNode form, String contact) throws Exception {
    decide(() -> {
      var ref = personOf(referral);
      var state = state(referral);
      if (!state.open()) throw new Refused(409, "not_open");
      var person = details(ref);
      if (form.hasNonNull("telephone")) person.set("telephone", form.get("telephone"));
      if (isUnsafe(person) && !contact.equals("ring")) throw new Refused(409, "unsafe_number");
      if (contact.equals("ring") && person.has("telephone") && !isUnsafe(person)) person.withArray("unsafe").add(person.get("telephone"));
      keep(ref, null, person.put("safe_to_text", contact));
      if (state.contact().equals(contact)) return null;
      var facts = facts(referral);
      var retracted = facts.stream().map(f -> f.text("event_id")).collect(Collectors.toSet());
      for (var fact : facts) if (fact.source().equals(source) && fact.is("contact_changed") && !retracted.contains(fact.id()))
        say(referral, outcome("retracted").put("event_source", source).put("event_id", fact.id()).put("reason", "undone"));
      say(referral, outcome("contact_changed").put("contact", contact));
      return null;
    });
  }

  /** ERASE-1: in one transaction with what is said of each of the person's referrals. */
  void erase(String referral) throws Exception {
    decide(() -> {
      var ref = personOf(referral);
      for (var row : store.run("select id from referral where person = ?", ref))
        if (!List.of("erased", "unknown").contains(state(row.get("id").asText()).stage()))
          say(row.get("id").asText(), outcome("person_erased").put("person_ref", ref));
      return store.run("delete from person where ref = ?", ref);
    });
  }

  void file(String referral) throws Exception { store.run("update referral set filed = 1 where id = ?", referral); }

  /** The desk's referrals, the newest first. */
  List<ObjectNode> listed() throws Exception {
    var rows = store.run("select r.id as referral_id, person, filed, unsaid, refused from referral r join fact on referral = r.id"
        + " where kind = 'referral_created' and source = ? order by r.rowid desc limit 200", source);
    for (var row : rows) {
      var person = details(row.remove("person").asText());
      row.put("name", person == null ? "" : name(person)).put("stage", state(row.get("referral_id").asText()).stage());
    }
    return rows;
  }

  private static String name(JsonNode person) { return (person.path("given_name").asText() + " " + person.get("family_name").asText()).strip(); }

  /** REF-3: the fields by referral, or the status 404 or 410. The read is recorded before anything is opened. */
  Map<String, JsonNode> claims(JsonNode asked, String caller) throws Exception {
    store.run("insert into audit values (?, ?, ?)", Instant.now().toString(), caller, asked.toString());
    var found = new LinkedHashMap<String, JsonNode>();
    for (var each : asked.get("referrals")) {
      var row = store.run("select person from referral where id = ?", each.asText());
      var person = row.isEmpty() ? null : details(row.get(0).get("person").asText());
      found.put(each.asText(), person == null ? new IntNode(row.isEmpty() ? 404 : 410)
          : person.put("name", name(person)).retain(List.of(Bus.JSON.convertValue(asked.get("fields"), String[].class))));
    }
    return found;
  }
}
