"""The one error that means: what you gave cannot be used."""


class InputError(Exception):
    """A fault in what the user gave: one line, what was found, what is allowed, and where.

    The command line prints it as it stands and exits with status 2. Anything else that is
    raised is a fault of ours and exits with status 1.
    """
