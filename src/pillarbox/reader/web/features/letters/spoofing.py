"""Names that are made to be taken for something else."""

from __future__ import annotations

import re

from pillarbox.reader.model import Correspondent

_ADDRESS = re.compile(r"[\w.+-]{1,64}\s*[@\uff20\ufe6b]\s*[\w-]+(?:\.[\w-]+)+")


def shown_address(sender: Correspondent) -> str:
    """An address in the sender's name that is another one than the sender's; nothing if there is none."""
    for found in _ADDRESS.finditer(sender.name):
        said = "".join(found[0].split()).replace("\uff20", "@").replace("\ufe6b", "@")
        if said.casefold() != sender.address.casefold():
            return said
    return ""
