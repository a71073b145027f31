"""Identity and free text, encrypted under one key for each person; erasing the key erases the person."""
