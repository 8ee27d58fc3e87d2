"""A seeded marketplace with planted truth: ordinary life, one campaign of merchants that stop shipping, its labels.

Everything that it writes is synthetic. `world.simulate` is the entry; the other modules are the parts of that world.
"""
