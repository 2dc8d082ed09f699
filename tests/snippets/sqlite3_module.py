"""sqlite3: objects of all kinds under collections, connections that threads share or callbacks close, and what dead cursors hold."""

import functools
import gc
import os
import sqlite3
import sys
import tempfile
import threading
import warnings
import weakref

warnings.simplefilter("error")
CAPE = sys.implementation.name == "cape"


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert type(e) is kind and str(e) == message, (type(e), str(e))
        return e
    raise AssertionError(f"{kind} not raised")


def in_thread(f, *args):
    out = []

    def run():
        try:
            out.append(f(*args))
        except BaseException as e:
            out.append(e)

    t = threading.Thread(target=run)
    t.start()
    t.join()
    return out[0]


# Values, rows and their names survive collections, and are of the right types.
db = sqlite3.connect(":memory:")
db.execute("create table t(i integer, f real, s text, b blob, n)")
rows = [(i * 2**40, i / 3, "text é €" * (i % 5), bytes(range(i)), None) for i in range(60)]
db.executemany("insert into t values(?, ?, ?, ?, ?)", rows)
assert db.execute("select * from t").fetchall() == rows
assert db.execute("select ?", (-(2**63),)).fetchone() == (-(2**63),)
db.row_factory = sqlite3.Row
named = db.execute("select i as first, s as Second from t").fetchall()
gc.collect()
assert [(r["FIRST"], r["second"], r[-1], len(r)) for r in named] == [(a, c, c, 2) for a, _, c, *_ in rows]
assert named[0].keys() == ["first", "Second"] and hash(named[1]) == hash(named[1]) and named[0] != named[1]
raises(IndexError, "No item with that key", lambda: named[0]["third"])
raises(IndexError, "Index must be int or string", lambda: named[0][1.0])
db.row_factory = None

# Functions, aggregates and collations that make garbage while SQLite calls them.
db.create_function("pair", 2, lambda a, b: f"{a}-{b}", deterministic=True)
db.create_collation("backwards", lambda a, b: (a < b) - (a > b))


class Concatenated:
    def __init__(self):
        self.parts = []

    def step(self, *args):
        self.parts.extend([[a] for a in args])

    def inverse(self, *args):
        del self.parts[: len(args)]

    def value(self):
        return "".join(str(a) for [a] in self.parts)

    finalize = value


db.create_aggregate("joined", 1, Concatenated)
db.create_window_function("window", 1, Concatenated)
numbers = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 40) "
assert db.execute(numbers + "select pair(i, i * 2) from n").fetchall() == [(f"{i}-{2 * i}",) for i in range(1, 41)]
assert db.execute(numbers + "select i % 3, joined(i) from n group by 1").fetchall() == [
    (k, "".join(str(i) for i in range(1, 41) if i % 3 == k)) for k in range(3)
]
over = "over (order by i rows between 1 preceding and 1 following)"
windows = db.execute(numbers + f"select window(i) {over} from n").fetchall()
assert windows[:2] == [("12",), ("123",)] and windows[-1] == ("3940",) and len(windows) == 40
words = db.execute(numbers + "select distinct 'w' || (i % 4) as w from n order by w collate backwards").fetchall()
assert words == [("w3",), ("w2",), ("w1",), ("w0",)]

# A window function that nobody fetches to its end is finalized with its cursor.
c = db.execute(numbers + f"select window(i) {over} from n")
c.fetchone()
c.close()
c = db.execute(numbers + f"select window(i) {over} from n")
del c
gc.collect()

# What SQLite does not need any more is let go of.


class Function:
    def __init__(self, result):
        self.result = result

    def __call__(self, *args):
        return self.result


def set_and_forget(define):
    f = Function(0)
    define(f)
    return weakref.ref(f)


for define in (
    functools.partial(db.create_function, "f", 0),
    functools.partial(db.create_aggregate, "g", 0),
    functools.partial(db.create_window_function, "h", 0),
    functools.partial(db.create_collation, "c"),
    db.set_authorizer,
    db.set_trace_callback,
    functools.partial(db.set_progress_handler, n=1000),
):
    f = set_and_forget(define)
    gc.collect()
    assert f() is not None
    define(None)
    gc.collect()
    assert f() is None, define
