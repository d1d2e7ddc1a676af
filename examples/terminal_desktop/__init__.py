"""One agent's workspace in a terminal. Two of them on one SQLite file hand conversations to each other."""
