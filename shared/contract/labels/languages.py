"""Labels of languages, by ISO 639 code: English first, then by name."""

from typing import Final

from shared.contract.labels.table import Labels, labels
from shared.platform.languages import language_code, language_name

LANGUAGES: Final[Labels] = labels(
    {
        "en": "English",
        "ar": "Arabic",
        "bn": "Bengali",
        "bfi": "British Sign Language",
        "bg": "Bulgarian",
        "zh": "Chinese",
        "cs": "Czech",
        "fa": "Farsi",
        "fr": "French",
        "gu": "Gujarati",
        "hi": "Hindi",
        "hu": "Hungarian",
        "it": "Italian",
        "ku": "Kurdish",
        "lv": "Latvian",
        "lt": "Lithuanian",
        "ps": "Pashto",
        "pl": "Polish",
        "pt": "Portuguese",
        "pa": "Punjabi",
        "ro": "Romanian",
        "ru": "Russian",
        "sk": "Slovak",
        "so": "Somali",
        "es": "Spanish",
        "ta": "Tamil",
        "ti": "Tigrinya",
        "tr": "Turkish",
        "uk": "Ukrainian",
        "ur": "Urdu",
        "cy": "Welsh",
    }
)


def language(code: str) -> str:
    """The label of a language by any of its codes; its name in ISO 639, or the code, where there is none."""
    known = language_code(code) or code
    return LANGUAGES.get(known) or language_name(known)