f = set_and_forget(functools.partial(db.create_function, "f", 1))
gc.collect()
assert db.execute("select f(1)").fetchone() == (0,)
db.close()
gc.collect()
assert f() is None


# Cursors of classes of one's own.
class Cursor(sqlite3.Cursor):
    pass


_Cursor, sqlite3.Cursor = sqlite3.Cursor, Cursor
db = sqlite3.connect(":memory:")
raises(AttributeError, "'sqlite3.Cursor' object has no attribute 'x' and no __dict__ for setting new attributes",
       setattr, db.cursor(), "x", 1)
c = db.cursor(Cursor)
c.x = 1
assert type(c) is Cursor and c.x == 1 and type(db.execute("select 1")) is _Cursor
sqlite3.Cursor = _Cursor
db.close()


# A connection that its own function refers to dies all the same.
def cycle():
    db = sqlite3.connect(":memory:")
    f = Function(db)
    db.create_function("f", 0, f)
    db.set_trace_callback(f)
    f.cursor = db.execute("select 1 union select 2")
    f.result = db
    db.close()
    return weakref.ref(f)


f = cycle()
gc.collect()
assert f() is None or not CAPE

# Cursors and blobs that nobody has any more lock nothing.
db = sqlite3.connect(":memory:")
db.execute("create table t(a)")
db.executemany("insert into t values(?)", ((i,) for i in range(5)))
assert db.execute("select a from t").fetchone() == (0,)
db.execute("drop table t")
db.execute("create table t(a)")
db.execute("insert into t values(zeroblob(8))")
db.commit()
with db.blobopen("t", "a", 1) as blob:
    blob.write(b"abcd")
    blob[2:7:2] = b"xyz"
    assert blob[:] == b"abxdy\0z\0" and len(blob) == 8 and blob.tell() == 4
    blob.seek(-1, os.SEEK_END)
    assert blob.read() == b"\0" and blob[-4:-1:2] == b"yz"
    if CAPE:
        assert blob[6:0:-2] == b"zyx" and blob[3:3] == b""
raises(sqlite3.ProgrammingError, "Cannot operate on a closed blob.", blob.read)
kept = db.blobopen("t", "a", 1)
db.close()
raises(sqlite3.ProgrammingError, "Cannot operate on a closed database.", kept.read)
del kept
gc.collect()

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "db")
    one, two = (sqlite3.connect(path, timeout=30, isolation_level=None) for _ in range(2))
    one.execute("create table t(a)")
    one.executemany("insert into t values(?)", ((i,) for i in range(5)))
    # The first has a lock to read; with it nothing could be written.
    assert one.execute("select a from t").fetchone() == (0,)
    assert two.execute("insert into t values(5)").rowcount == 1
    alive = one.execute("select a from t")
    assert alive.fetchone() == (0,)
    assert two.execute("pragma busy_timeout").fetchone() == (30000,)
    two.execute("pragma busy_timeout = 0")
    e = raises(sqlite3.OperationalError, "database is locked", two.execute, "insert into t values(6)")
    assert e.sqlite_errorname == "SQLITE_BUSY" and e.sqlite_errorcode == sqlite3.SQLITE_BUSY
    assert [a for (a,) in alive] == [1, 2, 3, 4, 5]
    two.execute("insert into t values(6)")
    # What changes something takes effect although not all of its rows were fetched.
    assert one.execute("pragma journal_mode = wal") and one.execute("insert into t values(7), (8) returning a").fetchone() == (7,)
    assert two.execute("select count(*) from t").fetchone() == (9,)
    one.close()
    two.close()
    three = sqlite3.connect(path, detect_types=sqlite3.PARSE_COLNAMES)
    sqlite3.register_converter("shown", lambda b: b"<" + b + b">")
    three.text_factory = bytes
    changed = three.execute("update t set a = a + 1.5 where a > 6 returning a as 'a [shown]', a, 'text', null, x'00'")
    assert changed.rowcount == 0 and [name for name, *_ in changed.description][:2] == ["a", "a"]
    assert changed.fetchone() == (b"<8.5>", 8.5, b"text", None, b"\0") and changed.rowcount == 0
    assert changed.fetchall() == [(b"<9.5>", 9.5, b"text", None, b"\0")] and changed.rowcount == 2
    del sqlite3.converters["SHOWN"]
    three.close()

