"""Audit entries are kept for as long as the settings say, and no longer."""

from datetime import timedelta
from uuid import uuid4

from shared.delivery.audit.trail import ensure_audit
from shared.delivery.mongo.database import Mongo
from shared.platform.web.settings import ServiceSettings


async def lifetime(mongo: Mongo) -> int:
    found = (await mongo["audit"].index_information())["audit_ends"]
    assert found["key"] == [("at", 1)]
    return int(found["expireAfterSeconds"])


async def test_audit_entries_end_after_the_days_of_the_setting(mongo_url: str) -> None:
    mongo = Mongo(mongo_url, f"test_audit_{uuid4().hex}")
    try:
        usual: int = ServiceSettings.model_fields["audit_days"].default
        await ensure_audit(mongo, timedelta(days=usual))
        assert await lifetime(mongo) == 2922 * 24 * 3600
        await ensure_audit(mongo, timedelta(days=400))  # the next start, with another setting
        assert await lifetime(mongo) == 400 * 24 * 3600
        await ensure_audit(mongo, timedelta(days=400))
    finally:
        await mongo.client.drop_database(mongo.database.name)
        await mongo.close()
