"""What messages say: one plain text file a recipient, template and channel, by language.

A language without a file of its own is served in English. A text message begins with its sender's name, is
written in the alphabet of text messages, and is sent in two parts at most, which the tests check with every
place and name of the localities file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.channels.gsm import plain
from services.notifications.messages.message import Recipient, Template
from shared.contract.labels import at_where
from shared.platform.web import dates

Channel = Literal["text", "mail"]
FALLBACK: Final = "en"
TEMPLATES: Final = Path(__file__).with_name("templates")
_SUBJECT = "Subject: "


@dataclass(frozen=True, slots=True)
class Wording:
    """A message in words. Only mail has a subject."""

    body: str
    subject: str = ""


class Words:
    """The templates of a folder with a folder for each language."""

    def __init__(self, folder: Path = TEMPLATES) -> None:
        # The files end in .txt: plain text, in which nothing is escaped.
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(("html",)),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["at_where"] = at_where
        self._environment.filters |= {"day": dates.day, "clock_time": dates.clock_time}

    def say(
        self, template: Template, recipient: Recipient, channel: Channel, language: str, **facts: Any
    ) -> Wording:
        """The message in this language, or in English where it has not been translated."""
        file = f"{recipient}.{template}.{channel}.txt"
        written = self._environment.select_template([f"{language}/{file}", f"{FALLBACK}/{file}"])
        said = written.render(facts).strip()
        if channel == "text":
            return Wording(plain(" ".join(said.split())))
        subject, _, body = said.partition("\n")
        return Wording(body.strip() + "\n", subject.removeprefix(_SUBJECT).strip())

    def translated(self, template: Template, recipient: Recipient, channel: Channel, language: str) -> bool:
        """Whether this language has words of its own for it."""
        return f"{language}/{recipient}.{template}.{channel}.txt" in self._environment.list_templates()
