"""What pictures show, and what is done to them before they are handed in."""

STATES = ("fine", "damaged", "empty_box", "wrong_item", "parcel")
STATE = {name: number for number, name in enumerate(STATES)}

ABUSES = ("none", "reused", "cropped", "recompressed", "edited", "mismatched")
ABUSE = {name: number for number, name in enumerate(ABUSES)}
"""`none` is a picture as the camera saved it, `mismatched` one of other goods; the others are made of an older picture.
Innocent people recompress (every messenger does) and crop as well."""
