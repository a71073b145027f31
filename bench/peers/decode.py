"""Decoding only: python -m bench.peers.decode <where everything is> plain|envelope"""

import uvloop

from bench.peers.batches import batches
from bench.peers.job import Referral
from bench.peers.told import Told, arguments
from shared.contract.events.envelope import Refused, read


async def main() -> None:
    parser = arguments()
    parser.add_argument("how", choices=["plain", "envelope"])
    asked = parser.parse_args()
    told = Told()
    await told.go()
    async for records in batches(told, asked.read, asked.group):
        for record in records:
            if asked.how == "plain":
                Referral.model_validate_json(record.value or b"")
            elif isinstance(read(record.topic, record.key, record.value, record.headers), Refused):
                raise SystemExit("a record could not be read")


if __name__ == "__main__":
    uvloop.run(main())
