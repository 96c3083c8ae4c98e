"""The floors of disclosure control: constants that settings can raise and never lower."""

CONVERSATION_FLOOR = 15
"""Least distinct conversations of a released cell (METHOD: Economic Index practice)."""

ACCOUNT_FLOOR = 5
"""Least distinct accounts of a released cell."""

UNKNOWN_ACCOUNT_CONVERSATION_FLOOR = CONVERSATION_FLOOR * ACCOUNT_FLOOR
"""Least conversations where accounts are unknown: fewer than ACCOUNT_FLOOR people could fill such
a cell only if each brought CONVERSATION_FLOOR conversations or more to it."""

EPSILON_LIMIT = 10.0
"""Most privacy loss of a quarter with noise: beyond, one could be 99.995 % sure of an account."""

ROUNDING_BASE = 10
"""Least base of the rounding, and so of what stays uncertain of anything withheld."""
