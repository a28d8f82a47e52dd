"""What every part of ionto shares: units, expressions, the plan, the machine, limits and diagnostics."""
