"""From a sealed plan to a current that flows."""
