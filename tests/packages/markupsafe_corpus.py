"""Escapes a corpus of strings with MarkupSafe's C code; prints every result, for comparison between interpreters.

    python markupsafe_corpus.py FOLDER [COUNT]     # FOLDER contains the package
"""

import random
import sys

sys.path.insert(0, sys.argv[1])

import markupsafe
from markupsafe import _native, _speedups

assert _speedups.__file__.endswith(".so") and markupsafe._escape_inner is _speedups._escape_inner

ALPHABETS = [
    "abc <>&'\"",
    "<>&'\"",
    "plain ASCII, nothing to escape.\n\t\0",
    "Grüße <größer> & ÿ'",
    "Ελλάδα < 日本 > & „“'\"",
    "😀<𝔘𝔫𝔦>&\U0010ffff'\"x",
    "\ud800<\udfff>&",
]


def corpus(count):
    """`count` strings: of every width, with and without what must be escaped, from empty to long."""
    rng = random.Random(20)
    for n in range(count):
        alphabet = ALPHABETS[n % len(ALPHABETS)]
        length = rng.choice((0, 1, 2, 3, 7, 15, 16, 40, 200)) if n % 97 else 5000
        yield "".join(rng.choices(alphabet, k=length))


class Html:
    def __html__(self):
        return "<i>"


class Text:
    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text


class Broken:
    def __str__(self):
        raise LookupError("no text")


class SubStr(str):
    pass


def attempt(function, *args):
    try:
        result = function(*args)
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    return f"{type(result).__name__} {ascii(str(result))}"


count = int(sys.argv[2]) if len(sys.argv) > 2 else 1400
for text in corpus(count):
    inner = _speedups._escape_inner(text)
    assert inner == _native._escape_inner(text), ascii(text)
    escaped = markupsafe.escape(text)
    assert escaped == inner and type(escaped) is markupsafe.Markup
    if inner == text:
        assert inner is text, "nothing to escape: the same object comes back"
    assert escaped.unescape() == text or "\0" in text or not text.isprintable()
    print(ascii(inner))
    print(attempt(markupsafe.escape_silent, text), attempt(markupsafe.Markup.escape, Text(text)))
    print(attempt(markupsafe.Markup("<b>%s</b>%r").__mod__, (text, text)))
    print(attempt(markupsafe.Markup("<b>{}</b>{x!r}").format, text), attempt(markupsafe.Markup(text).striptags))
for value in (None, 0, 1.5, True, (), [1, "<"], {"<": ">"}, b"<", Html(), Text("<&>"), Broken(), SubStr("<s>"), Html, len):
    print(attempt(markupsafe.escape, value) if value not in (Html, len) else "", attempt(markupsafe.escape_silent, value) if value not in (Html, len) else "")
    print(attempt(_speedups._escape_inner, value) if isinstance(value, str) else "")
print(attempt(_speedups._escape_inner), attempt(_speedups._escape_inner, "a", "b"))
print(count, "strings")
