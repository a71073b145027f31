import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** A refusal, with its problem document. */
@SuppressWarnings("serial")
final class Refused extends RuntimeException {
  final ObjectNode problem = Bus.JSON.createObjectNode();

  Refused(int status, String code) {
    super(code);
    problem.put("type", "urn:linkwork:problem:" + code).put("title", code.replace('_', ' ')).put("status", status);
  }

  Refused with(String name, JsonNode value) { problem.set(name, value); return this; }
}
