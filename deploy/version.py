"""The version of the project: the commit, if it is in a repository."""

import subprocess

from deploy.local.reaper import ROOT


def version() -> str:
    """The commit in short; "unknown" where there is no git or no repository."""
    try:
        found = subprocess.run(
            ["git", "log", "-1", "--format=%h"], cwd=ROOT, check=False, capture_output=True, text=True
        )
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"
