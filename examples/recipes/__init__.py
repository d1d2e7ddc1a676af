"""Files to copy: each is a whole application that embeds the library."""
