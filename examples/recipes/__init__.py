"""One file each, to copy into an application and change."""
