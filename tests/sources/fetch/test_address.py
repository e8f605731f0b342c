"""Which addresses are never reached, however they are written (target 27)."""

from ipaddress import ip_address

import pytest

from sources.fetch.address import forbidden, permissible, read_url
from sources.fetch.errors import UrlRefused

FORBIDDEN_ADDRESSES = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.254",
    "100.100.100.200", "127.0.0.1", "127.1.2.3", "127.255.255.255", "168.63.129.16",
    "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255",
    "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:0:7f00:1::",
    "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::",
    "2002:a00:1::1", "2600::5efe:7f00:1", "2600::200:5efe:a00:1", "3fff::1", "4000::1",
    "5f00::1", "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1",
    "ff02::1", "ff05::2", "not an address", "",
]  # fmt: skip

REFUSED_URLS = [
    "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://0177.0.0.1/",
    "http://0x7f.0.0.1/", "http://127.1/", "http://127.0.1/", "http://0/", "http://127.0.0.01/",
    "http://10.1/", "http://256.1.1.1/", "http://1.2.3.4.5/", "http://127.0.0.0x1/",
    "http://4294967297/", "http://0xA9FEA9FE/", "http://foo.0x1/", "http://1.2.3.%34/",
    "http://%31%32%37.0.0.1/", "http://①②⑦.⓪.⓪.1x.2130706433/",
    "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::ffff:127.0.0.1/",
    "http://[::1]x/", "http://[127.0.0.1]/", "http://[]/",
    "http://user@shop.example/", "http://user:password@shop.example/",
    "http://shop.example@127.0.0.1/", "http://shop.example\\@127.0.0.1/", "http:///etc/passwd",
    "http://shop .example/", "http://shop.example/\r\nHost: x", "http://shop.example/\tx",
    "http://shop.example:0/", "http://shop.example:99999/", "http://shop.example:8o/",
    "http://-shop.example/", "http://shop..example/", "http://.example/",
    "http://" + "a" * 64 + ".example/",
    "file:///etc/passwd", "ftp://shop.example/", "gopher://127.0.0.1:6379/_x", "data:text/html,x",
    "jar:http://shop.example!/", "//shop.example/", "shop.example", "", "javascript:alert(1)",
    "http://" + "a" * 2000 + "/",
]  # fmt: skip

READ_AS = {
    "http://127.0.0.1/": "127.0.0.1",
    "http://[::1]/": "::1",
    "http://[0:0:0:0:0:ffff:7f00:1]/": str(ip_address("::ffff:7f00:1")),  # 3.13 has 127.0.0.1 in it
    "http://１２７.０.０.１/": "127.0.0.1",
    "http://127。0。0。1/": "127.0.0.1",
    "http://①②⑦.0.0.1/": "127.0.0.1",
    "http://LOCALHOST./": "localhost",
    "http://ⓢhop.example/": "shop.example",
}

GOOD = {
    "https://shop.example": ("https://shop.example/", "shop.example", 443),
    "https://SHOP.example./Help": ("https://shop.example/Help", "shop.example", 443),
    "http://shop.example:8080/x?y=1#z": ("http://shop.example:8080/x?y=1", "shop.example", 8080),
    "https://shop.example:443/": ("https://shop.example/", "shop.example", 443),
    "https://bücher.example/ü": (
        "https://xn--bcher-kva.example/%C3%BC", "xn--bcher-kva.example", 443),
    "https://例え.テスト/": ("https://xn--r8jz45g.xn--zckzah/", "xn--r8jz45g.xn--zckzah", 443),
    "https://1.1.1.1/": ("https://1.1.1.1/", "1.1.1.1", 443),
    "https://[2606:4700:4700::1111]:8443/": (
        "https://[2606:4700:4700::1111]:8443/", "2606:4700:4700::1111", 8443),
    "https://a_b.shop.example/%41?q=a%20b": (
        "https://a_b.shop.example/%41?q=a%20b", "a_b.shop.example", 443),
    "https://3com.example/1.2.3.4": ("https://3com.example/1.2.3.4", "3com.example", 443),
    "https://127.0.0.1.example/": ("https://127.0.0.1.example/", "127.0.0.1.example", 443),
}  # fmt: skip

PUBLIC_ADDRESSES = [
    "1.1.1.1", "8.8.8.8", "9.9.9.9", "93.184.216.34", "140.82.121.4", "151.101.1.140", "100.63.0.1",
    "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "192.169.0.1", "198.17.0.1",
    "198.20.0.1", "223.255.255.1", "2606:4700:4700::1111", "2001:4860:4860::8888",
    "2a00:1450:4001:81b::200e", "2620:fe::fe", "2400:cb00:2048:1::c629:d7a2",
]  # fmt: skip


def test_there_are_as_many_forms_as_were_promised() -> None:
    """Target 27: at least 80 spellings that are refused, and 20 good hosts that are not."""
    assert len({*FORBIDDEN_ADDRESSES, *REFUSED_URLS}) >= 80
    assert len(PUBLIC_ADDRESSES) >= 20


@pytest.mark.parametrize("address", FORBIDDEN_ADDRESSES)
def test_an_address_that_is_not_public_is_forbidden(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", PUBLIC_ADDRESSES)
def test_a_public_address_is_not(address: str) -> None:
    assert forbidden(address) == ""


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_a_url_that_programs_read_differently_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused, match="was not fetched: "):
        read_url(url)


@pytest.mark.parametrize(("url", "host"), READ_AS.items())
def test_other_spellings_become_the_one_that_is_checked(url: str, host: str) -> None:
    assert read_url(url).host == host


@pytest.mark.parametrize(("url", "expected"), GOOD.items())
def test_a_good_url_is_written_in_one_way(url: str, expected: tuple[str, str, int]) -> None:
    target = read_url(url)
    assert (target.url, target.host, target.port) == expected


def test_an_operator_may_permit_an_inner_network_but_no_metadata() -> None:
    inner = ("10.0.0.1", "127.0.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd12::1")
    assert all(permissible(address) for address in inner)
    never = [
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "0.0.0.0",
        "fd00:ec2::254", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1",
        "224.0.0.1", "::", "nonsense",
    ]  # fmt: skip
    assert [address for address in never if permissible(address)] == []
