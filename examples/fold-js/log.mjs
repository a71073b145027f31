// From a log to sets of facts (F1, F7), and the partition of a key. Written from docs/contract alone.

// `partitions`: [{topic, partition, records}]; a record has a `fact` or a `marker`, in order of offsets.
// Gives each referral's facts with the epoch of each part that a marker named, and the owners of parts.
export function readLog(partitions) {
  const facts = new Map();
  const passed = new Map(); // Of each part and epoch: the owner, and the number of partitions that have the marker.
  for (const { records } of partitions) {
    const epochs = {};
    for (const { fact, marker } of records) {
      if (marker) {
        const { part, epoch, owner } = marker;
        const name = `${part} ${epoch}`;
        const counted = passed.get(name) ?? { part, epoch, owner, partitions: new Set() };
        passed.set(name, { ...counted, partitions: counted.partitions.add(records) });
        epochs[part] = Math.max(epochs[part] ?? 0, epoch);
      } else {
        const { locality, referral_id } = fact.body;
        const key = [locality, referral_id, fact.source, fact.id].join(" ");
        if (!facts.has(key)) facts.set(key, { fact, epochs: { ...epochs } });
      }
    }
  }
  const owners = {};
  for (const { part, epoch, owner, partitions: having } of passed.values()) {
    const whole = having.size === partitions.length;
    if (whole && epoch > (owners[part]?.epoch ?? 0)) owners[part] = { epoch, owner };
  }
  return { facts: [...facts.values()], owners };
}

// murmur2 over the key's bytes, as Kafka's Java client has it.
export function murmur2(bytes) {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ bytes.length;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    let k = Math.imul(word, m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = bytes.slice(at).reduce((sum, byte, n) => sum | (byte << (8 * n)), 0);
  if (at < bytes.length) h = Math.imul(h ^ rest, m);
  h = Math.imul(h ^ (h >>> 13), m);
  return (h ^ (h >>> 15)) >>> 0;
}

export function partitionOf(key, partitions) {
  return (murmur2(new TextEncoder().encode(key)) & 0x7fffffff) % partitions;
}

// What a record of Kafka says: a fact, a marker, or nothing that a reader keeps. `schemas`: a test of a body by type;
// `headers`: texts by name. Throws where it is not by the contract.
export function readRecord({ key, value, headers }, locality, schemas) {
  const event = /^org\.linkwork\.([a-z-]+)\.v1$/.exec(headers.get("ce_type"))?.[1];
  const body = JSON.parse(value);
  if (event === "part-handed-over") return { marker: body };
  const [source, id, time] = ["ce_source", "ce_id", "ce_time"].map((name) => headers.get(name));
  const ours = body.locality === locality && source?.startsWith(`/${locality}/`); // R4, R5
  if (!schemas[event]?.(body) || !ours || body.referral_id !== key || !id || !(Date.parse(time) > 0)) { // R6
    throw new Error("The record is not by the contract.");
  }
  return { fact: { event, source, id, time, recordedtime: headers.get("ce_recordedtime") ?? time, body } };
}
