"""Adapters for the ports, one module for each technology, named by it."""
