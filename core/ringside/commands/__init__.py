"""Commands of the command line: one file each, put together in :mod:`ringside.cli`."""
