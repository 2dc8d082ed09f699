"""Codecs and their error handlers."""
import codecs


def error(f, *args):
    try:
        f(*args)
    except UnicodeError as e:
        return e.encoding, e.start, e.end, e.reason
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    raise AssertionError("no exception")


sample = "aé\u1234\U0001f600"
for name in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-7", "unicode_escape", "raw_unicode_escape", "UTF_8", "U8"):
    assert sample.encode(name).decode(name) == sample, name
assert "é".encode("latin-1") == b"\xe9" == "é".encode("iso8859-1") and "a".encode("ascii") == b"a" and "é".encode("cp1252") == b"\xe9"
assert sample.encode("utf-7") == b"a+AOkSNNg93gA-" and "a+b-".encode("utf-7") == b"a+-b-" and b"+AGE-".decode("utf-7") == "a"
assert "\ud800".encode("utf-7") == b"+2AA-" and sample.encode("utf-16-be") == b"\0a\0\xe9\x12\x34\xd8\x3d\xde\x00"

# Errors.
assert error("é\u1234".encode, "ascii") == ("ascii", 0, 2, "ordinal not in range(128)")
assert error("\u1234".encode, "latin-1") == ("latin-1", 0, 1, "ordinal not in range(256)")
assert error("a\ud800\udfff".encode, "utf-8") == ("utf-8", 1, 3, "surrogates not allowed")
assert error(b"a\xff".decode, "utf-8") == ("utf-8", 1, 2, "invalid start byte")
assert error(b"\xe1\x80a".decode, "utf-8") == ("utf-8", 0, 2, "invalid continuation byte")
assert error(b"\xe0\x80\x80".decode, "utf-8") == ("utf-8", 0, 1, "invalid continuation byte")
assert error(b"\xe1\x80".decode, "utf-8") == ("utf-8", 0, 2, "unexpected end of data")
assert error(b"\x80".decode, "ascii") == ("ascii", 0, 1, "ordinal not in range(128)")
assert error(b"\0\xd8a\0".decode, "utf-16-le") == ("utf-16-le", 0, 2, "illegal UTF-16 surrogate")
assert error(b"\0".decode, "utf-16") == ("utf-16-le", 0, 1, "truncated data")
assert error(b"\xff\xff\xff\xff".decode, "utf-32") == ("utf-32-le", 0, 4, "code point not in range(0x110000)")
assert error(b"a\\x1".decode, "unicode_escape") == ("unicodeescape", 1, 4, "truncated \\xXX escape")
assert error(b"\\N{nope}".decode, "unicode_escape") == ("unicodeescape", 0, 8, "unknown Unicode character name")
assert error(b"\\U00110000".decode, "unicode_escape") == ("unicodeescape", 0, 10, "illegal Unicode character")
assert error(b"\\u12".decode, "raw_unicode_escape") == ("rawunicodeescape", 0, 4, "truncated \\uXXXX escape")
assert error(b"+AG".decode, "utf-7") == ("utf7", 0, 3, "unterminated shift sequence")
assert error("a".encode, "nope") == "LookupError: unknown encoding: nope"
assert error("é".encode, "ascii", "nope") == "LookupError: unknown error handler name 'nope'"
assert error("a".encode, "hex") == "LookupError: 'hex' is not a text encoding; use codecs.encode() to handle arbitrary codecs"
assert error("a".encode, "a\0") == "ValueError: embedded null character"

# Handlers.
bad = "aé\u1234\U0001f600\udc80"
for handler, expected in (
    ("ignore", b"a"), ("replace", b"a????"), ("backslashreplace", b"a\\xe9\\u1234\\U0001f600\\udc80"),
    ("xmlcharrefreplace", b"a&#233;&#4660;&#128512;&#56448;"),
    ("namereplace", b"a\\N{LATIN SMALL LETTER E WITH ACUTE}\\N{ETHIOPIC SYLLABLE SEE}\\N{GRINNING FACE}\\udc80"),
):
    assert bad.encode("ascii", handler) == expected, handler
