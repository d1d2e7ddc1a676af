"""Mutation testing: the source is broken in one small place at a time, and the tests must notice."""
