"""Imports the named modules' applications, so that Python stores them and their imports compiled."""

import importlib
import importlib.util
import sys


def load(modules: list[str]) -> None:
    """Imports the application of each module that has one."""
    for module in modules:
        app = f"{module}.app"
        if _exists(app):
            importlib.import_module(app)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False  # The parent is a module and no package.


if __name__ == "__main__":
    load(sys.argv[1:])
