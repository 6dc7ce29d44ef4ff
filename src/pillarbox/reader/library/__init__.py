"""Mail on disk: folders, what is done to messages, and its undoing; rules; ways in and out.

``names``     of files and folders: what may be one, and the key by which pages know a message
``tree``      which directories are folders; making, renaming, removing them
``files``     of one Maildir: listed, read, named as they should be
``maildirs``  messages as files: add, move, mark, erase, durably, beside other programs
"""
