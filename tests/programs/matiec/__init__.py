"""Writes program bundles as OpenPLC Editor 4.1 uploads them: the C sources that MatIEC makes of a program."""
