"""What one QR of the parent's page asks for: one account, one reference, one amount; pure.

Headline, picture, fields to copy and the link into a bank's app are made of the same value: they cannot disagree.
"""

from dataclasses import dataclass

from payments.portal.rules import SAMPLE_BINS
from payments.vietqr import encode_transfer
from payments.vietqr.memo import build_memo
from payments.vietqr.style import Style, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Payable:
    """A transfer that somebody may make; ``amount_vnd`` is what is still open."""

    reference: str
    amount_vnd: int
    bin: str
    bank_name: str
    account_number: str
    holder_name: str
    memo_prefix: str = ""

    @property
    def memo(self) -> str:
        """What the payer's bank must carry: the reference, after the account's prefix word where it has one."""
        return build_memo(self.reference, prefix=self.memo_prefix).text

    @property
    def payload(self) -> str:
        """The QR's text: for one payment of this very amount (initiation 12)."""
        return encode_transfer(self.bin, self.account_number, self.amount_vnd, self.memo)

    def style(self, template: Template) -> Style:
        """The slip carries the words that some bank apps drop; banks that do not exist are marked as samples."""
        mark = "MẪU" if self.bin in SAMPLE_BINS else ""
        if template != "slip":
            return Style(template=template, mark=mark)
        return Style(template=template, bank_name=self.bank_name, holder_name=self.holder_name, mark=mark)
