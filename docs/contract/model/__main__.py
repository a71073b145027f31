"""Searches the model: `python -m docs.contract.model there|back [safeguard to leave out]`."""

import sys
from typing import cast

from docs.contract.model.hand_over import Model, Way
from docs.contract.model.search import search

way, omitted = (*sys.argv[1:], None, None)[:2]
if way not in ("there", "back"):
    sys.exit("usage: python -m docs.contract.model there|back [safeguard to leave out]")
try:
    model = Model(cast("Way", way), omitted=omitted)
except ValueError as error:
    sys.exit(str(error))
found = search(model.first, model.steps, model.broken, model.broken_at_rest)
sys.stdout.write(f"{found.states} states, {found.at_rest} at rest; broken: {found.broken or 'no rule'}\n")
sys.stdout.writelines(f"  {step}\n" for step in found.steps)
