"""The command `ionto`; the only package that sees all of the others."""
