"""Addresses at the CDN: what CloudFront would check, by the public key, with a library that had no part in signing."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from chalicelib.adapters.cloudfront_addresses import CloudFrontAddresses, signature
from chalicelib.domain.errors import SecretsUnavailableError
from ops.aws.signing_key import new_signing_key

SITE, KEY = "https://images.example.org", "originals/0a/1b c"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
PUBLIC_PEM, PRIVATE = new_signing_key()


class Told:
    """SecretText that says so."""

    def __init__(self, text: str) -> None:
        self._text = text

    def current(self) -> str:
        return self._text


def verify(signed: bytes, message: bytes) -> None:
    public = load_pem_public_key(PUBLIC_PEM.encode())
    assert isinstance(public, RSAPublicKey)
    public.verify(signed, message, PKCS1v15(), SHA1())  # noqa: S303  # CloudFront's choice


def address(text: str = PRIVATE) -> str:
    return CloudFrontAddresses(SITE, "K123", Told(text), lambda: NOW).signed_address(KEY, "image/png", 300)


def test_an_address_is_signed_for_this_object_and_time_by_the_key_whose_public_half_the_cdn_has() -> None:
    parts = urlsplit(address())
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{SITE}/originals/0a/1b%20c"
    (ends,), (signed,), (key_id,) = (parse_qs(parts.query)[name] for name in ("Expires", "Signature", "Key-Pair-Id"))
    assert (int(ends), key_id) == (int(NOW.timestamp()) + 300, "K123")
    raw = base64.b64decode(signed.translate(str.maketrans("-_~", "+=/")))
    resource = f"{SITE}/originals/0a/1b%20c"
    policy = f'{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{ends}}}}}}}]}}'
    verify(raw, policy.encode())
    with pytest.raises(InvalidSignature):
        verify(raw, policy.replace("originals", "renditions").encode())


def test_botocores_own_signer_makes_the_same_address() -> None:
    from botocore.signers import CloudFrontSigner

    numbers = {name: int(text, 16) for name, text in json.loads(PRIVATE).items()}
    theirs = CloudFrontSigner("K123", lambda message: signature(message, numbers))
    resource = f"{SITE}/originals/0a/1b%20c"
    assert address() == theirs.generate_presigned_url(resource, datetime(2030, 1, 1, 0, 5, tzinfo=UTC))


def test_signatures_of_many_messages_are_right() -> None:
    numbers = {name: int(text, 16) for name, text in json.loads(PRIVATE).items()}
    for number in range(30):
        verify(signature(b"message %d" % number, numbers), b"message %d" % number)


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '{"n": "zz"}', json.dumps({**json.loads(PRIVATE), "d": "1234567"})]
)
def test_a_key_that_cannot_be_used_is_told_in_words(text: str) -> None:
    with pytest.raises(SecretsUnavailableError, match="signs addresses"):
        address(text)
