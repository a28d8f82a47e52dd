"""The safety process: the control loop alone in a process, and the desk at which others speak to it."""
