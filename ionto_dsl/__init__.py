"""From the text of a protocol to its plan."""
