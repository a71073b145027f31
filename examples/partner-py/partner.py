"""A partner's client: refers somebody, follows the referral to its meeting, sees a refusal and mends it."""

import asyncio
import json
import os
import ssl
import sys
import uuid
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

LOCALITY = os.environ.get("LOCALITY", "meir")
PARTNER = os.environ.get("PARTNER", "vast-hub")
PRACTICE = os.environ.get("PRACTICE", "M83100")
SOURCE = f"/{LOCALITY}/{PARTNER}"
INBOX = f"in.{LOCALITY}.{PARTNER}"
REFUSALS = f"refused.{LOCALITY}.{PARTNER}"
EVENTS = ("referral-created", "meeting-booked", "outcome-recorded")
TLS = os.environ.get("KAFKA_TLS") == "1"

CONNECTION: dict[str, Any] = {"bootstrap_servers": os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092")}
if user := os.environ.get("KAFKA_USER"):
    CONNECTION |= {
        "security_protocol": "SASL_SSL" if TLS else "SASL_PLAINTEXT",
        "ssl_context": ssl.create_default_context() if TLS else None,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": os.environ["KAFKA_PASSWORD"],
    }


def now() -> str:
    """RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def referral(needs: list[str]) -> dict[str, Any]:
    """Codes and opaque references only. Name, telephone and NHS number stay in the partner's own vault."""
    return {
        "referral_id": str(uuid.uuid4()),
        "locality": LOCALITY,
        "practice": PRACTICE,
        "person_ref": str(uuid.uuid4()),
        "route": "hub",
        "age_band": "65-74",
        "needs": needs,
        "agreement": {"by": "person", "how": "in_person", "at": now()},
        "risk": "none_known",
        "contact": "ring",
    }


async def say(producer: AIOKafkaProducer, event: str, body: dict[str, Any], identity: str) -> None:
    """Writes CloudEvents 1.0 in binary mode: attributes in headers, the body as JSON, the referral as key."""
    headers = {
        "ce_specversion": "1.0",
        "ce_id": identity,
        "ce_source": SOURCE,
        "ce_type": f"org.linkwork.{event}.v1",
        "ce_subject": body["referral_id"],
        "ce_time": now(),
        "content-type": "application/json",
    }
    pairs = [(name, value.encode()) for name, value in headers.items()]
    value, key = json.dumps(body).encode(), body["referral_id"].encode()
    await producer.send_and_wait(INBOX, value, key=key, headers=pairs)


async def follow(consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
    """Refers, then reads until the meeting is booked and the mended referral was accepted."""
    mine, wrong, wrong_id = referral(["befriending"]), referral(["owes money"]), str(uuid.uuid4())
    await say(producer, "referral-created", mine, str(uuid.uuid4()))
    await say(producer, "referral-created", wrong, wrong_id)
    print("referred   ", mine["referral_id"])
    waiting = {"meeting or reason", "refusal", "mended"}
    seen = set()  # An event may come again at any time: keep source and id.
    async for record in consumer:
        body = json.loads(record.value)
        if record.topic == REFUSALS:
            if body["id"] == wrong_id and "refusal" in waiting:  # A line may come again, too.
                print("refused    ", body["code"], "at", body["pointer"] + ":", body["detail"])
                waiting.remove("refusal")
                await say(producer, "referral-created", wrong | {"needs": ["befriending"]}, wrong_id)
        elif body.get("referral_id") in (mine["referral_id"], wrong["referral_id"]):
            headers = {name: value.decode() for name, value in record.headers}
            source, identity = headers["ce_source"], headers["ce_id"]
            kind = body.get("kind", headers["ce_type"].split(".")[2])
            if (source, identity) not in seen:
                seen.add((source, identity))
                starts = body.get("starts_at", ""), "provisional" if body.get("provisional") else ""
                print("heard      ", kind, "from", source, *starts)
                if identity == wrong_id:
                    print("mended     ", wrong["referral_id"])
                    waiting.remove("mended")
            if body["referral_id"] == mine["referral_id"] and kind in ("meeting-booked", "meeting_waiting"):
                waiting.discard("meeting or reason")
        await consumer.commit()  # After the record was handled, never before.
        if not waiting:
            return


async def main() -> None:
    """Follows as a group of its own, which begins with the first record that the topics hold."""
    topics = [REFUSALS, *(f"{LOCALITY}.{event}.v1" for event in EVENTS)]
    group = {"group_id": f"{LOCALITY}.{PARTNER}.example-py", "auto_offset_reset": "earliest"}
    async with (
        AIOKafkaProducer(**CONNECTION) as producer,
        AIOKafkaConsumer(*topics, **CONNECTION, **group, enable_auto_commit=False) as consumer,
        asyncio.timeout(60),
    ):
        await follow(consumer, producer)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
