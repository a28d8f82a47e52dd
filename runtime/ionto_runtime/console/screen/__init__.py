"""The console for a terminal: a full screen, and a stop path that needs neither page nor browser."""
