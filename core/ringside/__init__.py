"""Ringside: watch a hypervisor work, one event at a time."""

__version__ = "0.1.0"
