"""What is run on the library, beside its tests."""
