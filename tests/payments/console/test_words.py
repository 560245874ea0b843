"""The words of the desk: every key that a row may carry has words of its own in both languages."""

import html

import pytest
from jinja2 import Environment, PackageLoader

from payments.ledger.models import ExcludeReason
from payments.settlement.models import DecisionKind, RefundState
from payments.settlement.queries import DECISION_WORDS, EXCLUDE_REASONS, REFUND_WORDS
from payments.settlement.rules import SettlementOutcome

VOCABULARIES = [
    ("exclude_reason", ExcludeReason, EXCLUDE_REASONS),
    ("decision_kind", DecisionKind, DECISION_WORDS),
    ("refund_state", RefundState, REFUND_WORDS),
]


def words(macro: str, key: str, language: str) -> str:
    desk = Environment(loader=PackageLoader("payments.console"), autoescape=True)
    desk.filters["vnd"] = str
    desk.globals["say"] = lambda vi, en: en if language == "en" else vi
    said = desk.get_template("console/words.html").module
    return html.unescape(str(getattr(said, macro)(key)))


@pytest.mark.parametrize(("macro", "keys", "told"), VOCABULARIES)
def test_the_desk_and_the_terminal_say_the_same(macro, keys, told):
    assert told.keys() == set(keys)
    for key in keys:
        assert (words(macro, key.value, "vi"), words(macro, key.value, "en")) == told[key]


def test_every_outcome_has_words():
    for key in SettlementOutcome:
        assert f">{key.value}<" not in words("outcome", key.value, "vi")
