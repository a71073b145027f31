"""The reference under which a gateway is given a message, worked out from what the message is about.

Written a second time from its description (docs/delivery.md): the permanent key of the message and the
channel, hashed, so that it tells nothing.
"""

import hashlib


def reference(locality: str, referral: str, name: str, channel: str) -> str:
    """`name` is `<template>.<recipient>.<meeting>`, `channel` mail or text."""
    key = f"message|{locality}/{referral}|{name}|{channel}"
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
