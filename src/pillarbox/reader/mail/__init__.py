"""Understanding a message, whatever is wrong with it.

Pure functions of octets: no files, no clock. None of them raises for what is in a message: what cannot be
understood is shown as far as it can be, and :attr:`.letter.Letter.faults` says so. All of them are bounded: by
header octets, parts, depth, addresses, octets of text (``limits``).

``summary``    what a list, a search and a thread need: quick, for a hundred thousand messages
``letter``     a message taken apart for reading
``headers``    decoding of header fields, addresses, dates, message-ids
``charsets``   octets to text, for whatever a message says they are
``prose``      plain text as blocks: paragraphs (format=flowed), quotes, signature, links
``clean``      HTML without anything that acts, or tells somebody that it was read
"""
