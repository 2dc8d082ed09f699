"""Further interpreters by the C API: interpreters.c.

usage: interpreters.py FOLDER_OF_THE_EXTENSION"""

import sys

sys.path.insert(0, sys.argv[1])
import interpreters

HEAD = f"""
import sys
sys.path.insert(0, {sys.argv[1]!r})
def told(case, what):
    print('inside', case, what, sep='\\t', flush=True)
"""


def told(case, what):
    print("outside", case, what, sep="\t", flush=True)


sys.marker = 1
told("new", interpreters.in_new(HEAD + "told('new', (hasattr(sys, 'marker'), __name__))"))
told("exit", interpreters.in_new(HEAD + "import atexit; atexit.register(told, 'exit', 'at exit')"))
told("dict", interpreters.in_new(HEAD + "import interpreters; told('dict', interpreters.dict_of('a', 1))"))
told("dict 2", interpreters.dict_of("a", 2))
told("dict 3", interpreters.dict_of("a", 3))
told("thread", interpreters.in_new(HEAD + """if True:
    import threading
    threading.Thread(target=told, args=('thread', threading.active_count())).start()
"""))
for config in [(0, 0), (1, 0), (1, 1), (0, 1)]:
    told(f"import {config}", interpreters.with_config(HEAD + f"""if True:
    try:
        import interpreters
    except ImportError as e:
        told('import {config}', (str(e), e.name))
    else:
        told('import {config}', 'imported')
""", *config))
told("keep", interpreters.keep())
told("kept", interpreters.in_kept(HEAD + "x = 5"))
told("kept again", interpreters.in_kept("told('kept', x); sys.marker = 7"))
told("marker", sys.marker)
interpreters.end_kept()
told("end", None)
