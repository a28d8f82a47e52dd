"""A stimulator, a person's skin and a clock that exist only in software."""
