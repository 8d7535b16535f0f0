"""Paravirtualization: the interface between a VMM and a guest kernel that was written for it."""
