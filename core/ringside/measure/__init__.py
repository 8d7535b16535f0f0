"""Measuring guests under several techniques, and holding the result against what was published.

Nothing here knows pictures or labs. Counts come from the events of real runs, cycles from
:mod:`ringside.trace.cost`.
"""
