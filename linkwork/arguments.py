"""Arguments of the command line that several commands have."""

import argparse


def reason(text: str) -> str:
    """Why something is done, for the auditor: not blank."""
    if not text.strip():
        raise argparse.ArgumentTypeError("say why, in a few words")
    return text.strip()
