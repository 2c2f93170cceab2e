"""Addresses of images at the CDN, signed as CloudFront asks: RSA with SHA-1 over a policy that names one end.

The arithmetic is here, since a library for it would be a third of the functions' package: padding after PKCS #1 v1.5,
with the base blinded by a random factor, so that how long it takes tells nothing of the key, and each signature checked
before it is given out.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from chalicelib.domain.errors import SecretsUnavailableError
from chalicelib.domain.ports import SecretText

# DigestInfo of SHA-1, which the digest follows (RFC 8017, 9.2).
_DIGEST_INFO = bytes.fromhex("3021300906052b0e03021a05000414")
_AS_CLOUDFRONT_WANTS = bytes.maketrans(b"+=/", b"-_~")


class CloudFrontAddresses:
    """ImageAddresses at the CDN that people reach as `site_address`.

    `key` tells the private key as JSON: n, e, d, p and q in hexadecimal. What it gives has the media type that it was
    stored with.
    """

    def __init__(self, site_address: str, key_id: str, key: SecretText, now: Callable[[], datetime]) -> None:
        self._site_address, self._key_id, self._key, self._now = site_address, key_id, key, now

    def signed_address(self, object_key: str, _media_type: str, seconds: int) -> str:
        """Good for so many seconds. Raises SecretsUnavailableError."""
        address = f"{self._site_address}/{quote(object_key)}"
        ends = int(self._now().timestamp()) + seconds
        policy = {"Statement": [{"Resource": address, "Condition": {"DateLessThan": {"AWS:EpochTime": ends}}}]}
        signed = signature(json.dumps(policy, separators=(",", ":")).encode(), self._numbers())
        text = base64.b64encode(signed).translate(_AS_CLOUDFRONT_WANTS).decode()
        return f"{address}?Expires={ends}&Signature={text}&Key-Pair-Id={self._key_id}"

    def _numbers(self) -> Mapping[str, int]:
        try:
            return {name: int(text, 16) for name, text in json.loads(self._key.current()).items()}
        except (ValueError, AttributeError) as error:
            raise SecretsUnavailableError("The key that signs addresses at the CDN cannot be read.") from error


def signature(message: bytes, key: Mapping[str, int]) -> bytes:
    """By RSA with SHA-1. Raises SecretsUnavailableError if the key's numbers do not belong together."""
    n, e, d, p, q = (key[name] for name in "nedpq")
    length = (n.bit_length() + 7) // 8
    told = _DIGEST_INFO + hashlib.sha1(message, usedforsecurity=False).digest()
    padded = int.from_bytes(b"\x00\x01" + b"\xff" * (length - len(told) - 3) + b"\x00" + told)
    factor = secrets.randbelow(n - 2) + 2
    blinded = padded * pow(factor, e, n) % n
    by_p, by_q = pow(blinded % p, d % (p - 1), p), pow(blinded % q, d % (q - 1), q)
    made = (by_q + (by_p - by_q) * pow(q, -1, p) % p * q) * pow(factor, -1, n) % n
    if pow(made, e, n) != padded:
        raise SecretsUnavailableError("The key that signs addresses at the CDN is broken.")
    return made.to_bytes(length)
