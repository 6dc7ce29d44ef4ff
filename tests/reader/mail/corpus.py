"""Awkward mail: what senders, lists, filters and attackers really send. Octets with LF line ends, as on disk,
unless the line ends are what is awkward.
"""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGPkEtZhYGBgYmBgYGBgAAADCwBCAzJ6CgAAAABJRU5E"
    "rkJggg=="
)
PDF = b"%PDF-1.1\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

INVITATION = """BEGIN:VCALENDAR
VERSION:2.0
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Zurich
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:1@example.org
DTSTART;TZID=Europe/Zurich:20261130T140000
DTEND;TZID=Europe/Zurich:20261130T150000
SUMMARY:Tea\\, and what comes with it
LOCATION:Room 5\\; second floor
ORGANIZER;CN="Jane Doe":mailto:jane@example.org
ATTENDEE;CN=Max;PARTSTAT=NEEDS-ACTION:mailto:max@example.org
DESCRIPTION:A long line that is folded in the midd
 le of a word.
END:VEVENT
END:VCALENDAR
"""


def letter(body: bytes | str, *fields: str | bytes, subject: str = "Subject") -> bytes:
    """A message with the usual fields, then *fields*."""
    usual = [
        b"From: Jane Doe <jane@example.org>",
        b"To: max@example.org",
        f"Subject: {subject}".encode(),
        b"Date: Tue, 03 Nov 2026 10:42:00 +0100",
        b"Message-ID: <1@example.org>",
        b"MIME-Version: 1.0",
    ]
    given = [field if isinstance(field, bytes) else field.encode() for field in fields]
    names = {field.partition(b":")[0].lower() for field in given}
    usual = [field for field in usual if field.partition(b":")[0].lower() not in names]
    content = body if isinstance(body, bytes) else body.encode()
    return b"\n".join([*usual, *given, b"", content])


def multipart(
    kind: str, *parts: bytes, boundary: str = "b1", close: bool = True, more: str = ""
) -> bytes:
    """A part (or the end of a message) of type ``multipart/KIND``."""
    mark = f"--{boundary}\n".encode()
    end = f"--{boundary}--\n".encode() if close else b""
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"{more}\n\n'.encode()
    return head + b"".join(mark + part + b"\n" for part in parts) + end


def part(media_type: str, content: bytes | str, *fields: str, encode: bool = False) -> bytes:
    """A part; *encode*: in base64."""
    octets = content if isinstance(content, bytes) else content.encode()
    lines = [f"Content-Type: {media_type}", *fields]
    if encode:
        lines.append("Content-Transfer-Encoding: base64")
        octets = base64.encodebytes(octets)
    return "\n".join(lines).encode() + b"\n\n" + octets


def whole(body: bytes, *fields: str | bytes, subject: str = "Subject") -> bytes:
    """A message whose content type is given by *body*, which begins with its own header."""
    return letter(b"", *fields, subject=subject)[:-1] + body


PLAIN = part("text/plain; charset=utf-8", "Plain text.\n")
HTML = part("text/html; charset=utf-8", "<p>Rich <b>text</b>.</p>\n")


def attachment(
    name: str, content: bytes = b"content", media_type: str = "application/octet-stream"
) -> bytes:
    return part(media_type, content, f"Content-Disposition: attachment; {name}", encode=True)


def deep(levels: int) -> bytes:
    """Multiparts in multiparts."""
    opening = "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n' for n in range(levels)
    )
    return whole((opening + "Content-Type: text/plain\n\nat the bottom\n").encode(), subject="Deep")


def attached_deep(levels: int) -> bytes:
    """Messages in messages."""
    return whole(b"Content-Type: message/rfc822\n\n" * levels + b"Subject: inmost\n\ntext\n")


@functools.cache
def large() -> bytes:
    """With an attachment of 30 MB."""
    content = part(
        "application/zip",
        b"\x00\x01\x02\x03" * 7_500_000,
        'Content-Disposition: attachment; filename="large.zip"',
        encode=True,
    )
    return whole(multipart("mixed", PLAIN, content), subject="Thirty megabytes")


