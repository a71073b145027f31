"""Renders messages from plain text files, one for each recipient, template and channel, by language.

A language without a file of its own is served in English. A text message begins with its sender's name and is
written in the alphabet of text messages. It is sent in two parts at most: the tests check this with every
place and name of the localities file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.channels.gsm import to_gsm_alphabet
from services.notifications.messages.message import Recipient, Template
from shared.contract.labels import at_where
from shared.platform.web import dates

Channel = Literal["text", "mail"]
FALLBACK_LANGUAGE: Final = "en"
TEMPLATES: Final = Path(__file__).with_name("templates")
_SUBJECT: Final = "Subject: "


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """The text of a message. Only mail has a subject."""

    body: str
    subject: str = ""


class MessageTemplates:
    """The templates of a folder that holds a folder for each language."""

    def __init__(self, folder: Path = TEMPLATES) -> None:
        # The files end in .txt, so nothing is escaped.
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=select_autoescape(("html",)),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals["at_where"] = at_where
        self._environment.filters |= {"day": dates.day, "clock_time": dates.clock_time}

    def render(
        self, template: Template, recipient: Recipient, channel: Channel, language: str, **facts: Any
    ) -> RenderedMessage:
        """Renders the message in this language, or in English where there is no translation."""
        file = f"{recipient}.{template}.{channel}.txt"
        chosen = self._environment.select_template([f"{language}/{file}", f"{FALLBACK_LANGUAGE}/{file}"])
        text = chosen.render(facts).strip()
        if channel == "text":
            return RenderedMessage(to_gsm_alphabet(" ".join(text.split())))
        subject, _, body = text.partition("\n")
        return RenderedMessage(body.strip() + "\n", subject.removeprefix(_SUBJECT).strip())
