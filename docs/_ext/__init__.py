"""What Sphinx does not do by itself."""
