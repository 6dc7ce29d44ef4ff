"""What is known of all messages: lists, threads, words. One SQLite file, derived from the mail.

It may be deleted at any time, and is made again from the files (:mod:`pillarbox.reader.library.survey`).
Nothing is decided here: a file's place and flags are what the disk says.

A message's number (``id``) is made of its date: numbers in descending order are the list, latest first, of a
folder, of a thread and of a search alike. So each of them is a range of one b-tree that is read as far as the
page needs it, and full text search, which gives its hits by number, need not find the rest. A number is never
given twice: the full text of a message that is gone stays, and finds nothing.

``query``        what was typed, understood (pure); ``moments``: its dates
``folding``      words as they are compared: case, width, scripts without spaces (pure)
``placing``      where in a text a word is, as it was written (pure)
``graphemes``    where a text can be cut (pure)
``topics``       subjects without "Re:" in many languages (pure)
``matter``       what is searched of a message, kept as it was written (pure)
``arrival``      a message, ready to be written down (pure; made in worker processes for many)
``preparing``    files read and understood, many of them by processes of their own
``building``     an index made anew, beside the one in use
``schema``       the tables
``file``         the database file: opened, replaced, and its connections
``past``         how messages were a while ago (in memory)
``writing``      what happens to rows when mail comes, goes, or moves
``threads``      which messages belong together
``people``       who has written, and who was written to
``matching``     a query as SQL
``lists``        rows and pages
``finding``      the words of a query, in a text (pure); ``passages``: the pieces of it that show them
``hits``         where a search has found messages, for their rows
``sqlite``       the index itself, as :class:`pillarbox.reader.contracts.Index` has it
"""