@functools.cache
def corpus() -> Mapping[str, bytes]:
    """All but the large ones, by name."""
    recipients = ",\n ".join(f'"Person {n}" <p{n}@example.org>' for n in range(2_000))
    return {
        **_structure(recipients),
        **_charsets(),
        **_names(),
        **_broken(),
        **_kinds(),
        "header-of-10-mb": letter("text", "X-Long: " + "x" * 10_000_000),
        "header-of-10000-fields": letter("text", *(f"X-Field-{n}: {n}" for n in range(10_000))),
        "deep-200": deep(200),
        "deep-1500": deep(1_500),
        "attached-deep-1500": attached_deep(1_500),
    }


def _structure(recipients: str) -> dict[str, bytes]:
    nested = multipart(
        "mixed",
        multipart("alternative", PLAIN, multipart("related", HTML, boundary="b3"), boundary="b2"),
        attachment("filename=a.pdf", PDF, "application/pdf"),
    )
    cid = part("text/html; charset=utf-8", '<p>See <img src="cid:pic@x" alt="two dots">.</p>')
    image = part(
        "image/png", PNG, "Content-ID: <pic@x>", "Content-Disposition: inline", encode=True
    )
    trackers = part(
        "text/html; charset=utf-8",
        '<body background="http://t.example/bg.gif"><style>@import url(http://t.example/a.css); p{color:red}</style>'
        '<p style="background:url(http://t.example/p.png);color:blue">Hello</p>'
        '<img src="http://t.example/pixel.gif" width=1 height=1><img src="//t.example/2.gif" srcset="http://t.example/3.gif 2x">'
        '<script>fetch("http://t.example/js")</script><a href="javascript:alert(1)">bad</a>'
        '<a href="https://good.example/">good</a><form action="http://t.example/f"><input></form>'
        '<svg><image href="http://t.example/svg.png"/></svg><link rel=stylesheet href="http://t.example/l.css">'
        '<iframe src="http://t.example/frame"></iframe><video poster="http://t.example/v.png"></video></body>',
    )
    return {
        "nested": whole(nested),
        "related-image": whole(multipart("related", cid, image)),
        "trackers": whole(multipart("alternative", PLAIN, trackers), subject="Trackers"),
        "html-only": whole(HTML),
        "2000-recipients": letter("text", f"To: {recipients}"),
        "apple-mixed": whole(
            multipart(
                "alternative",
                PLAIN,
                multipart("mixed", HTML, attachment("filename=between.txt"), HTML, boundary="b2"),
            )
        ),
        "list-footer": whole(
            multipart("mixed", PLAIN, part("text/plain", "-- \nThe list's footer\n"))
        ),
        "attached-message": whole(
            multipart(
                "mixed",
                PLAIN,
                b"Content-Type: message/rfc822\n\n" + letter("inner text", subject="Inner"),
            )
        ),
        "digest": whole(multipart("digest", b"\n" + letter("one"), b"\n" + letter("two"))),
        "flowed-delsp": letter(
            "> quoted with a \n> soft break\nThis is a paragra \nph that goes \non.\n\n-- \nJane\n",
            "Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes",
        ),
        "quotes": letter(
            "Yes.\n\nOn Monday, Max wrote:\n"
            + "".join(f"> line {n}\n" for n in range(8))
            + ">> older\n\n-- \nJane\nhttps://example.org/\n"
        ),
    }


def _charsets() -> dict[str, bytes]:
    return {
        "raw-8-bit-header": letter(
            "text",
            "Subject: Grüße aus Köln".encode("latin-1"),
            "From: Jörg <j@example.org>".encode("latin-1"),
        ),
        "raw-utf-8-header": letter("text", "Subject: Grüße"),
        "word-cut-in-character": letter("text", "Subject: =?utf-8?B?R3LDvMM=?=\n =?utf-8?B?n2U=?="),
        "word-unknown-charset": letter("text", "Subject: =?x-nobody-knows?Q?caf=C3=A9?="),
        "iso-2022-jp": letter(
            "こんにちは世界".encode("iso2022_jp"),
            "Content-Type: text/plain; charset=ISO-2022-JP",
            "Subject: =?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=",
        ),
        "gb18030": letter(
            "你好世界𠀀".encode("gb18030"), "Content-Type: text/plain; charset=GB18030"
        ),
        "gb2312-with-more": letter(
            "镕基".encode("gb18030"), "Content-Type: text/plain; charset=gb2312"
        ),
        "koi8-r": letter(
            "Привет, мир".encode("koi8-r"), "Content-Type: text/plain; charset=koi8-r"
        ),
        "right-to-left": letter(
            "שלום עולם\n", "Content-Type: text/plain; charset=utf-8", subject="مرحبا"
        ),
        "iso-8859-8-i": letter(
            "שלום".encode("iso8859_8"), "Content-Type: text/plain; charset=iso-8859-8-i"
        ),
        "wrong-charset": letter(
            "naïve café — “quoted”".encode("cp1252"), "Content-Type: text/plain; charset=utf-8"
        ),
        "unknown-charset": letter(
            "naïve café".encode(), "Content-Type: text/plain; charset=x-nobody-knows"
        ),
        "ascii-that-is-not": letter(
            "naïve café".encode(), "Content-Type: text/plain; charset=us-ascii"
        ),
        "utf-16": whole(
            part("text/plain; charset=utf-16", "wide text".encode("utf-16"), encode=True)
        ),
        "utf-7": letter("Hi +AGEAYg-", "Content-Type: text/plain; charset=utf-7"),
        "charset-nul": letter(
            "text", "Content-Type: text/plain; charset=a\0b", "Subject: Grüße".encode("latin-1")
        ),
        "codec-that-is-none": letter("text", "Content-Type: text/plain; charset=zlib"),
    }


