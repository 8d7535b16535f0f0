"""The desktop app: the same page as the static site, with the core in CPython behind it."""

from .app import create_app

__all__ = ["create_app"]
