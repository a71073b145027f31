"""The distribution: its files, its dependencies, and that it runs without the repository."""

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from conformance.bundle import BUNDLED, FILES
from deploy.local.reaper import ROOT

MODULES = ROOT / "conformance"
# The kit's libraries: nothing that serves pages, stores documents or is ours.
LIBRARIES = {"aiokafka", "httpx", "joserfc", "jsonschema", "tzdata"}
OURS = {"services", "shared", "deploy", "linkwork", "chaos", "tests"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy, as building leaves files beside the sources."""
    folder = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__", "build", "*.egg-info")
    for place in ("conformance", *FILES.values()):
        copied = shutil.copytree if (ROOT / place).is_dir() else shutil.copy
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if copied is shutil.copytree:
            shutil.copytree(ROOT / place, folder / place, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / place, folder / place)
    uv = [str(Path(sys.executable).with_name("uv")), "build", "--wheel", "--quiet", "--out-dir", "out"]
    subprocess.run([*uv, "conformance"], cwd=folder, check=True)
    (built,) = (folder / "out").glob("*.whl")
    return built


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_has_every_module_of_the_kit_and_no_other(wheel: Path) -> None:
    modules = {f"conformance/{path.relative_to(MODULES)}" for path in MODULES.rglob("*.py")}
    modules = {each for each in modules if "/build/" not in each} - {"conformance/setup.py"}
    assert {each for each in names(wheel) if each.endswith(".py")} == modules
    assert not {each.partition("/")[0] for each in names(wheel)} & OURS


@pytest.mark.parametrize("name", FILES)
def test_wheel_has_the_files_of_the_contract(wheel: Path, name: str) -> None:
    place, there = ROOT / FILES[name], f"conformance/{BUNDLED}/{name}"
    wanted = (
        {there}
        if place.is_file()
        else {
            f"{there}/{path.relative_to(place)}"
            for path in place.rglob("*")
            if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
        }
    )
    assert wanted <= names(wheel)


def test_wheel_depends_on_few_libraries_and_no_service(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
    wanted = metadata.get_all("Requires-Dist") or []
    assert {each.partition("[")[0].partition(">")[0].strip() for each in wanted} == LIBRARIES


def test_kit_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "conformance", "referral", "--list"]
    ran = subprocess.run(
        command,
        cwd=tmp_path,
        env={"PYTHONPATH": str(wheel_contents(wheel, tmp_path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "STORY/referral/withdrawn" in ran.stdout


def wheel_contents(wheel: Path, folder: Path) -> Path:
    there = folder / "installed"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(there)
    return there
