"""Threads that share a connection, and whose statements call functions written in Python, do not get each other's statements from the
connection's cache. (CPython waits forever: one thread has the lock of the database and waits for the interpreter's, another the reverse.)"""

import sqlite3
import sys
import threading

if sys.implementation.name != "cape":
    raise SystemExit

db = sqlite3.connect(":memory:", check_same_thread=False)
db.create_function("next", 1, lambda x: x + 1)
errors = []


def work():
    try:
        for i in range(50):
            row = db.execute("select next(?)", (i,)).fetchone()
            assert row == (i + 1,), row
    except BaseException as e:
        errors.append(e)


threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not errors, errors
