"""Our notifications without the quiet hours (NOTE-8), so that the kit can try them by night."""

import runpy
from datetime import time

from services.notifications.messages import policy

if __name__ == "__main__":
    vars(policy).update(QUIET_UNTIL=time.min, QUIET_FROM=time.max)
    runpy.run_module("services.notifications", run_name="__main__")
