"""Where events come from: folders of SQL over an owner's files, the simulator among them, and how they land."""
