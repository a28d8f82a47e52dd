"""From a plan to verdicts, margins and counterexamples."""
