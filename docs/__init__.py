"""The documentation: its pages, what builds it (`conf`, `_ext`) and what writes the generated ones (`generate`)."""
