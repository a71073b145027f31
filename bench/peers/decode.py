"""Decodes the records and does nothing else.

python -m bench.peers.decode <run arguments> plain|envelope
"""

import uvloop

from bench.peers.batches import batches
from bench.peers.control import Control, arguments
from bench.peers.job import Referral
from shared.contract.events.envelope import Refused, read


async def main() -> None:
    """Runs the program until SIGTERM."""
    parser = arguments()
    parser.add_argument("how", choices=["plain", "envelope"])
    asked = parser.parse_args()
    control = Control()
    await control.go()
    async for records in batches(control, asked.read, asked.group):
        for record in records:
            if asked.how == "plain":
                Referral.model_validate_json(record.value or b"")
            elif isinstance(read(record.topic, record.key, record.value, record.headers), Refused):
                raise SystemExit("a record could not be read")


if __name__ == "__main__":
    uvloop.run(main())
