"""A locality may choose the name that messages to people begin with, if it tells nothing."""

import shutil
from pathlib import Path

import pytest

from shared.platform.localities import LOCALITIES_FILE, Localities, LocalitiesError, load_localities


def with_sender(folder: Path, name: str) -> Localities:
    shutil.copy(LOCALITIES_FILE.with_name("gp_practices.csv"), folder)
    text = LOCALITIES_FILE.read_text("utf-8")
    chosen = text.replace('slug = "meir"\n', f'slug = "meir"\ntext_sender = "{name}"\n', 1)
    (folder / "localities.toml").write_text(chosen, "utf-8")
    return load_localities(folder / "localities.toml")


def test_text_sender_is_read_for_its_locality_alone(tmp_path: Path) -> None:
    programme = with_sender(tmp_path, "Meir appointments")
    assert programme.by_slug["meir"].text_sender == "Meir appointments"
    assert programme.by_slug["longton"].text_sender is None


@pytest.mark.parametrize(
    "name",
    [
        "Meir social prescribing",
        "Your link worker",
        "Linkwork",
        "Debt help",
        "Befriending desk",
        "Gambling team",
        "Community support",
        "M" * 41,
    ],
)
def test_text_sender_that_tells_or_is_long_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocalitiesError, match="locality meir: text_sender must"):
        with_sender(tmp_path, name)
