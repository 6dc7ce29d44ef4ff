"""How much of a message is looked at. What lies beyond is still in the file, and in its source view."""

from __future__ import annotations

HEADER_OCTETS = 262_144
"""Of one header. 2,000 recipients take 100,000; Exim and Postfix refuse more than some hundred thousand."""

FIELDS = 2_000
"""Of one header. Long ways leave a hundred."""

FIELD_TEXT = 4_000
"""Characters of one decoded text (a subject, a name): nobody reads more in one line."""

PARTS = 1_000
"""Of one message. Digests of lists have some hundred."""

DEPTH = 50
"""Of multiparts within multiparts. Mail that people write has four; what reads the parts may recurse so deep."""

PARAMETERS = 64
"""Of one field. A name in RFC 2231's pieces may have a dozen."""

ADDRESSES = 5_000
"""Of one field, for reading."""

SUMMARY_ADDRESSES = 500
"""For lists and searches."""

IDENTIFIERS = 100
"""Of References: the first and the last ones. RFC 5537 (section 3.4.4) lets news readers cut them, too."""

SUMMARY_TEXT = 64_000
"""Characters that are searched: the length of a short novel's chapter."""

LETTER_TEXT = 500_000
"""Characters of text that are shown: a book. A log file in a mail may be longer."""

LETTER_LINES = 20_000
"""Of that text: so many lines has the longest novel. Each takes more work on the page than its characters do."""

LETTER_HTML = 2_000_000
"""Characters of HTML that are shown. Gmail cuts at 102 kB, newsletters keep below; spam does not."""

OPENING = 200
"""Characters of the first words, in a list."""

NAME = 120
"""Characters of a file's name; in UTF-8 it stays below the 255 octets of file systems once it is cut by octets,
too (``names``)."""

TAGS = 50_000
"""Of HTML; what follows is shown as text. A browser makes an element of each, and HTML can make one tag many."""

HTML_DEPTH = 256
"""Of elements within elements: half of what browsers go down to (Blink's ``maximumHTMLParserDOMTreeDepth``)."""

OPEN_FORMATS = 12
"""Of ``<b>``, ``<font>`` and the like at one time: where they are closed out of order, a parser opens all of them again in each
block that follows."""

STYLE_SHEET = 200_000
"""Characters of all style sheets of a message. Gmail takes 16,000."""

STYLE = 4_000
"""Characters of one style attribute."""

DATA_URL = 2_000_000
"""Characters of an image within HTML."""
