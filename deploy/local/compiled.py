"""Imports the named modules' applications, so that Python keeps them, and all that they need, compiled."""

import importlib
import importlib.util
import sys


def load(modules: list[str]) -> None:
    for module in modules:
        app = f"{module}.app"
        if _exists(app):
            importlib.import_module(app)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False  # What would hold it is a module and no package.


if __name__ == "__main__":
    load(sys.argv[1:])
