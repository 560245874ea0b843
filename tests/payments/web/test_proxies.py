"""Forwarded addresses count only from proxies that we trust."""

import ipaddress

from payments.web.proxies import client_address

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"),)


def test_without_a_trusted_proxy_the_peer_is_the_client_whatever_it_claims() -> None:
    assert client_address("203.0.113.9", "198.51.100.1", TRUSTED) == "203.0.113.9"


def test_behind_a_trusted_proxy_the_last_untrusted_address_is_the_client() -> None:
    assert client_address("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", TRUSTED) == "198.51.100.1"


def test_a_claim_that_is_no_address_ends_the_chain() -> None:
    assert client_address("10.0.0.1", "<script>", TRUSTED) == "<script>"


def test_a_proxy_is_known_by_its_old_address_also_where_it_is_written_as_a_new_one() -> None:
    assert client_address("::ffff:10.0.0.1", "198.51.100.1", TRUSTED) == "198.51.100.1"
