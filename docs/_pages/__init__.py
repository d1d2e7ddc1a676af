"""The pages that are written from the code, one module for each; `docs.generate` writes them down."""
