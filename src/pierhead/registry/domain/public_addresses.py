"""Which addresses lie on the public internet, and which ones in somebody's own network."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")
# All that is given out for the internet; around it lie old ways to write IPv4 addresses.
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def is_public(address: str) -> bool:
    """Whether an IP address is reachable for everybody: not loopback, link-local, private, shared, reserved, multicast.

    An IPv6 address that only wraps an IPv4 one is as public as that. Raises ValueError for what is no IP address.

    >>> [is_public(each) for each in ("93.184.215.14", "127.0.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1")]
    [True, False, False, False, False]
    >>> [is_public(each) for each in ("2600::1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "64:ff9b::7f00:1")]
    [True, False, False, False, False]
    """
    return all(map(_is_global, _meant(ip_address(address))))


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFF_FFFF)]
    wrapped = [each for each in (address.sixtofour, *(address.teredo or ())) if each is not None]
    return [address, *wrapped]
