"""What a person sees of a session and how a person speaks to it."""
