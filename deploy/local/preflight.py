"""Finds the reasons that would stop a run, and reports them before anything starts."""

import importlib.util
import platform
import shutil
import sys
from collections.abc import Mapping

from deploy.local.errors import CannotRun
from deploy.local.plan import Plan
from deploy.local.ports import is_free


def check_platform(environment: Mapping[str, str]) -> None:
    """Refuses a system on which our own broker and database do not run: only Linux x86-64 is supported.

    With both addresses given, any system will do.
    """
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return
    has_mongo = environment.get("LINKWORK_MONGO_URL") or shutil.which("mongod")
    if not (environment.get("LINKWORK_KAFKA_BOOTSTRAP") and has_mongo):
        raise CannotRun(
            f"On {platform.system()} {platform.machine()} the broker and the database do not come with "
            "Linkwork: start a Kafka and a MongoDB replica set, name them in LINKWORK_KAFKA_BOOTSTRAP and "
            "LINKWORK_MONGO_URL, and run again."
        )


def check_parts(plan: Plan) -> None:
    """Checks that every module of the plan exists."""
    for part in (*plan.parts, *filter(None, [plan.demo])):
        if not _can_run(part.module):
            raise CannotRun(f"{part.module} is missing from this folder: fetch the whole of Linkwork again.")


def _can_run(module: str) -> bool:
    """Tests whether `python -m module` would find a module."""
    package, _, _ = module.rpartition(".")
    if importlib.util.find_spec(package) is None:
        return False
    found = importlib.util.find_spec(module)
    if found is not None and found.submodule_search_locations is not None:
        found = importlib.util.find_spec(f"{module}.__main__")
    return found is not None


def front_port(environment: Mapping[str, str]) -> int:
    """The port of the front, from PORT. Raises CannotRun if it is taken."""
    wanted = environment.get("PORT") or "8080"
    if not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise CannotRun(f"PORT is a number from 1 to 65535, such as 8080, and not {wanted!r}.")
    if not is_free(int(wanted)):
        raise CannotRun(
            f"Port {wanted} is taken by another program: stop that program, or choose another port, "
            f"as in `make run PORT={int(wanted) + 1}`."
        )
    return int(wanted)
