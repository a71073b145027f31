// Runs the vectors: `node check.mjs [folder of the fold's vectors] [folder of the log's vectors]`.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { fold } from "./fold.mjs";
import { partitionOf, readLog } from "./log.mjs";

const contract = fileURLToPath(new URL("../../shared/contract/", import.meta.url));
const [, , folds = join(contract, "history/vectors"), logs = join(contract, "events/vectors")] = process.argv;
const failed = [];
let passed = 0;

function check(name, found, expected) {
  if (isDeepStrictEqual(found, expected)) passed += 1;
  else failed.push({ name, found, expected });
}

function read(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return names.map((name) => ({ name, content: JSON.parse(readFileSync(join(folder, name), "utf8")) }));
}

for (const { name, content } of read(folds)) {
  for (const { name: vector, facts, state } of content.vectors) {
    // Order and repetition change nothing.
    for (const given of [facts, [...facts].reverse(), [...facts, ...facts]]) {
      check(`${name} ${vector}`, fold(given, content.source_priorities, content.source_parts), state);
    }
  }
}
for (const { name, content } of read(logs)) {
  for (const vector of content.vectors) {
    if (vector.partitions) {
      const { facts, owners } = readLog(vector.partitions);
      const found = facts.map(({ fact, epochs }) => ({
        referral_id: fact.body.referral_id, source: fact.source, id: fact.id, kind: fact.body.kind ?? null, epochs,
      }));
      check(`${name} ${vector.name}`, { facts: found, owners }, { facts: vector.facts, owners: vector.owners });
    } else check(`${name} ${vector.key}`, partitionOf(vector.key, vector.of), vector.partition);
  }
}

for (const { name, found, expected } of failed) {
  console.error(`${name}\n  found    ${JSON.stringify(found)}\n  expected ${JSON.stringify(expected)}`);
}
console.log(`passed ${passed}, failed ${failed.length}`);
process.exit(failed.length ? 1 : 0);
