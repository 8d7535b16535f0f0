"""Popek and Goldberg's three properties of a VMM, measured for every technique there is.

:mod:`~ringside.properties.subjects`    what is measured: the techniques of the registry
:mod:`~ringside.properties.equivalence` the guest behaves as on the bare machine, or where it parts
:mod:`~ringside.properties.control`     hostile guests, a neighbour, and who stopped what
:mod:`~ringside.properties.efficiency`  the share of instructions that ran directly, exits, cycles
:mod:`~ringside.properties.measure`     all three together: :func:`measure`

Nothing is looked up: every figure comes from runs on the simulated machine, which are the same
every time, so each is made once and kept.
"""
