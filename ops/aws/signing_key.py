"""The key with which addresses of images at the CDN are signed."""

import json

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

BITS = 2048  # CloudFront takes no other


def new_signing_key() -> tuple[str, str]:
    """The public half (PEM), and the private one as chalicelib/adapters/cloudfront_addresses.py reads it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    told = key.private_numbers()
    numbers = {"n": told.public_numbers.n, "e": told.public_numbers.e, "d": told.d, "p": told.p, "q": told.q}
    return public, json.dumps({name: f"{number:x}" for name, number in numbers.items()})