def _names() -> dict[str, bytes]:
    return {
        "name-upwards": whole(multipart("mixed", PLAIN, attachment('filename="../../etc/passwd"'))),
        "name-upwards-2231": whole(
            multipart(
                "mixed",
                PLAIN,
                attachment("filename*0*=utf-8''..%2F..%2F; filename*1*=r%C3%A9sum%C3%A9.txt"),
            )
        ),
        "name-2231-plain": whole(
            multipart("mixed", PLAIN, attachment("filename*=iso-8859-1'en'caf%E9.pdf"))
        ),
        "name-encoded-word": whole(
            multipart("mixed", PLAIN, attachment('filename="=?utf-8?B?csOpc3Vtw6kucGRm?="'))
        ),
        "name-nul": whole(multipart("mixed", PLAIN, attachment('filename="a\x00b.txt"'))),
        "name-bidi": whole(
            multipart("mixed", PLAIN, attachment('filename="invoice\u202efdp.exe"'))
        ),
        "name-windows": whole(
            multipart("mixed", PLAIN, attachment('filename="C:\\\\temp\\\\CON.txt"'))
        ),
        "name-long": whole(multipart("mixed", PLAIN, attachment(f'filename="{"ä" * 400}.pdf"'))),
        "name-none": whole(
            multipart(
                "mixed",
                PLAIN,
                part("application/pdf", PDF, "Content-Disposition: attachment", encode=True),
            )
        ),
        "names-the-same": whole(
            multipart(
                "mixed",
                PLAIN,
                attachment("filename=a.txt", b"1"),
                attachment("filename=A.txt", b"2"),
            )
        ),
        "spoofed-name": letter("Send money.", 'From: "ceo@bank.example" <x@evil.example>'),
        "spoofed-name-encoded": letter(
            "Send money.", "From: =?utf-8?B?Y2VvQGJhbmsuZXhhbXBsZQ==?= <x@evil.example>"
        ),
        "name-of-comma": letter("text", "From: Doe, Jane <jane@example.org>"),
        "group": letter("text", "To: undisclosed-recipients:;"),
    }


