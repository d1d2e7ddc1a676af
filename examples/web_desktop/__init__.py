"""An agent's desktop in the browser: one window, one workspace. Start it with ``python -m examples.web_desktop``."""
