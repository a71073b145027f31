"""Settings of the Python interpreter for the kernel's load: many objects a batch, many short waits."""

import gc
import sys
from functools import cache
from typing import Final

# A batch makes some 60 objects a record that live as long as the batch. With Python's default threshold of
# 700, the collector looks through them so often that it costs a third of the work.
_COLLECT_AT: Final = (200_000, 5, 5)
# The time for which a thread with the database's answer waits for the interpreter. A referral takes some
# twenty answers in a row, and Python's default is ten times as long. A fifth of this value costs more than it
# gains.
_SWITCH_SECONDS: Final = 0.0005


@cache
def tune_interpreter() -> None:
    """Makes the garbage collector run seldom and skip loaded modules; makes threads switch sooner. Once."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*_COLLECT_AT)
    gc.freeze()  # Modules and classes stay, so the collector need not look through them.
