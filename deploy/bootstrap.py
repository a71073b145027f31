"""Makes `.venv` from a hashed lock file, with nothing but Python and a network. A second call costs nothing.

    python3 deploy/bootstrap.py local|dev

Written in the syntax of old Pythons, so that an old Python can report that it is too old.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.json")
# A set of packages contains the sets named here too.
INCLUDES = {"local": ["local"], "dev": ["dev", "local"]}
SPACE = 2 * 1024**3


def refuse(sentence):  # type: (str) -> None
    """Exits with 2 and this sentence."""
    sys.stderr.write(sentence + "\n")
    raise SystemExit(2)


def check_space():  # type: () -> None
    """Refuses if packages and data would not fit on the disk."""
    free = shutil.disk_usage(ROOT).free
    if free < SPACE:
        refuse(
            "Linkwork needs 2 GB of free disk space and there is %.1f GB: free some and run again."
            % (free / 1024**3)
        )


def locked(name):  # type: (str) -> str
    """The path of a lock file."""
    return os.path.join(ROOT, "requirements", name + ".txt")


def digest(name):  # type: (str) -> str
    """The hash of a lock file."""
    with open(locked(name), "rb") as lock:
        return hashlib.sha256(lock.read()).hexdigest()


def installed():  # type: () -> dict[str, str]
    """The hash of each lock file that the venv was made from. Empty if the venv is missing or broken."""
    try:
        with open(STAMP) as stamp:
            found = dict(json.load(stamp))
        subprocess.run([PYTHON, "-c", "pass"], check=True)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return {}
    return found


def run(*command):  # type: (str) -> bool
    """Runs a command and returns True if it succeeds."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def make_venv():  # type: () -> None
    """Makes the venv anew unless one with pip exists."""
    if os.path.exists(PYTHON) and run(PYTHON, "-c", "import pip"):
        return
    if not run(sys.executable, "-m", "venv", "--clear", VENV):
        refuse(
            "This Python cannot make virtual environments: install its venv package "
            "(python3-venv on Debian and Ubuntu) and run again."
        )


def install(name):  # type: (str) -> None
    """Installs the locked packages, with uv if it works, else with pip, each checked against its hash."""
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON, "--require-hashes"]
    if run(*(pip + ["-r", locked("uv")])) and run(*(uv + ["-r", locked(name)])):
        return
    sys.stdout.write("  uv did not manage that; installing with pip, which takes longer\n")
    if not run(*(pip + ["-r", locked(name)])):
        refuse("The packages could not be installed: check the network (the reason is above) and run again.")


def main(name):  # type: (str) -> None
    """Makes the venv hold the packages of this lock file. Refuses with a sentence if it cannot."""
    if sys.version_info < (3, 11):
        refuse(
            "Linkwork needs Python 3.11 or later and this is %d.%d: install one and name it, "
            "as in `make run PYTHON=python3.12`." % sys.version_info[:2]
        )
    check_space()
    before = installed()
    if before.get(name) == digest(name):
        return
    started = time.monotonic()
    sys.stdout.write("Installing Python packages into .venv ...\n")
    sys.stdout.flush()
    make_venv()
    install(name)
    before.update({included: digest(included) for included in INCLUDES[name]})
    with open(STAMP, "w") as stamp:
        json.dump(before, stamp)
    sys.stdout.write("  installed in %.0f s\n" % (time.monotonic() - started))


if __name__ == "__main__":
    main(sys.argv[1])
