"""Rechecking a proved plan without a solver: its questions derived again, and their certificates checked."""
