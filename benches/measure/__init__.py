"""Measurements of the running system. Clients are written for least cost, because they run on the machine they measure."""
