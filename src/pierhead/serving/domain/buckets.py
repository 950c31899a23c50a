"""Which of 10,000 buckets a unit is in: the same in every gateway, every process, for ever. Pure.

A unit is whatever is to see one model only: a user, a card, a request. Its bucket under a salt is

    int.from_bytes(blake2b(unit_key, digest_size=8, key=salt), "big") mod 10000

with BLAKE2b of RFC 7693. Other salts deal the same units out anew, independently. 2^64 is so large beside 10,000 that
no bucket is likelier than another by more than one in 10^15.
"""

from hashlib import blake2b

BUCKETS = 10_000

_DIGEST_BYTES = 8
# The longest key that BLAKE2b takes.
_LONGEST_KEY_BYTES = 64


def digest_of(unit_key: bytes, salt: str) -> int:
    """The 64-bit hash that a unit's bucket is made of, to name the unit without telling what it is.

    >>> f"{digest_of(b'card-17', 'salt'):016x}"
    '44dceedce70761f7'
    """
    key = salt.encode()
    if len(key) > _LONGEST_KEY_BYTES:
        key = blake2b(key).digest()
    return int.from_bytes(blake2b(unit_key, digest_size=_DIGEST_BYTES, key=key).digest(), "big")


def bucket_of(unit_key: bytes, salt: str) -> int:
    """The bucket of a unit, 0 to 9999; `salt` is UTF-8, and hashed itself if it is longer than 64 bytes.

    >>> bucket_of(b"card-17", "salt"), bucket_of(b"card-17", "another salt")
    (503, 2019)
    """
    return digest_of(unit_key, salt) % BUCKETS
