"""What a command says instead of doing its work."""


class CommandError(Exception):
    """One sentence for the operator; the command ends with code 2."""