def _broken() -> dict[str, bytes]:
    return {
        "empty": b"",
        "line-ends-only": b"\n\n\n",
        "headers-only": letter("").rstrip(b"\n"),
        "no-header": b"\nJust a body.\n",
        "no-empty-line": b"Subject: no end of header\nFrom: a@example.org\nThis is the body already.\n",
        "body-only": b"Just some words, and a colon: here.\n",
        "no-date": letter("text", "Date: "),
        "date-2087": letter(
            "text",
            "Date: Mon, 03 Nov 2087 10:00:00 +0000",
            "Received: from a by b; Tue, 03 Nov 2026 10:00:00 +0000",
        ),
        "date-nonsense": letter("text", "Date: the day before yesterday, 99:99"),
        "date-offset": letter("text", "Date: Tue, 03 Nov 2026 10:42:00 +9999"),
        "message-id-empty": letter("text", "Message-ID: <>"),
        "cr-only": letter("line one\nline two\n").replace(b"\n", b"\r"),
        "crlf": letter("line one\nline two\n").replace(b"\n", b"\r\n"),
        "mbox-line": b"From jane@example.org Tue Nov  3 10:42:00 2026\n" + letter("text"),
        "no-boundary": whole(
            b"Content-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\nstill found\n--x--\n"
        ),
        "wrong-boundary": whole(
            b'Content-Type: multipart/mixed; boundary="other"\n\n--x\nContent-Type: text/plain\n\nstill found\n--x--\n'
        ),
        "no-parts": whole(b'Content-Type: multipart/mixed; boundary="b"\n\nonly words\n'),
        "no-end": whole(multipart("mixed", PLAIN, attachment("filename=a.bin"), close=False)),
        "boundary-with-spaces": whole(multipart("mixed", PLAIN, boundary="a b  c")),
        "boundary-is-prefix": whole(
            multipart("mixed", multipart("alternative", PLAIN, HTML, boundary="bb"), boundary="b")
        ),
        "folded-without-space": whole(
            b'Content-Type: multipart/mixed;\nboundary="b"\n\n--b\nContent-Type: text/plain\n\nstill found\n--b--\n'
        ),
        "unknown-encoding": letter("as it is", "Content-Transfer-Encoding: x-mystery"),
        "base64-cut": letter("SGVsbG8sIHdvcmxkIQ"[:-3], "Content-Transfer-Encoding: base64"),
        "base64-with-noise": letter("SGVs\nbG8*sIHdv!cmxk", "Content-Transfer-Encoding: base64"),
        "base64-that-is-not": letter(
            "This is no base64 at all: ä", "Content-Transfer-Encoding: base64"
        ),
        "quoted-printable-broken": letter(
            "caf=E9 = =ZZ end=",
            "Content-Type: text/plain; charset=latin1",
            "Content-Transfer-Encoding: quoted-printable",
        ),
        "nul": letter(b"a\x00b", b"Subject: a\x00b"),
        "type-nonsense": letter("text", "Content-Type: text"),
        "control-characters": letter("a\x1b[31mred\x07", "Subject: \x1b[31mred"),
        "random": bytes(range(256)) * 20,
    }


def _kinds() -> dict[str, bytes]:
    signature = part(
        "application/pgp-signature; name=signature.asc", "-----BEGIN PGP SIGNATURE-----\n"
    )
    return {
        "winmail": whole(
            multipart(
                "mixed",
                PLAIN,
                attachment(
                    'filename="winmail.dat"', b"\x78\x9f\x3e\x22" + bytes(60), "application/ms-tnef"
                ),
            )
        ),
        "invitation": whole(
            multipart(
                "alternative",
                PLAIN,
                part("text/calendar; method=REQUEST; charset=utf-8", INVITATION),
            ),
            subject="Tea",
        ),
        "invitation-attached": whole(
            multipart(
                "mixed",
                PLAIN,
                attachment("filename=invite.ics", INVITATION.encode(), "text/calendar"),
            )
        ),
        "signed-pgp": whole(
            multipart("signed", PLAIN, signature, more='; protocol="application/pgp-signature"')
        ),
        "encrypted-pgp": whole(
            multipart(
                "encrypted",
                part("application/pgp-encrypted", "Version: 1\n"),
                part(
                    "application/octet-stream",
                    "-----BEGIN PGP MESSAGE-----\n",
                    'Content-Disposition: inline; filename="encrypted.asc"',
                ),
            )
        ),
        "encrypted-smime": whole(
            part(
                "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
                b"0\x80\x06",
                encode=True,
            )
        ),
        "report": whole(
            multipart(
                "report",
                PLAIN,
                part("message/delivery-status", "Reporting-MTA: dns; mx\n"),
                b"Content-Type: message/rfc822\n\n" + letter("returned"),
            )
        ),
        "attachment-only": whole(
            part(
                "application/pdf",
                PDF,
                'Content-Disposition: attachment; filename="only.pdf"',
                encode=True,
            )
        ),
        "html-attached": whole(
            multipart(
                "mixed",
                PLAIN,
                attachment("filename=page.html", b"<script>alert(1)</script>", "text/html"),
            )
        ),
        "svg-attached": whole(
            multipart("mixed", PLAIN, attachment("filename=a.svg", b"<svg/>", "image/svg+xml"))
        ),
        "uuencode": letter(
            "begin 644 a.txt\n#0V%T\n`\nend\n", "Content-Transfer-Encoding: x-uuencode"
        ),
    }
