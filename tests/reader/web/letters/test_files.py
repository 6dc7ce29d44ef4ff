"""Attached files, and the message as it came."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.reader.mail.letter import read_letter
from pillarbox.reader.web.features.letters.files import SOURCE_SHOWN, archive, disposition, readable
from tests.reader.mail.corpus import (
    PDF,
    PLAIN,
    PNG,
    attachment,
    corpus,
    large,
    letter,
    multipart,
    whole,
)
from tests.reader.web.letters.shelf import key_of, reading

FILES = {
    "m": whole(
        multipart(
            "mixed",
            PLAIN,
            attachment("filename=a.pdf", PDF, "application/pdf"),
            attachment("filename=a.png", PNG, "image/png"),
            attachment("filename=a.html", b"<script>alert(1)</script>", "text/html"),
            attachment("filename=a.svg", b"<svg onload='alert(1)'/>", "image/svg+xml"),
            attachment("filename=a.xml", b"<x/>", "application/xhtml+xml"),
            attachment("filename=a.txt", b"text", "text/plain"),
            attachment('filename="../../résumé.txt"', b"x"),
        )
    )
}


@pytest.mark.parametrize(
    ("number", "kind", "how"),
    [
        (2, "application/pdf", "inline"),
        (3, "image/png", "inline"),
        (4, "application/octet-stream", "attachment"),
        (5, "application/octet-stream", "attachment"),
        (6, "application/octet-stream", "attachment"),
        (7, "application/octet-stream", "attachment"),
    ],
)
async def test_only_images_and_pdf_are_shown(
    number: int, kind: str, how: str, tmp_path: Path
) -> None:
    async with reading(FILES, tmp_path) as browser:
        reply = await browser.get(f"/message/{key_of('m')}/part/{number}")
        saved = await browser.get(f"/message/{key_of('m')}/part/{number}?save=1")
    assert reply.headers["Content-Type"] == kind
    assert reply.headers["Content-Disposition"].startswith(f"{how};")
    assert saved.headers["Content-Disposition"].startswith("attachment;")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert ("sandbox" in policy) == (number != 2)


@pytest.mark.parametrize(
    ("said", "name", "content", "kind"),
    [
        ("application/octet-stream", "a.PNG", PNG, "image/png"),
        ("application/octet-stream", "a.pdf", PDF, "application/pdf"),
        ("application/octet-stream", "a.png", b"<script>", "application/octet-stream"),
        ("image/png", "a.png", b"<svg/>", "application/octet-stream"),
        ("application/pdf", "a.pdf", b"<html>", "application/octet-stream"),
        ("text/html", "a.png", PNG, "application/octet-stream"),
        ("image/jpg", "a", b"\xff\xd8\xff\xe0", "image/jpeg"),
    ],
)
async def test_what_it_is_counts(
    said: str, name: str, content: bytes, kind: str, tmp_path: Path
) -> None:
    data = whole(multipart("mixed", PLAIN, attachment(f"filename={name}", content, said)))
    async with reading({"m": data}, tmp_path) as browser:
        reply = await browser.get(f"/message/{key_of('m')}/part/2")
    assert reply.headers["Content-Type"] == kind


async def test_no_such_part(tmp_path: Path) -> None:
    async with reading(FILES, tmp_path) as browser:
        for number in ("1.1", "99", "x"):
            assert (await browser.get(f"/message/{key_of('m')}/part/{number}")).status_code == 404


async def test_a_name_keeps_its_letters_and_nothing_else(tmp_path: Path) -> None:
    async with reading(FILES, tmp_path) as browser:
        reply = await browser.get(f"/message/{key_of('m')}/part/8")
    assert "filename*=UTF-8''r%C3%A9sum%C3%A9.txt" in reply.headers["Content-Disposition"]


@given(st.text(max_size=60))
def test_a_disposition_is_one_header(name: str) -> None:
    value = disposition("attachment", "".join(c for c in name if c.isprintable()))
    value.encode("ascii")
    assert "\n" not in value
    assert value.count('"') == 2


async def test_all_in_an_archive(tmp_path: Path) -> None:
    async with reading({**FILES, "same": corpus()["names-the-same"]}, tmp_path) as browser:
        reply = await browser.get(f"/message/{key_of('m')}/attachments.zip")
        same = await browser.get(f"/message/{key_of('same')}/attachments.zip")
    with zipfile.ZipFile(io.BytesIO(reply.content)) as packed:
        assert packed.testzip() is None
        assert packed.namelist()[0] == "a.pdf"
        assert packed.namelist()[-1] == "résumé.txt"
        assert packed.read("a.png") == PNG
    with zipfile.ZipFile(io.BytesIO(same.content)) as packed:
        assert packed.namelist() == ["a.txt", "A (2).txt"]


async def test_nothing_to_pack(tmp_path: Path) -> None:
    async with reading({"m": letter("text")}, tmp_path) as browser:
        assert (await browser.get(f"/message/{key_of('m')}/attachments.zip")).status_code == 404


def test_an_archive_comes_in_pieces() -> None:
    content = random.Random(1).randbytes(3_000_000)
    data = whole(multipart("mixed", PLAIN, attachment("filename=large.bin", content)))
    pieces = list(archive(data, read_letter(data)))
    assert max(map(len, pieces)) < 200_000
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as packed:
        assert packed.read("large.bin") == content


async def test_the_source(tmp_path: Path) -> None:
    data = letter(b"<b>text</b>\x1b[31m\xe2\x80\xae\xff", subject="S/x")
    async with reading({"m": data, "large": large()}, tmp_path) as browser:
        page = await browser.get(f"/message/{key_of('m')}/source")
        assert "&lt;b&gt;text&lt;/b&gt;\\x1b[31m\\u202e\\xff" in page.text
        saved = await browser.get(f"/message/{key_of('m')}/source?save=1")
        assert saved.content == data
        assert 'filename="S_x.eml"' in saved.headers["Content-Disposition"]
        long = await browser.get(f"/message/{key_of('large')}/source")
        assert "This is the beginning." in long.text
        assert len(long.text) < SOURCE_SHOWN * 1.1


@given(st.binary(max_size=100))
def test_nothing_in_a_source_is_hidden(octets: bytes) -> None:
    shown = readable(octets)
    assert all(c.isprintable() or c in "\n\t" or ord(c) > 0x9F for c in shown)
