import pytest

from pillarbox.app.config.positions import Positions

TEXT = '''\
# a comment
top = 1

[server]      # another
hostname = """
[listen]
pop3 = 1
"""
"user" = 'x'
listen.deep = 1

[listen]
pop3 = [
  "a",  # [tls]

  "b",
]
"we ird" = 1

[[tls.sni]]
certificate = "x"
[tls.more]
inline = { a = 1, b = { c = 2 } }
[[tls.sni]]
certificate = "y"
[store.s3.deep]
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("server",), 4),
        (("server", "hostname"), 5),
        (("server", "user"), 9),
        (("server", "listen", "deep"), 10),
        (("listen",), 12),
        (("listen", "pop3"), 13),
        (("listen", "we ird"), 18),
        (("tls", "sni"), 20),
        (("tls", "sni", "0", "certificate"), 21),
        (("tls", "sni", "1", "certificate"), 25),
        (("tls", "sni", "1", "key"), 24),
        (("tls", "more", "inline", "b", "c"), 23),
        (("store", "s3"), 26),
    ],
)
def test_every_setting_has_its_line(path: tuple[str, ...], line: int) -> None:
    assert Positions("f", TEXT).naming(*path)() == f"f:{line}"


def test_what_is_not_there_is_named_by_its_section() -> None:
    assert Positions("f", TEXT).naming("server", "nothing")() == "f:4"


def test_what_has_no_section_either_is_named_by_the_file() -> None:
    assert Positions("f", TEXT).naming("nothing", "nothing")() == "f"
