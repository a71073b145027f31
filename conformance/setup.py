"""Puts the published files of the contract into the distribution, so that it runs without a repository."""

import runpy
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent


class BuildWithContract(build_py):
    """Copies the files of the contract beside the modules."""

    def run(self) -> None:
        """Builds the modules without this one, then copies the files."""
        super().run()
        (Path(self.build_lib) / "conformance" / "setup.py").unlink(missing_ok=True)
        bundle = runpy.run_path(str(HERE / "bundle.py"))
        for name, place in bundle["FILES"].items():
            found = HERE.parent / place
            there = Path(self.build_lib) / "conformance" / bundle["BUNDLED"] / name
            there.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                shutil.copytree(
                    found, there, ignore=shutil.ignore_patterns("*.py", "__pycache__"), dirs_exist_ok=True
                )
            else:
                shutil.copy(found, there)


setup(cmdclass={"build_py": BuildWithContract})
