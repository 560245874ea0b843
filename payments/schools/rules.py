"""Decisions about pupils and schools that need no database: names, identifiers, who runs a school."""

import enum


class SchoolLevel(enum.StrEnum):
    """Levels of the Vietnamese school system."""

    KINDERGARTEN = "kindergarten"
    PRIMARY = "primary"
    LOWER_SECONDARY = "lower_secondary"
    UPPER_SECONDARY = "upper_secondary"
    CONTINUING = "continuing"


class Ownership(enum.StrEnum):
    """Who runs the school: public tuition is zero since 2025-26, other schools still charge it."""

    PUBLIC = "public"
    PUBLIC_HIGH_QUALITY = "public_high_quality"
    PRIVATE = "private"


class Sex(enum.StrEnum):
    """As the sector database writes it: Nam, Nữ."""

    MALE = "male"
    FEMALE = "female"
