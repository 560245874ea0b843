"""Keys that stand in addresses stand in no log."""

import pytest

from payments.web.logs import masked


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/p/abcdefghijklmnopqrstuvwxyz234567/status", "/p/…/status"),
        ("/p/abcdefghijklmnopqrstuvwxyz234567?child=3", "/p/…?child=3"),
        ("/callbacks/secret", "/callbacks/…"),
        ("/verify/AbCdEfGhIjKlMnOpQrSt", "/verify/…"),
        ("/notices/stop/1.22.0123456789abcdef01234567", "/notices/stop/…"),
        ("/p/x/qr/HP7K3M9Q2XAT.png", "/p/…/qr/HP….png"),
    ],
)
def test_what_opens_something_is_cut_out_of_an_address(path: str, kept: str) -> None:
    assert masked(f"Exception on {path} [GET]") == f"Exception on {kept} [GET]"
