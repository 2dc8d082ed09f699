"""Ends in C, as the second argument says: ends.c. What is written must come out, in this order.

usage: ends.py FOLDER_OF_THE_EXTENSION HOW"""

import atexit
import sys

sys.path.insert(0, sys.argv[1])
import ends


class Last:
    def __del__(self):
        print("__del__")


last = Last()
atexit.register(print, "atexit, registered first")
atexit.register(lambda: print("atexit, registered last", ends.state()))
try:
    ends.end(sys.argv[2])
finally:
    print("not reached")
