"""The list of banks is loaded with a diff, corrected, and never loses a bank."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from payments.banking.bank_registry import load_bank_registry
from payments.banking.models import Bank
from payments.banking.queries import bank_name
from payments.vietqr.bank_file import shipped
from payments.vietqr.banks import FieldChange, Registry

pytestmark = pytest.mark.db


def test_the_shipped_list_is_loaded_once(session: Session) -> None:
    first = load_bank_registry(session, shipped(), actor_id=None)
    assert len(first.added) == len(shipped().banks)
    again = load_bank_registry(session, shipped(), actor_id=None)
    assert (again.added, again.changed, again.unlisted, again.cells) == ((), (), (), ())


def test_a_newer_list_corrects_and_keeps_banks_it_does_not_name(session: Session) -> None:
    load_bank_registry(session, shipped(), actor_id=None)
    first, second = shipped().banks[:2]
    renamed = replace(first, short_name="Tên mới")
    changes = load_bank_registry(session, Registry([renamed]), actor_id=None)
    assert changes.changed == (first.bin,)
    assert FieldChange(first.bin, "short_name", first.short_name, "Tên mới") in changes.cells
    assert second.bin in changes.unlisted
    assert bank_name(session, first.bin) == "Tên mới"
    assert session.get(Bank, second.bin) is not None


def test_a_bank_is_known_by_the_shipped_list_before_any_import(session: Session) -> None:
    assert bank_name(session, "970436")
    assert bank_name(session, "970998") is None
