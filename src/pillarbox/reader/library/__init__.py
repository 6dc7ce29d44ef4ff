"""Mail on disk: folders, what is done to messages, and its undoing; rules; ways in and out.

``names``      of files and folders: what may be one, and the key by which pages know a message
``tree``       which directories are folders; making, renaming, removing them
``files``      of one Maildir: listed, read, named as they should be
``arrivals``   messages on their way in, through ``tmp``
``maildirs``   messages as files: add, move, mark, erase, durably, beside other programs
``shelf``      files and index side by side: disk first, then index
``sorting``    new mail, and the rules that are applied to it once
``moving``     what the user does to messages and folders; ``memory``: so that it can be taken back
``trash``      since when a message is in Trash
``rules``      the user's rules, in a file; ``kept``: how such files are written
``importing``, ``exporting``    much mail at once, in and out; ``noted``: what other programs have noted of it; ``there``: what
               an import finds in the library already
``library``    all of this as pages and services have it; ``sidebar``: its folders in order
``first``      how far the first reading of all mail is
``opening``    a library is locked, made if need be, and put together
"""