# Threads. A connection is its thread's, unless it says otherwise.
db = sqlite3.connect(":memory:")
c = db.cursor()
for f in (db.cursor, db.commit, db.close, functools.partial(db.execute, "select 1"), c.fetchone, c.close,
          functools.partial(c.execute, "select 1"), functools.partial(db.create_function, "f", 0, len)):
    e = in_thread(f)
    assert type(e) is sqlite3.ProgrammingError, e
    assert str(e).startswith("SQLite objects created in a thread can only be used in that same thread. The object was"), e
    assert str(e).endswith(f"created in thread id {threading.get_ident()} and this is thread id {str(e).split()[-1]}"), e
assert in_thread(db.interrupt) is None
db.close()

shared = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
shared.execute("create table t(a, b)")
lock = threading.Lock()


def worker(k):
    for i in range(15):
        with lock:
            shared.execute("insert into t values(?, ?)", (k, i))
            assert shared.execute("select count(*) from t where a = ?", (k,)).fetchone() == (i + 1,)


threads = [threading.Thread(target=worker, args=(k,)) for k in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert shared.execute("select a, count(*) from t group by a").fetchall() == [(0, 15), (1, 15), (2, 15)]

if CAPE:
    # Nobody waits for a connection with the interpreter's lock in hand, so that a callback in another thread can go on.
    began, ends = threading.Event(), []

    def slow(n):
        began.set()
        sys.setswitchinterval(1e-5)
        return sum(range(n % 50))

    shared.create_function("slow", 1, slow)

    def long_query():
        ends.append(shared.execute(numbers + "select sum(slow(n.i + j.i)) from n, (select i from n) j").fetchall())

    t = threading.Thread(target=long_query)
    t.start()
    began.wait()
    while t.is_alive():
        assert shared.execute("select ?, ? || a from t", ("x", "y")).fetchone() == ("x", "y0")
        shared.set_trace_callback(None)
    t.join()
    assert len(ends) == 1
    # Closed by another thread, a query goes on to the end of its call.
    began.clear()
    def closed_query():
        try:
            long_query()
        except sqlite3.ProgrammingError as e:
            assert str(e) == "Cannot operate on a closed database."

    t = threading.Thread(target=closed_query)
    t.start()
    began.wait()
    in_thread(shared.close)
    t.join()
    raises(sqlite3.ProgrammingError, "Cannot operate on a closed database.", shared.execute, "select 1")
    sys.setswitchinterval(0.005)
else:
    shared.close()

# Interrupted by another thread.
db = sqlite3.connect(":memory:", check_same_thread=False)
began = threading.Event()


def stopper():
    began.wait()
    db.interrupt()


db.create_function("began", 0, began.set)
t = threading.Thread(target=stopper)
t.start()
forever = "with recursive n(i) as (select began() union all select 1 from n) select count(*) from n"
e = raises(sqlite3.OperationalError, "interrupted", db.execute, forever)
assert e.sqlite_errorname == "SQLITE_INTERRUPT"
t.join()


# Parameters and callbacks that close the connection, or use the cursor that is executing.
class Closes:
    def __init__(self, db):
        self.db = db

    def __conform__(self, protocol):
        assert protocol is sqlite3.PrepareProtocol
        self.db.close()
        return 1


if CAPE:  # (The other crashes.)
    raises(sqlite3.ProgrammingError, "Cannot operate on a closed database.", db.execute, "select ?", (Closes(db),))
db.close()
db = sqlite3.connect(":memory:")
c = db.cursor()
c.execute("create table t(a)")
raises(sqlite3.ProgrammingError, "Recursive use of cursors not allowed.", c.executemany, "insert into t values(?)",
       ((c.execute("select 1"),) for _ in range(2)))
assert c.execute("select 1").fetchall() == [(1,)]
if CAPE:
    db.create_function("close", 0, db.close)
    try:
        db.execute("select close() from (values (1), (2))").fetchall()
    except sqlite3.ProgrammingError as e:
        assert str(e) == "Cannot operate on a closed database."
    raises(sqlite3.ProgrammingError, "Cannot operate on a closed database.", c.execute, "select 1")
db.close()

# Exceptions of callbacks: those of collations reach the caller, others become SQLite's.
db = sqlite3.connect(":memory:")
db.create_function("fails", 1, lambda x: 1 / x)
raises(sqlite3.OperationalError, "user-defined function raised exception", db.execute, "select fails(0)")
reported = []
sys.unraisablehook, hook = lambda u: reported.append((u.err_msg, u.exc_type)), sys.unraisablehook
sqlite3.enable_callback_tracebacks(True)
f = Function(object())
db.create_function("object", -1, f)
raises(sqlite3.OperationalError, "user-defined function raised exception", db.execute, "select object()")
f.result = 2**63
e = raises(sqlite3.DataError, "string or blob too big", db.execute, "select object()")
sqlite3.enable_callback_tracebacks(False)
sys.unraisablehook = hook
message = f"Exception ignored on sqlite3 callback {f!r}"
assert reported == [(message, sqlite3.ProgrammingError), (message, OverflowError)], reported
db.create_collation("fails", lambda a, b: a.nothing)
raises(AttributeError, "'str' object has no attribute 'nothing'",
       lambda: db.execute("select 'a' as x union select 'b' order by x collate fails").fetchall())
assert db.execute("select 1").fetchall() == [(1,)]

# Copies, with a progress that looks on.
other = sqlite3.connect(":memory:")
db.executescript("create table t(a); insert into t values('x'); begin; insert into t values('y'); commit;")
steps = []
db.backup(other, pages=1, progress=lambda *args: steps.append(args))
assert steps[-1][:2] == (sqlite3.SQLITE_DONE, 0) and other.execute("select * from t").fetchall() == [("x",), ("y",)]
copy = db.serialize()
assert copy.startswith(b"SQLite format 3\0")
db.close()
db = sqlite3.connect(":memory:")
db.deserialize(copy)
assert list(db.iterdump())[1:-1] == ["CREATE TABLE t(a);", "INSERT INTO \"t\" VALUES('x');", "INSERT INTO \"t\" VALUES('y');"]
raises(ZeroDivisionError, "division by zero", db.backup, other, progress=lambda *args: 1 / 0)
raises(ValueError, "target cannot be the same connection instance", db.backup, db)
db.close()
other.close()

# A connection that is not closed warns when it dies.
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    db = sqlite3.connect(":memory:")
    shown = repr(db)
    del db
    gc.collect()
assert [str(w.message) for w in caught] == [f"unclosed database in {shown}"], caught
assert caught[0].category is ResourceWarning

# What distributions build SQLite with.
db = sqlite3.connect(":memory:")
options = {o for (o,) in db.execute("pragma compile_options")}
assert {"ENABLE_COLUMN_METADATA", "ENABLE_FTS3", "ENABLE_FTS4", "ENABLE_FTS5", "ENABLE_LOAD_EXTENSION", "ENABLE_MATH_FUNCTIONS",
        "ENABLE_RTREE", "THREADSAFE=1"} <= options, options
assert db.execute("select round(sqrt(2) * pi(), 3), json_extract('{\"a\": [1, 2]}', '$.a[1]')").fetchone() == (4.443, 2)
assert db.execute("pragma foreign_keys").fetchone() == (0,) and sqlite3.threadsafety == 3
db.execute("create virtual table words using fts5(body)")
db.execute("insert into words values('a quick brown fox')")
assert db.execute("select body from words where words match 'quick'").fetchone() == ("a quick brown fox",)
db.close()

print("sqlite3_module: ok")
