"""What writing and sending need besides the database: the operator's settings and the cipher of columns."""

from dataclasses import dataclass, field

from payments.crypto import FieldCipher
from payments.settings import Settings


@dataclass(frozen=True, slots=True)
class Outside:
    """The outside of this process."""

    settings: Settings
    cipher: FieldCipher = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "Outside":
        """With a cipher of the settings' keys."""
        return cls(settings, FieldCipher(settings.field_keys))

    @property
    def mail_domain(self) -> str:
        """The right side of our Message-IDs."""
        return self.settings.mail_from.rpartition("@")[2].rstrip(">") or "localhost"
