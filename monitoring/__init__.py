"""Watching models in service: has the world drifted from what they were trained on? The only importer of Evidently."""
