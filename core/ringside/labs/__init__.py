"""The labs: one file each, one question each. The list below is all there is."""

from __future__ import annotations

from . import phone, rings, walks
from .lab import Lab

LABS: tuple[Lab, ...] = (rings.LAB, walks.LAB, phone.LAB)
