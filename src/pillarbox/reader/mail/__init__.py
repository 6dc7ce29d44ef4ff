"""Understanding a message, whatever is wrong with it.

Pure functions of octets: no files, no clock. None of them raises for what is in a message: what cannot be
understood is shown as far as it can be, and :attr:`.letter.Letter.faults` says so. All of them are bounded: by
header octets, parts, depth, addresses, octets of text (``limits``).

``summary``    what a list, a search and a thread need: quick, for a hundred thousand messages
``letter``     a message taken apart for reading
``prose``      plain text as blocks: paragraphs (format=flowed), quotes, signature, links
``private``    a message without its hidden recipients
``clean``      HTML without anything that acts, or tells somebody that it was read

What these stand on, from the octets up: ``charsets``, ``transfer``; ``header`` with ``words``, ``addresses``, ``dates``,
``identifiers``, ``parameters``; ``mime`` (a tree of parts), ``layout`` (what is text, what is attached), ``names``,
``markup`` (words of HTML), ``bodies``, ``opening``. ``balance``, ``css`` and ``ground`` are parts of ``clean``; ``tnef`` unpacks a
winmail.dat, ``invitation`` reads a calendar.
"""
