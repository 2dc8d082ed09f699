"""A C extension on Cape: compiled from source, put to work, checked, timed.

    cape tests/demo/run.py [folder of texts]

Compiles fulltext.c, a full-text index, with the system's C compiler and Cape's headers; indexes the
texts of this repository; compares every answer with pure Python; prints what each kind of crossing
between Python and C costs. CPython 3.14 runs the same script with the same binary."""

import importlib.machinery
import importlib.util
import math
import os
import re
import subprocess
import sys
from itertools import repeat
from time import perf_counter, perf_counter_ns

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SUFFIXES = (".md", ".h", ".c", ".toml", ".py")


def build():
    """Compiles the extension; the path of the shared object."""
    folder = os.path.join(ROOT, "target", "demo")
    os.makedirs(folder, exist_ok=True)
    source = os.path.join(HERE, "fulltext.c")
    target = os.path.join(folder, "fulltext" + importlib.machinery.EXTENSION_SUFFIXES[0])
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-shared", "-fPIC", "-O2", "-Wall", "-I", os.path.join(ROOT, "include"), source, "-o", target]
    subprocess.run(command, check=True)
    return target


def load(path):
    """Imports the module at a path."""
    spec = importlib.util.spec_from_file_location("fulltext", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def texts(folder):
    """Yields (name, text) of the documents in a folder, in a fixed order."""
    for path, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f != "target" and not f.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES):
                name = os.path.join(path, name)
                with open(name, encoding="utf-8") as file:
                    yield os.path.relpath(name, folder), file.read()


# ---- the same index in pure Python ----


def tokens(text):
    return [word.lower() for word in re.findall("[A-Za-z0-9_]+", text)]


class Index:
    def __init__(self, fold=None):
        self.fold = fold
        self.lengths = {}
        self.postings = {}

    def add(self, name, text, *, weight=1):
        words = tokens(text)
        if self.fold is not None:
            words = [word for word in map(self.fold, words) if word is not None]
        self.lengths[name] = len(words)
        for word in words:
            documents = self.postings.setdefault(word, {})
            documents[name] = documents.get(name, 0) + weight
        return len(words)

    def frequencies(self):
        return {word: sum(documents.values()) for word, documents in self.postings.items()}

    def search(self, query, limit=10):
        scores = dict.fromkeys(self.lengths, 0.0)
        for word in tokens(query):
            documents = self.postings.get(word, {})
            if documents:
                rarity = math.log(len(self.lengths) / len(documents)) + 1.0
                for name, count in documents.items():
                    scores[name] += count / self.lengths[name] * rarity
        found = [(name, score) for name, score in scores.items() if score > 0.0]
        found.sort(key=lambda hit: -hit[1])
        return found[:limit]


# ---- work and checks ----


def timed(what, function, *args):
    start = perf_counter()
    result = function(*args)
    print(f"  {what:<46}{(perf_counter() - start) * 1000:10.1f} ms")
    return result


def add_all(index, documents):
    for name, text in documents:
        index.add(name, text)
    return index


def raises(kind, function, *args, **kwargs):
    """The message of the exception that a call must raise."""
    try:
        function(*args, **kwargs)
    except kind as error:
        return str(error)
    raise AssertionError(f"{function} does not raise {kind.__name__}")


def check(fulltext, index, reference):
    """Compares every answer of the extension with pure Python's; how many comparisons were made."""
    frequencies = index.frequencies()
    assert frequencies == reference.frequencies()
    assert dict(index) == frequencies and len(index) == len(frequencies)
    assert index.documents == tuple(reference.lengths)
    assert index.words == sum(reference.lengths.values()) == sum(frequencies.values())
    for word, documents in reference.postings.items():
        assert index[word] == tuple(documents.items()), word
        assert index.count(word) == frequencies[word]
        assert word in index
    queries = ["reference count", "PyList_SetItem", "the collector moves objects", "garbage, strings; unicode!"]
    for query in queries:
        for limit in (1, 10, 10**6):
            assert index.search(query, limit) == index.search(limit=limit, query=query)
            mine, theirs = index.search(query, limit=limit), reference.search(query, limit)
            assert [name for name, _ in mine] == [name for name, _ in theirs], query
            assert all(math.isclose(a, b) for (_, a), (_, b) in zip(mine, theirs))
    often = index.select(lambda word, count: count > 100)
    assert sorted(often) == sorted(word for word, count in frequencies.items() if count > 100)
    return len(frequencies) * 4 + len(queries) * 6