assert b"a\xffb".decode("utf-8", "replace") == "a\ufffdb" and b"a\xffb".decode("utf-8", "ignore") == "ab"
assert b"a\xff\xe9".decode("utf-8", "backslashreplace") == "a\\xff\\xe9" and b"a\xff".decode("utf-8", "surrogateescape") == "a\udcff"
assert "a\udcff".encode("utf-8", "surrogateescape") == b"a\xff" and "\ud800".encode("utf-8", "surrogatepass") == b"\xed\xa0\x80"
assert b"\xed\xa0\x80".decode("utf-8", "surrogatepass") == "\ud800" and b"\0\xd8".decode("utf-16-le", "surrogatepass") == "\ud800"
assert "\ud800".encode("utf-32-be", "surrogatepass") == b"\0\0\xd8\0" and "\udc80".encode("utf-8", "replace") == b"?"
assert b"\xf0\x90\x80a".decode("utf-8", "replace") == "\ufffda" and b"\xff\xfe\xfd".decode("ascii", "replace") == "\ufffd" * 3

codecs.register_error("test.text", lambda e: ("<>", e.end))
codecs.register_error("test.bytes", lambda e: (b"\xff", e.end))
codecs.register_error("test.back", lambda e: ("?", -1))
codecs.register_error("test.bad", lambda e: 1)
codecs.register_error("test.far", lambda e: ("", 100))
assert "aéb".encode("ascii", "test.text") == b"a<>b" and b"a\xffb".decode("utf-8", "test.text") == "a<>b"
assert "aéb".encode("ascii", "test.bytes") == b"a\xffb" and "aé\u1234b".encode("ascii", "test.back") == b"a?b"
assert error("é".encode, "ascii", "test.bad") == "TypeError: encoding error handler must return (str/bytes, int) tuple"
assert error(b"\xff".decode, "utf-8", "test.bad") == "TypeError: decoding error handler must return (str, int) tuple"
assert error("é".encode, "ascii", "test.far") == "IndexError: position 100 from error handler out of bounds"
assert error(b"\xff".decode, "utf-8", "test.bytes") == "TypeError: decoding error handler must return (str, int) tuple"

# Incremental decoding, charmaps, escapes.
d = codecs.getincrementaldecoder("utf-8")()
assert [d.decode(bytes([b])) for b in "é\U0001f600".encode()] == ["", "é", "", "", "", "\U0001f600"]
d = codecs.getincrementaldecoder("utf-16")()
assert "".join(d.decode(bytes([b])) for b in sample.encode("utf-16")) == sample
d = codecs.getincrementaldecoder("utf-7")()
assert "".join(d.decode(bytes([b])) for b in b"a+AOkSNNg93gA-") == sample
assert codecs.charmap_decode(b"\0\1", "strict", "ab") == ("ab", 2) and codecs.charmap_encode("ab", "strict", {97: 1, 98: b"xy"}) == (b"\1xy", 2)
assert error(codecs.charmap_decode, b"\2", "strict", "ab") == ("charmap", 0, 1, "character maps to <undefined>")
assert error(codecs.charmap_encode, "c", "strict", {97: 1}) == ("charmap", 0, 1, "character maps to <undefined>")
assert codecs.escape_decode(rb"a\n\x41\101\'") == (b"a\nAA'", 13) and codecs.escape_encode(b"a\n'\xff") == (rb"a\n\'\xff", 4)
assert codecs.utf_8_decode(b"a\xc3") == ("a", 1) and codecs.utf_16_ex_decode(b"\xff\xfea\0") == ("a", 4, -1)
assert codecs.lookup("UTF8").name == "utf-8" and codecs.encode("ab", "rot13") == "no" and codecs.decode(b"6162", "hex") == b"ab"
for handler in ("strict", "ignore", "replace", "xmlcharrefreplace", "backslashreplace", "namereplace", "surrogateescape", "surrogatepass"):
    assert callable(codecs.lookup_error(handler))
assert codecs.replace_errors(UnicodeEncodeError("ascii", "aéé", 1, 3, "")) == ("??", 3)
assert codecs.replace_errors(UnicodeTranslateError("aé", 1, 2, "")) == ("\ufffd", 2)
assert error(codecs.xmlcharrefreplace_errors, UnicodeDecodeError("a", b"b", 0, 1, "")) == "TypeError: don't know how to handle UnicodeDecodeError in error callback"
