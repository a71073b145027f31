"""Who the person is, and all free text: encrypted under one key a person, erased by erasing that key."""
