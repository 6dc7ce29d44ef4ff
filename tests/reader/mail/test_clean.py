"""HTML without anything that acts, or tells somebody that it was read."""

from __future__ import annotations

from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.balance import TAGS_KEPT, VOID, balance
from pillarbox.reader.mail.clean import Cleaned, clean
from pillarbox.reader.mail.ground import Ground
from pillarbox.reader.mail.letter import read_letter
from tests.reader.mail.corpus import corpus

_LOADING = frozenset(
    ("action", "archive", "background", "cite", "classid", "codebase", "data", "dynsrc", "formaction", "http-equiv",
     "icon", "longdesc", "lowsrc", "manifest", "ping", "poster", "profile", "srcdoc", "srcset", "usemap")
)  # fmt: skip


def cleaned(markup: str, *, remote: bool = False) -> Cleaned:
    return clean(markup, remote=remote, cid=lambda name: f"/message/k/part/{name}")


class _Walk(HTMLParser):
    """Fails for whatever could make a browser load or run something."""

    def __init__(self, *, remote: bool) -> None:
        super().__init__()
        self.remote = remote
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS_KEPT
        for name, value in attrs:
            assert name not in _LOADING
            assert not name.startswith(("on", "xlink", "xml"))
            said = (value or "").lower()
            if name == "src":
                allowed = ("/message/k/part/", "data:image/")
                assert said.startswith((*allowed, "http:", "https:") if self.remote else allowed)
                assert not said.startswith("data:image/svg")
            if name == "href":
                assert said.startswith(("http:", "https:", "mailto:"))
            if name == "style":
                assert not any(bad in said for bad in ("url(", "\\", "image-set", "@import"))
        if tag == "a":
            given = dict(attrs)
            assert given["target"] == "_blank"
            assert "noopener" in (given["rel"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


def tags_of(markup: str) -> list[str]:
    tags = _Tags()
    tags.feed(markup)
    return tags.seen


def assert_harmless(found: Cleaned, *, remote: bool) -> None:
    walk = _Walk(remote=remote)
    walk.feed(found.html)
    walk.close()
    assert walk.open == []
    assert "<" not in found.sheet
    assert "url(" not in found.sheet.lower()


def test_trackers() -> None:
    markup = read_letter(corpus()["trackers"]).html
    blocked = cleaned(markup)
    assert_harmless(blocked, remote=False)
    assert "t.example" not in blocked.html + blocked.sheet
    assert (blocked.blocked, blocked.remote_count) == (("t.example",), 2)
    assert "https://good.example/" in blocked.html
    shown = cleaned(markup, remote=True)
    assert_harmless(shown, remote=True)
    assert 'src="http://t.example/pixel.gif"' in shown.html
    assert (shown.blocked, shown.remote_count) == ((), 0)


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("a <b>c</b>", "a <b>c</b>"),
        ("1 < 2 & 3", "1 &lt; 2 &amp; 3"),
        ('<img src="cid:pic@x">', '<img src="/message/k/part/pic@x">'),
        ('<img src="cid:a%40b">', '<img src="/message/k/part/a@b">'),
        ('<img src="data:image/png;base64,aaaa">', '<img src="data:image/png;base64,aaaa">'),
        ('<img src="data:image/svg+xml;base64,aaaa">', "<img>"),
        ('<img src="data:text/html,x">', "<img>"),
        ('<img src="/do/delete">', "<img>"),
        ('<img src="file:///etc/passwd">', "<img>"),
        ('<img src="ht\ntp://t.example/">', "<img>"),
        ('<img srcset="http://t.example/ 2x">', "<img>"),
        ('<p onclick="x()">a</p>', "<p>a</p>"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        ("<ul><li>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<b><p>a</b></p>c", "<b><p>a</p></b>c"),
        ("</div></td>a", "a"),
        ("<script>x</script><style>p{}</style><title>t</title>a", "a"),
        ("<svg><script>x</script><a>y</a></svg>a", "a"),
        ("<form action=/x><input name=a><button>b</button></form>", "b"),
        ("<base href=http://t.example/><meta http-equiv=refresh content=0>a", "a"),
        ("<iframe src=http://t.example/>a</iframe>b", "b"),
        ("a<!-- b --><!doctype html><?php ?>c", "ac"),
        ("<o:p>a</o:p>", "a"),
    ],
)  # fmt: skip
def test_table(markup: str, found: str) -> None:
    result = cleaned(markup)
    assert_harmless(result, remote=False)
    assert result.html == found


def test_markup_within_an_attribute_stays_there() -> None:
    found = cleaned("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>a</p>")
    assert_harmless(found, remote=False)
    assert tags_of(found.html) == ["p"]
    assert found.html.endswith(">a</p>")


@pytest.mark.parametrize(
    "href",
    ["javascript:x", " java\nscript:x", "\x01javascript:x", "data:text/html,x", "/undo/1", "//t.example/",
     "vbscript:x", "file:///x", "JaVaScRiPt:x", "&#106;avascript:x", "http\n:x", "#top"],
)  # fmt: skip
def test_links_that_are_none(href: str) -> None:
    assert "href" not in cleaned(f'<a href="{href}">x</a>').html


@pytest.mark.parametrize(
    "href", ["https://example.org/?a=1", "HTTP://example.org", "mailto:a@example.org"]
)
def test_links_that_are(href: str) -> None:
    assert f'href="{href}"' in cleaned(f'<a href="{href}">x</a>').html


def test_images_are_counted_by_host() -> None:
    markup = (
        '<img src="http://a.example/1"><img src="https://b.example/2"><img src="//a.example/3">'
    )
    found = cleaned(markup)
    assert (found.blocked, found.remote_count) == (("a.example", "b.example"), 3)


@pytest.mark.parametrize(
    "markup",
    [
        '<meta name="color-scheme" content="light dark">',
        "<meta content='light dark' name='supported-color-schemes'>",
        "<style>@media (prefers-color-scheme: dark) { p { color: white } }</style>",
    ],
)
def test_dark_support_is_seen(markup: str) -> None:
    assert cleaned(markup).dark
    assert not cleaned("<p>dark</p>").dark


@pytest.mark.parametrize(
    ("body", "ground", "left"),
    [
        ('bgcolor="#000000" text="#ffffff" link=gold', Ground("background-color: #000000; color: #ffffff", "", "gold"), "<div>"),
        ("BGCOLOR=fff class=x", Ground("background-color: #fff"), '<div class="x">'),
        ('style="background:#000; margin:0; COLOR: white !important"', Ground("", "background: #000; color: white !important"),
         '<div style="background: none; margin: 0; color: inherit">'),
        ("style='background:url(http://t.example) #000'", Ground(), "<div>"),
        ("text='red;x:y' bgcolor='url(//t.example)' link='a{b'", Ground(), "<div>"),
        ("text='</style>' bgcolor='' /", Ground(), "<div>"),
        ("", Ground(), "<div>"),
    ],
)  # fmt: skip
def test_the_colours_of_the_body_are_those_of_the_sheet(
    body: str, ground: Ground, left: str
) -> None:
    found = cleaned(f"<body {body}>a")
    assert found.ground == ground
    assert found.html == f"{left}a</div>"


def test_only_the_first_body_gives_the_sheet_its_colours() -> None:
    found = cleaned("<div style='color:red' text=blue>a</div><body>b<body text=green>c")
    assert found.ground == Ground()
    assert cleaned("<body text=green>a<body text=red>").ground == Ground("color: green")


def test_within_another_document_the_colours_stand_on_an_element() -> None:
    found = cleaned("<body text=white style=\"background:#000;font-family:'A B'\">a")
    assert found.ground.under("a") == '<div style="color: white; background: #000">a</div>'
    assert Ground("color: red", 'background: "x"').under("a").endswith('&quot;x&quot;">a</div>')
    assert Ground(links="red").under("a") == "a"


@pytest.mark.parametrize(
    "bomb",
    ["<div>", "<b>", "<", "<!--", "<a '", '<a "', "<style>", "<p><font><p>", "<table><td><font>", "<li><b>",
     "</b>", "<div style='a:b'>", "<svg>", "<table>", "<![CDATA[", "&", "<a href=x>"],
)  # fmt: skip
def test_bombs(bomb: str) -> None:
    assert_harmless(cleaned(bomb * 30_000), remote=False)


def test_few_tags_do_not_become_many_elements() -> None:
    """A parser that mends opens every one of the fonts again in each of the paragraphs."""
    fonts = "".join(f"<font color={n}><table><td></font></td></table>" for n in range(1_000))
    found = cleaned(f"<div>{fonts}</div>" + "<p>x" * 40_000)
    assert found.html.count("<font") <= 1_000


_PIECES = st.sampled_from(
    [
        "<img src=", "<a href=", "<p style=", "<div", "<b>", "</b>", "<p>", "</p>", "<table>", "<td>", "</table>", "<svg>",
        "</svg>", "<math>", "<style>", "</style>", "<script>", "</script>", "<!--", "-->", "<title>", "</title>", ">", "'",
        '"', "http://t.example/", "cid:x", "data:image/png;base64,aa", "javascript:x", "url(", " onerror=x", " src=", "&lt;",
        "&#x3c;", "&colon;", "<textarea>", "<noscript>", "</noscript>", "<template>", "<mglyph>", "<annotation-xml>", "<body ",
        "background=", "x", " ", "\n", "\0", "\t", "/", "<", "<li>", "<a>", "</a>", "<font>", "<frameset>", "<base href=",
        "<meta ", "=", "<![CDATA[", "]]>", "<?", "<iframe srcdoc=", "<object data=", "<select>", "<option>", "<col>", "<pre>",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=40).map("".join), st.booleans())
def test_nothing_can_make_a_browser_load(markup: str, remote: bool) -> None:
    assert_harmless(cleaned(markup, remote=remote), remote=remote)


@given(st.text(max_size=300))
def test_text_stays(text: str) -> None:
    found = cleaned(text.replace("<", "(").replace("&", "+"))
    assert [c for c in unescape(found.html) if c.isalnum()] == [c for c in text if c.isalnum()]


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_cleaning_again_changes_nothing_that_matters(markup: str) -> None:
    once = cleaned(markup).html
    assert_harmless(cleaned(once), remote=False)


def test_the_corpus_is_harmless() -> None:
    for name, data in corpus().items():
        markup = read_letter(data).html
        assert balance(markup).html.count("<script") == 0, name
        assert_harmless(cleaned(markup), remote=False)
