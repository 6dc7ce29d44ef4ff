"""Contrast of the colours (WCAG 2.2, 1.4.3 and 1.4.11), computed from the tokens of both schemes."""

from __future__ import annotations

import re

import pytest

from pillarbox.reader.web.files import STATIC

BASE = (STATIC / "base.css").read_text()


def _tokens(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))


def _block(opening: str) -> str:
    start = BASE.index(opening)
    return BASE[start : BASE.index("\n}\n", start)]


LIGHT = _tokens(_block(":root {"))
DARK = LIGHT | _tokens(_block("@media (prefers-color-scheme: dark) {"))
MORE = LIGHT | _tokens(_block("@media (prefers-contrast: more) {"))
MORE_DARK = DARK | _tokens(
    _block("@media (prefers-contrast: more) and (prefers-color-scheme: dark) {")
)


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_says() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


SURFACES = ("paper", "paper-2", "hover", "chosen")
TEXTS = [
    *((text, on) for text in ("ink", "ink-soft") for on in SURFACES),
    *((text, on) for text in ("accent", "danger", "good") for on in ("paper", "paper-2", "chosen")),
    ("accent-ink", "accent"),
    ("paper", "ink"),
    ("ink", "mark"),
    ("ink", "warn-paper"),
    ("warn", "warn-paper"),
    ("ink-soft", "warn-paper"),
]
SHAPES = [("focus", on) for on in SURFACES] + [("edge", "paper"), ("edge", "paper-2")]


@pytest.mark.parametrize(
    "scheme", [LIGHT, DARK, MORE, MORE_DARK], ids=["light", "dark", "+l", "+d"]
)
@pytest.mark.parametrize(
    ("front", "behind", "least"),
    [(*pair, 4.5) for pair in TEXTS] + [(*pair, 3.0) for pair in SHAPES],
)
def test_contrast_is_enough(scheme: dict[str, str], front: str, behind: str, least: float) -> None:
    assert contrast(scheme[front], scheme[behind]) >= least


def test_who_asks_for_more_contrast_gets_it() -> None:
    for more, usual in ((MORE, LIGHT), (MORE_DARK, DARK)):
        for token in ("ink", "ink-soft", "edge"):
            assert contrast(more[token], more["paper"]) > contrast(usual[token], usual["paper"])
        assert contrast(more["ink-soft"], more["paper"]) >= 7


def test_every_token_that_a_style_uses_is_there() -> None:
    given = {
        name for css in STATIC.glob("*.css") for name in re.findall(r"(--[\w-]+):", css.read_text())
    }
    for css in STATIC.glob("*.css"):
        used = set(re.findall(r"var\((--[\w-]+)\)", css.read_text()))
        assert used <= given, css.name


@pytest.mark.parametrize("name", sorted(css.name for css in STATIC.glob("*.css")))
def test_no_style_asks_another_origin(name: str) -> None:
    css = (STATIC / name).read_text()
    assert not re.search(r"url\((?!['\"]?(?:/static/|data:))|@import|https?:", css)
