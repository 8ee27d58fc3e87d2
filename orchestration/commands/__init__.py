"""The commands of `govern`, a module for each subject; each adds its own to the program with `add_to`."""
