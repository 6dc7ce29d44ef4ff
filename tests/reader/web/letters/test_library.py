"""Awkward mail in a library on disk: listed, and opened from the list, each without an error page."""

from __future__ import annotations

import re
from pathlib import Path

from pillarbox.reader.library.opening import put_together
from pillarbox.reader.library.survey import open_index
from pillarbox.reader.model import inbox_of
from pillarbox.reader.news import News
from pillarbox.reader.preferences import Preferences
from tests.reader.desk import make_desk, visitor
from tests.reader.mail.corpus import corpus, large


async def test_all_of_it(tmp_path: Path) -> None:
    news, preferences = News(), Preferences(tmp_path / "settings.json")
    library = put_together(tmp_path, news, preferences.settings, open_index)
    library.folder_of("work")
    messages = {**corpus(), "large": large()}
    keys = {name: library.add(inbox_of("work"), data) for name, data in messages.items()}
    desk = make_desk(library=library, filing=library, preferences=preferences, news=news)
    async with visitor(desk) as browser:
        listed = await browser.get("/mail/Inbox")
        assert listed.status_code == 200
        for name, key in keys.items():
            reply = await browser.get("/mail/Inbox", params={"m": key})
            assert reply.status_code == 200, name
            assert 'class="letter-subject"' in reply.text, name
            identifiers = re.findall(r'\bid="([^"]+)"', reply.text)
            assert len(identifiers) == len(set(identifiers)), name
    library.close()
