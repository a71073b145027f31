// Compiles the schemas of a folder in Ajv's strict mode, then answers whether each body of a file is valid.
import { readFileSync, readdirSync } from "node:fs";
import Ajv2020 from "ajv/dist/2020.js";

const ajv = new Ajv2020({ strict: true, allErrors: true });
const [folder, cases] = process.argv.slice(2);
const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".json"));
const checks = Object.fromEntries(
  names.map((name) => [name, ajv.compile(JSON.parse(readFileSync(`${folder}/${name}`, "utf8")))]),
);
const answers = JSON.parse(readFileSync(cases, "utf8")).map(([name, body]) => checks[name](body));
console.log(JSON.stringify({ names: names.sort(), answers }));
