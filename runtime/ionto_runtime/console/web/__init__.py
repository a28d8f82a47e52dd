"""The bedside page: a session as a web page on this computer; one person commands, others watch."""
