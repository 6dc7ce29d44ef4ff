"""Styles that can load nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pillarbox.reader.mail.css import clean_sheet, clean_style, declares_dark


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color: red", "color: red"),
        ("COLOR:#c00 !important;", "color: #c00 !important"),
        ("margin:0 auto;padding:calc(1px + 2%)", "margin: 0 auto; padding: calc(1px + 2%)"),
        ("font-family:'Helvetica Neue',Arial", "font-family: 'Helvetica Neue',Arial"),
        ("background:rgb(0,0,0)", "background: rgb(0,0,0)"),
        ("background:linear-gradient(red, rgba(0,0,0,.5))", "background: linear-gradient(red, rgba(0,0,0,.5))"),
        ("color:red;background:url(http://t.example/a;b);top:1px", "color: red; top: 1px"),
        ("background:URL (http://t.example)", ""),
        ("background:u\\72l(http://t.example)", ""),
        ("background:u/**/rl(http://t.example)", ""),
        ("background:ur/**/l(//t.example)", ""),
        ("background:/*x*/red", "background: red"),
        ("background:image-set('http://t.example' 1x)", ""),
        ("background:-webkit-image-set('http://t.example' 1x)", ""),
        ("background:src('http://t.example')", ""),
        ("background:xrgb(1)", ""),
        ("width:expression(alert(1))", ""),
        ("behavior:anything", ""),
        ("-moz-binding:anything", ""),
        ("zoom: 3 !important; color: red", "color: red"),
        ("--x:red", "--x: red"),
        ("--x:url(http://t.example)", ""),
        ("color:red}b{color:blue", ""),
        ("color", ""),
        ("color:", ""),
        (":red", ""),
        ("content:'</style>'", ""),
        ("color:red;content:'never ends", "color: red"),
        ("width:calc(1px", ""),
        ("color:red/*never ends", "color: red"),
    ],
)  # fmt: skip
def test_declarations(style: str, kept: str) -> None:
    assert clean_style(style) == kept


@pytest.mark.parametrize(
    "measured",
    [
        "100vh", ".5VH", "1e2svh", "100lvh", "100dvh", "100vb", "100svb", "100vi", "100dvi", "100vmin", "100vmax", "100lvmax",
        "100cqh", "100cqb", "100cqi", "100cqmin", "100cqmax", "calc(100vh - 9px)", "0 +10vh", "'5' 5vh", "100vh !important",
    ],
)  # fmt: skip
def test_what_is_measured_by_the_height_of_the_frame_is_not_kept(measured: str) -> None:
    """The frame is made as high as what is in it: each would follow the other."""
    style = f"min-height: 9px; min-height: {measured}; top: 1px"
    assert clean_style(style) == "min-height: 9px; top: 1px"


@pytest.mark.parametrize("style", ["width: 50vw", "width: 5cqw", "font-family: '5vh'"])
def test_what_is_not_measured_by_that_is(style: str) -> None:
    assert clean_style(style) == style


@pytest.mark.parametrize(
    ("sheet", "kept"),
    [
        ("p{color:red}", "p { color: red }"),
        ("<!-- p > a:hover, [x='y'] {color:red} -->", "p > a:hover, [x='y'] { color: red }"),
        ("@import url(http://t.example);p{color:red}", "p { color: red }"),
        ("@import 'http://t.example';", ""),
        ("@font-face{font-family:x;src:url(http://t.example)}p{color:red}", "p { color: red }"),
        ("@media screen and (max-width:600px){p{color:red}a{top:0}}", "@media screen and (max-width:600px) {\np { color: red }\na { top: 0 }\n}"),
        ("@media(prefers-color-scheme:dark){p{color:red}}", "@media(prefers-color-scheme:dark) {\np { color: red }\n}"),
        ("@MEDIA(width<9em)and (color),print and(color){p{color:red}}", ""),
        ("@MEDIA(max-width:9em)and (color){p{color:red}}", "@MEDIA(max-width:9em)and (color) {\np { color: red }\n}"),
        ("@media screen and(color){p{color:red}}", ""),
        ("@media url(x){p{color:red}}", ""),
        ("@mediaurl(x){p{color:red}}", ""),
        ("@media-url(x){p{color:red}}", ""),
        ("@media x</style><b>{p{color:red}}", ""),
        ("p{background:url(http://t.example)}", ""),
        ("p{color:red", "p { color: red }"),
        ("}}p{color:red}", "p { color: red }"),
        ("p\\{{color:red}", ""),
        ("p{b{color:red}}", ""),
        ("a'b{color:red}", ""),
        ("@charset 'x';@namespace url(http://t.example);", ""),
    ],
)  # fmt: skip
def test_sheets(sheet: str, kept: str) -> None:
    assert clean_sheet(sheet) == kept


_ESCAPE = "( ) {} q { background: url(http://t.example/x) } z { color: "


@pytest.mark.parametrize(
    "opening",
    ["url( {color:red}", "a:url( {color:red}", "a:URL( b {color:red}", "p:src( {color:red}"],
)
def test_a_selector_takes_no_string_of_another_rule_apart(opening: str) -> None:
    """Browsers read ``url(`` up to the next ``)``: what stood behind that in a string was style then, and could load."""
    assert clean_sheet(f'{opening} p{{content:"{_ESCAPE}"}}') == f'p {{ content: "{_ESCAPE}" }}'


@pytest.mark.parametrize("media", ["@media url(", "@media screen and url(a", "@media (a) and src("])
def test_nor_does_a_condition(media: str) -> None:
    assert clean_sheet(f'{media} {{p{{content:"{_ESCAPE}"}}}}') == ""


@pytest.mark.parametrize(
    "sheet",
    [
        "a:not(.b):nth-child(2n+1) { color: red }",
        "tr:nth-last-of-type(odd):is(:lang(de), [dir=rtl]) { color: red }",
        "@media screen and (max-width: 600px), (min-width: 2px) {\np { color: red }\n}",
    ],
)
def test_brackets_of_selectors_and_conditions_stay(sheet: str) -> None:
    assert clean_sheet(sheet) == sheet


def test_what_is_for_dark_screens() -> None:
    assert declares_dark("@media (prefers-color-scheme: dark) {}")
    assert declares_dark(":root { color-scheme: light dark }")
    assert not declares_dark("p { color: dark }")


_PIECES = st.sampled_from(
    [
        "url(", "URL(", "u\\72l(", "u", "rl(", "/*", "*/", "/", "*", "\\", "'", '"', "(", ")", "{", "}", ";", ":",
        "@media ", "@media(", "@import ", "background", "color", "red", "rgb(", "calc(", "image-set(", "http://t.example", "<",
        ">", "</style", "<!--", "-->", "\n", " ", "!", "--x", "p", ",", "#", "\0", "é", "src(",
    ]
)  # fmt: skip


_STRINGS = re.compile(r'"[^"\n]*"|' + r"'[^'\n]*'")


@example("url({http://t.example")
@example('p{content:"url()"}')
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_nothing_that_loads_and_no_way_out(text: str) -> None:
    for kept in (clean_sheet(text), clean_style(text)):
        lowered = kept.lower()
        for bad in ("\\", "<", "/*"):
            assert bad not in lowered
        for bad in ("url(", "image-set(", "src(", "@import"):
            assert bad not in _STRINGS.sub("", lowered)
