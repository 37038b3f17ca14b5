"""Measurements of the running system, with clients that cost little: they run on the machine that they measure."""