def check_errors(fulltext):
    """Exceptions in both directions, subclasses, cycles."""
    index = fulltext.Index()
    assert index.add("a", "One two TWO", weight=3) == 3 and index["two"] == (("a", 6),)
    assert raises(KeyError, lambda: index["three"]) == "'three'"
    assert raises(TypeError, index.count, 5) == "a word must be str, not int"
    assert "unexpected keyword argument 'wait'" in raises(TypeError, index.add, "a", "b", wait=1)
    assert "callable" in raises(TypeError, fulltext.Index, 5)
    assert issubclass(fulltext.QueryError, ValueError)
    assert raises(fulltext.QueryError, index.search, "?!") == "no word in the query '?!'"
    assert raises(ZeroDivisionError, index.select, lambda word, count: 1 / 0) == "division by zero"
    assert "changed" in raises(RuntimeError, lambda: [index.add("b", "c") for _ in index])
    index.reset()
    assert len(index) == 0 and index.documents == () and not list(index)

    class Loud(fulltext.Index):
        def __init__(self, fold=None):
            self.heard = []

        def __getitem__(self, word):
            self.heard.append(word)
            return super().__getitem__(word)

    loud = Loud(lambda word: None if word == "um" else word.upper())
    assert loud.add("x", "um well um") == 1 and loud["WELL"] == (("x", 1),) and loud.heard == ["WELL"]
    assert repr(loud).endswith("Loud of 1 documents, 1 words, 1 of them different>")


# ---- what crossings cost ----


def cost(statement, names, rounds=5):
    """Nanoseconds that one execution of a statement takes, ten of them in a loop: the best round."""
    scope = {"repeat": repeat}
    head = f"def loop(_times, {', '.join(names)}):\n for _ in repeat(None, _times):\n"
    source = head + f"  {statement}\n" * 10
    exec(source, scope)
    loop, count = scope["loop"], 1
    while True:
        start = perf_counter_ns()
        loop(count, **names)
        taken = perf_counter_ns() - start
        if taken > 10_000_000:
            break
        count = count * 2 if taken < 1_000_000 else count * 11_000_000 // taken + 1
    for _ in range(rounds):
        start = perf_counter_ns()
        loop(count, **names)
        taken = min(taken, perf_counter_ns() - start)
    return taken / (count * 10)


def crossings(fulltext, index):
    """Yields (what crosses, ns)."""
    names = {
        "nothing": fulltext.nothing,
        "tokens": fulltext.tokens,
        "index": index,
        "count": index.count,
        "small": add_all(fulltext.Index(), [("a", "one two three four five six seven eight")]),
        "one": add_all(fulltext.Index(), [("a", "one")]),
        "scratch": fulltext.Index(),
        "predicate": lambda word, count: False,
        "word": "python",
        "text": "one two three four",
        "QueryError": fulltext.QueryError,
        "Index": fulltext.Index,
    }
    names["search"] = names["one"].search
    words = len(names["small"])

    def price(statement, share=1):
        return cost(statement, names) / share

    yield "a call without arguments", price("nothing()")
    yield "a bound method, a str in, an int out", price("count(word)")
    yield "a method looked up and called", price("index.count(word)")
    yield "an attribute computed in C", price("index.words")
    yield "len(), a slot", price("len(index)")
    yield "in, a slot", price("word in index")
    yield "index[word], a slot; tuples come back", price("one['one']")
    yield "keywords, parsed by C; a list comes back", price("search('x', limit=1)")
    yield "a list of 4 str", price("tokens(text)")
    yield "a dict of 8 items", price("small.frequencies()")
    yield "one step of an iterator, a pair", price("for pair in small: pass", words)
    yield "C calls Python, two arguments", price("small.select(predicate)", words)
    yield "an exception raised by C", price("try: search('?')\n  except QueryError: pass")
    yield "an object made and dropped", price("Index()")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else ROOT
    implementation = sys.implementation.name
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"{implementation}, Python {version}")
    fulltext = load(timed("compile fulltext.c", build))
    documents = timed("read the texts", list, texts(folder))
    index = timed("index them, in C", add_all, fulltext.Index(), documents)
    reference = timed("index them, in Python", add_all, Index(), documents)
    comparisons = timed("compare the answers", check, fulltext, index, reference)
    check_errors(fulltext)
    size = sum(len(text) for _, text in documents) / 1e6
    print(f"{index}\n  {size:.1f} million characters, {comparisons} answers as in pure Python\n")
    print("the best places to read about mirrors and reference counts:")
    for name, score in index.search("mirror reference count link", limit=5):
        print(f"  {name:<46}{score:10.4f}")
    print("\nwhat crosses between Python and C                       ns")
    for what, nanoseconds in crossings(fulltext, index):
        print(f"  {what:<46}{nanoseconds:10.1f}")


if __name__ == "__main__":
    main()
