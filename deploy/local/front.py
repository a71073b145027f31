"""The common address in front of the services: Caddy with the configuration of the containers.

This process becomes Caddy. If the package brings no Caddy, the proxy in Python takes its place.
"""

import os
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.ports import LOOPBACK
from deploy.local.reaper import ROOT
from deploy.local.routes import OTHERS, ROUTES

CADDYFILE = ROOT / "deploy" / "compose" / "Caddyfile"
UPSTREAMS = tuple(sorted({name for _, name in ROUTES} | {OTHERS}))


def caddy_path() -> Path | None:
    """Returns the program that the package installed beside this Python; None if there is none."""
    program = Path(sysconfig.get_path("scripts")) / "caddy"
    return program if os.access(program, os.X_OK) else None


def caddy_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables of the Caddyfile: its own address, and host and port of each service.

    `given` names each service's address in LINKWORK_<NAME>_URL. Nothing else is passed on.
    """
    own = {"LINKWORK_PORT": given["LINKWORK_PORT"], "LINKWORK_BIND": given.get("LINKWORK_HOST", LOOPBACK)}
    for name in UPSTREAMS:
        address = urlsplit(given[f"LINKWORK_{name.upper()}_URL"])
        own[f"LINKWORK_{name.upper()}_HOST"] = address.hostname or LOOPBACK
        own[f"LINKWORK_{name.upper()}_PORT"] = str(address.port or 80)
    # Caddy would make folders in the user's home.
    state = str(Path(given.get("LINKWORK_STATE", ".linkwork")) / "caddy")
    return {"PATH": given.get("PATH", ""), "XDG_CONFIG_HOME": state, "XDG_DATA_HOME": state} | own


def main() -> None:
    """Becomes Caddy, or serves with the proxy in Python."""
    caddy = caddy_path()
    if caddy is None:
        from deploy.local.python_front import serve

        serve(os.environ)
        return
    command = [str(caddy), "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    sys.stdout.flush()
    os.execve(caddy, command, caddy_environment(os.environ))


if __name__ == "__main__":
    main()
