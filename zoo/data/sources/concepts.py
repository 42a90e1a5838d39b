"""Which emoji are one picture in disguise: their base concept, by which sets are split.

A concept is the code points of an emoji in hexadecimal digits, joined by "-", without
FE0F (which only asks for colour) and without leading zeros: emoji sets name their files
so, each with or without these.
"""

PERSON, CHILD, JOINER = "1F9D1", "1F9D2", "200D"
_TONES = {f"1F3F{last}" for last in "BCDEF"}
# The same drawing but for a detail: female, male, facing right, four kinds of hair.
_SIGNS = {"2640", "2642", "27A1", "1F9B0", "1F9B1", "1F9B2", "1F9B3"}
_PEOPLE = {"1F468": PERSON, "1F469": PERSON, "1F466": CHILD, "1F467": CHILD}
_KISS = f"{PERSON}-{JOINER}-2764-{JOINER}-1F48B-{JOINER}-{PERSON}"
_HEART = f"{PERSON}-{JOINER}-2764-{JOINER}-{PERSON}"
_HANDS = f"{PERSON}-{JOINER}-1F91D-{JOINER}-{PERSON}"
# Emoji whose own code points hide that they are drawn as another one.
_ALIASES = {
    "1F471": PERSON,  # blond
    "1F46A": f"{PERSON}-{JOINER}-{PERSON}-{JOINER}-{CHILD}",
    **dict.fromkeys(("1F46B", "1F46C", "1F46D"), _HANDS),
    "1F48F": _KISS,
    "1F491": _HEART,
    "1F46F": f"{PERSON}-{JOINER}-1F430-{JOINER}-{PERSON}",  # with bunny ears
    "1F93C": f"{PERSON}-{JOINER}-1FAEF-{JOINER}-{PERSON}",  # wrestling
    f"1FAF1-{JOINER}-1FAF2": "1F91D",  # a handshake of two tones
    "1F64E": "1F64D",  # who pouts frowns
    "1F6C0": "1F6C1",  # in a bathtub
    "1F509": "1F508",  # a louder speaker
    "1F1F9-1F1E9": "1F1F7-1F1F4",  # flags: Chad is Romania but for a tint of blue
    "1F1E7-1F1FB": "1F1F3-1F1F4",  # Bouvet Island is Norway
    "1F1F8-1F1EF": "1F1F3-1F1F4",  # Svalbard
    "1F1E8-1F1F5": "1F1EB-1F1F7",  # Clipperton is France
    "1F1F2-1F1EB": "1F1EB-1F1F7",  # St. Martin
    "1F1ED-1F1F2": "1F1E6-1F1FA",  # Heard is Australia
    "1F1E9-1F1EC": "1F1EE-1F1F4",  # Diego Garcia is British Indian Ocean Territory
    "1F1EA-1F1E6": "1F1EA-1F1F8",  # Ceuta is Spain
    "1F1FA-1F1F2": "1F1FA-1F1F8",  # U.S. Outlying Islands
}


def concept(code_points: str) -> str:
    """Returns the concept that code points, as files are named by them, stand for."""
    points = code_points.upper().split("-")
    return "-".join(point.lstrip("0") for point in points if point != "FE0F")


def base(concept: str) -> str:
    """Returns the base concept: equal for all skin tones, for man, woman and person,
    for all ways that a person looks, and for flags that are equal."""
    points = [p for p in concept.split("-") if p not in _TONES | _SIGNS]
    points = [_PEOPLE.get(point, point) for point in points]
    while points and points[-1] == JOINER:  # its sign is gone
        points.pop()
    plain = "-".join(points)
    return _ALIASES.get(plain, plain) or concept  # one that is but a sign


def has_tone(concept: str) -> bool:
    """Whether a person in it has a skin tone."""
    return not _TONES.isdisjoint(concept.split("-"))
