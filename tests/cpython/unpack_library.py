"""Writes the sources of the embedded library to a folder, as other Pythons have them: unpack_library.py FOLDER"""

import os
import sys

import _cape_stdlib


def unpack(prefix, folder):
    for name, is_package in _cape_stdlib.names(prefix):
        file = os.path.join(folder, _cape_stdlib.find(prefix + name)[1])
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "wb") as out:
            out.write(_cape_stdlib.source(prefix + name))
        if is_package:
            unpack(f"{prefix}{name}.", folder)


unpack("", sys.argv[1])
