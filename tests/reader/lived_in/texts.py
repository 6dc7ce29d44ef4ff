"""What is said in Nora's mail."""

from __future__ import annotations

HOURS = (
    (
        "Hi both,\n\nthe town has asked when we are open over the holidays. Last year we closed from the 23rd, and were "
        "asked about it for weeks.\n\nTomás\n"
    ),
    "On the 23rd the children's choir sings in the hall anyway. We could be open until two.\n\nIngrid\n",
    "Until two is good, and on the 30th as usual. Who would take the desk on the 23rd?\n\nNora\n",
    (
        "Hi Nora,\n\nI will take the desk on the 23rd: the choir is worth it, and Ingrid has done it twice.\n\nThe sign for the "
        "door could say:\n\n    23 December   10-14\n    24 to 26      closed\n    30 December   10-18\n\nIf that is right I "
        "send it to the printer today.\n\n"
        "On Thursday, 26 November 2026, 17:31, Nora Lindqvist wrote:\n> Until two is good, and on the 30th as usual. Who "
        "would take the desk on\n> the 23rd?\n>\n> Nora\n>\n>> On the 23rd the children's choir sings in the hall anyway. We\n"
        ">> could be open until two.\n\n-- \nTomás Herrera\nHarbour Library · Quay 4\n"
    ),
)

CALENDAR = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Reading festival//EN
METHOD:REQUEST
BEGIN:VEVENT
UID:planning-1@readingfestival.example
DTSTAMP:20261127T101500Z
DTSTART:20261130T130000Z
DTEND:20261130T143000Z
SUMMARY:Planning the reading festival
LOCATION:Harbour Library\\, the map room
ORGANIZER;CN=Amara Okafor:mailto:amara@readingfestival.example
ATTENDEE;CN=Nora Lindqvist;PARTSTAT=NEEDS-ACTION:mailto:nora@harbourlibrary.example
ATTENDEE;CN=Jonas Weber;PARTSTAT=ACCEPTED:mailto:jonas@readingfestival.example
DESCRIPTION:Rooms\\, readers\\, rain.
END:VEVENT
END:VCALENDAR
"""

JAPANESE = (
    "リンドクヴィスト様\n\nいつもお世話になっております。十二月の読書会は、十二日の土曜日に開く予定です。今回は海と港の物語を"
    "取り上げますので、そちらの図書館からもぜひご参加ください。\n\n横浜図書館\n山本 さくら\n"
)
ARABIC = (
    "عزيزتي نورا،\n\nوصلت الكتب الأربعون اليوم بحالة جيدة، وسنرسل إليكم مجموعتنا عن الملاحة في الأسبوع القادم. "
    "هل يناسبكم يوم الثلاثاء؟\n\nمع أطيب التحيات\nليلى\n"
)

LATELY = (
    (
        "Jonas Weber <jonas@readingfestival.example>",
        "Chairs",
        "We have 120 chairs, and 90 of them are good.\n",
    ),
    (
        "County archive <loans@countyarchive.example>",
        "Loan of the 1782 harbour map: conditions, insurance and transport",
        "The map travels flat, in a case of ours. Please sign both sides.\n",
    ),
    (
        "Mei Tanaka <mei@bindery.example>",
        "The atlas is ready",
        "It got a new spine, and its old boards.\n",
    ),
    (
        "Town hall <council@harbourtown.example>",
        "Agenda of the culture committee",
        "Item 4 is yours.\n",
    ),
    (
        "Noémie Dubois <noemie@bibliotheque.example>",
        "Merci pour votre accueil",
        "Quelle belle salle de lecture.\n",
    ),
    (
        "Ingrid Solheim <ingrid@harbourlibrary.example>",
        "Keys for the boat house",
        "They hang by the stairs.\n",
    ),
    (
        "Oskar Nyberg <oskar@printer.example>",
        "Proofs of the programme",
        "Page three has a new photograph.\n",
    ),
    (
        "Harbour master <office@harbour.example>",
        "Quay 4 in the storm",
        "Nothing is broken but a lamp.\n",
    ),
)

FESTIVAL = (
    (
        "Amara Okafor <amara@readingfestival.example>",
        "Readers who have said yes",
        "Eleven, and two maybes.\n",
    ),
    ("Jonas Weber <jonas@readingfestival.example>", "If it rains", "Then in the boat house.\n"),
    (
        "Amara Okafor <amara@readingfestival.example>",
        "A festival of reading",
        "Would you have us?\n",
    ),
)

NEWSLETTER_PLAIN = "Glue, thread and patience: what we have learned from a hundred broken spines.\n"
NEWSLETTER = """\
<!doctype html>
<html lang="en"><head><title>The Weekly Binder</title></head>
<body style="margin:0;background:#f3efe6;font-family:Georgia,serif;color:#2b2622">
<img src="https://weeklybinder.example/open.gif?reader=4711" width="1" height="1" alt="">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="560" style="max-width:560px;background:#ffffff" cellpadding="0" cellspacing="0">
<tr><td style="padding:20px 28px;background:#20443f;color:#ffffff;font-size:24px">The Weekly Binder</td></tr>
<tr><td style="padding:24px 28px;font-size:16px;line-height:1.6">
<h1 style="margin:0 0 12px;font-size:26px">Glue, thread and patience</h1>
<p>A hundred broken spines came to our bench this year. Most of them wanted less than we first thought: a
little paste, a good press, and a night.</p>
<img src="https://weeklybinder.example/press.jpg" width="504" height="120" alt="A book in its press">
<h2 style="font-size:19px">Three things to try</h2>
<ul><li>Wheat paste, cooked slowly</li><li>Japanese paper, torn and not cut</li><li>Waiting until morning</li></ul>
<p><a href="https://weeklybinder.example/17" style="color:#20443f">Read the whole story</a></p>
</td></tr>
<tr><td style="padding:16px 28px;background:#e9e3d6;font-size:13px">You get this because you asked for it.</td></tr>
</table></td></tr></table></body></html>
"""
