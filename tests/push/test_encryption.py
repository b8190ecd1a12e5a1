"""What a browser is told can be read by that browser alone; pure."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from http_ece import ECEException, decrypt

from chat.push_keys import base64url, from_base64url, public_part_of
from push.encryption import encrypted, encrypted_with


def key(private: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(from_base64url(private)), ec.SECP256R1())


def test_it_is_what_the_standards_example_says() -> None:
    """RFC 8291, section 5."""
    body = encrypted_with(
        b"When I grow up, I want to be a watermelon",
        p256dh=public_part_of(key("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")),
        auth="BTBZMqHH6r4Tts7J_aSIgg",
        key=key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
        salt=from_base64url("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert base64url(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_nobody_else_reads_it_and_no_two_are_alike() -> None:
    phone, tablet = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    auth = bytes(range(16))
    first, second = (
        encrypted(b"hello", p256dh=public_part_of(phone), auth=base64url(auth)) for _ in range(2)
    )

    assert first != second
    for body in (first, second):
        assert decrypt(body, private_key=phone, auth_secret=auth) == b"hello"
        with pytest.raises((ECEException, InvalidTag)):
            decrypt(body, private_key=tablet, auth_secret=auth)
        with pytest.raises((ECEException, InvalidTag)):
            decrypt(body, private_key=phone, auth_secret=bytes(16))


def test_what_is_no_key_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="elliptic curve point"):
        encrypted(b"hello", p256dh=base64url(bytes(65)), auth=base64url(bytes(16)))
