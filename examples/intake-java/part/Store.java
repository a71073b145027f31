import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.sql.*;
import java.util.*;
import java.util.concurrent.Callable;
import javax.crypto.*;
import javax.crypto.spec.*;

/** One locality's file: facts, the outbox among them, places in the log, and the vault, whose people are sealed. */
final class Store {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final List<String> TABLES = List.of("pragma journal_mode = wal", "pragma synchronous = full", "pragma secure_delete = on",
      // Unsaid facts are the outbox, in the order of their rows. A fact is said once it was read in its topic.
      "create table if not exists fact (source, id, referral, kind, time, body, epoch integer, unsaid integer default 0, refused, primary key (source, id))",
      "create index if not exists fact_of on fact (referral)",
      "create table if not exists place (topic, partition integer, next integer, primary key (topic, partition))",
      "create table if not exists marker (epoch integer, topic, partition integer, primary key (epoch, topic, partition))",
      // An erasure deletes the person. Random references stay, as the tombstone.
      "create table if not exists person (ref primary key, found_by unique, sealed)",
      "create table if not exists referral (id primary key, person, filed integer default 0)",
      "create table if not exists audit (at, caller, asked)");
  private final Connection sql;
  private long last;
  private final SecretKeySpec key, index;

  Store(String file, byte[] secret) throws Exception {
    if (secret.length != 64) throw new IllegalArgumentException("VAULT_KEY is 64 bytes in Base64: openssl rand -base64 64");
    key = new SecretKeySpec(secret, 0, 32, "AES");
    index = new SecretKeySpec(secret, 32, 32, "HmacSHA256");
    sql = DriverManager.getConnection("jdbc:sqlite:" + file);
    for (var each : TABLES) try (var statement = sql.createStatement()) { statement.execute(each); }
  }

  /** Does all of this or nothing of it. */
  synchronized <T> T change(Callable<T> work) throws Exception {
    sql.setAutoCommit(false);
    try {
      var made = work.call();
      sql.commit();
      return made;
    } finally {
      sql.rollback();
      sql.setAutoCommit(true);
    }
  }

  /** Runs a statement. Gives the rows of a query. */
  synchronized List<ObjectNode> run(String statement, Object... values) throws Exception {
    var rows = new ArrayList<ObjectNode>();
    try (var prepared = sql.prepareStatement(statement)) {
      for (int n = 0; n < values.length; n++) prepared.setObject(n + 1, values[n]);
      if (!prepared.execute()) return rows;
      for (var found = prepared.getResultSet(); found.next(); ) {
        rows.add(Bus.JSON.createObjectNode());
        for (int n = 1; n <= found.getMetaData().getColumnCount(); n++)
          rows.get(rows.size() - 1).set(found.getMetaData().getColumnLabel(n), Bus.JSON.valueToTree(found.getObject(n)));
      }
    }
    return rows;
  }

  /** A UUID of version 7, above the last. */
  synchronized String newId() {
    last = Math.max(System.currentTimeMillis(), last + 1);
    return new UUID(last << 16 | 0x7000 | RANDOM.nextInt(0x1000), RANDOM.nextLong() >>> 2 | Long.MIN_VALUE).toString();
  }

  /** Seals a document with AES-GCM: it opens with the key alone, and in the row of this name alone. */
  byte[] seal(String name, JsonNode document) throws Exception {
    var nonce = new byte[12];
    RANDOM.nextBytes(nonce);
    var sealed = cipher(Cipher.ENCRYPT_MODE, name, nonce).doFinal(Bus.JSON.writeValueAsBytes(document));
    return ByteBuffer.allocate(12 + sealed.length).put(nonce).put(sealed).array();
  }

  ObjectNode open(String name, byte[] sealed) throws Exception {
    var opened = cipher(Cipher.DECRYPT_MODE, name, Arrays.copyOf(sealed, 12)).doFinal(sealed, 12, sealed.length - 12);
    return (ObjectNode) Bus.JSON.readTree(opened);
  }

  private Cipher cipher(int mode, String name, byte[] nonce) throws Exception {
    var cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(128, nonce));
    cipher.updateAAD(name.getBytes());
    return cipher;
  }

  /** Gives a word by which a person is found again, and which tells nothing of them. */
  String blind(String text) throws Exception {
    var mac = Mac.getInstance("HmacSHA256");
    mac.init(index);
    return HexFormat.of().formatHex(mac.doFinal(text.getBytes()));
  }
}
