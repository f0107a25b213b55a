"""The subcommands: each module defines its arguments and imports what it needs when it runs."""
