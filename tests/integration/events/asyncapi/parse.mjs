// Parses each AsyncAPI document by AsyncAPI's own parser, and prints what it found as JSON.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const parser = new Parser();
const found = {};
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"));
  found[file] = {
    // Severity 0 is an error, 1 a warning.
    errors: diagnostics.filter((each) => each.severity === 0).map((each) => `${each.path.join(".")}: ${each.message}`),
    warnings: diagnostics.filter((each) => each.severity === 1).map((each) => `${each.code}: ${each.message}`),
    names: (document?.allMessages().all() ?? []).map((message) => [
      message.id(),
      message.payload()?.id(),
      message.headers()?.id() ?? "",
    ]),
  };
}
console.log(JSON.stringify(found));
