"""Drivers: how a session reaches a stimulator at the other end of a line."""
