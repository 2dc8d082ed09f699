"""Methods of str."""


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert str(e) == message, (str(e), message)
    else:
        raise AssertionError(f"{kind.__name__} expected: {message}")


# Literals and repr.
assert repr("a\n'\"\x00\xe9\u0300\ud800\U0001f600\\") == "'a\\n\\'\"\\x00\xe9\u0300\\ud800\U0001f600\\\\'"
assert repr("it's") == '"it\'s"'
assert repr("\x7f\x80\xad\u2028\U000e0001") == "'\\x7f\\x80\\xad\\u2028\\U000e0001'"

# Searching in all widths.
for hay, needle in (("abcabc", "bc"), ("aé\u1234é\u1234", "é\u1234"), ("a\U0001f600b\U0001f600", "\U0001f600"), ("\u1234b\u1234b", "b")):
    assert hay.find(needle) == 1, (hay, needle)
    assert hay.rfind(needle) == (4 if len(needle) == 2 and hay[0] == "a" and len(hay) == 6 else 3)
    assert hay.count(needle) == 2
    assert hay.replace(needle, "<>").count("<>") == 2
    assert needle in hay and hay.index(needle) == 1 and hay.endswith(needle)
    assert len(hay.split(needle)) == 3
assert "abc".find("", 3) == 3 and "abc".find("", 4) == -1 and "abc".rfind("") == 3
assert "abc".count("") == 4 and "abc".replace("", "-") == "-a-b-c-" and "abc".replace("", "-", 2) == "-a-bc"
assert "aaa".replace("a", "b", 2) == "bba" and "aaa".replace("a", "b", count=0) == "aaa"
assert "abc".find("\u1234") == -1
assert "\u1211\u1312\u1100".find("\u1112") == -1
raises(ValueError, "substring not found", "abc".index, "x")
raises(ValueError, "empty separator", "abc".split, "")
raises(TypeError, "must be str or None, not int", "abc".split, 1)
raises(TypeError, "startswith first arg must be str or a tuple of str, not int", "abc".startswith, 1)
raises(TypeError, "'in <string>' requires string as left operand, not int", lambda: 1 in "abc")
raises(TypeError, 'can only concatenate str (not "int") to str', lambda: "a" + 1)
raises(TypeError, "string indices must be integers, not 'str'", "a".__getitem__, "x")
raises(IndexError, "string index out of range", lambda: "a"[1])
raises(TypeError, "sequence item 1: expected str instance, int found", "".join, ["a", 1])
raises(TypeError, "can only join an iterable", "".join, 1)

# Splitting and joining.
assert " a  b ".split() == ["a", "b"] and " a  b c ".split(None, 1) == ["a", "b c "]
assert " a  b c ".rsplit(None, 1) == [" a  b", "c"] and "a,b,c".rsplit(",", 1) == ["a,b", "c"]
assert "".split() == [] and "".split(",") == [""] and "a\x1cb\x85c\u3000d".split() == ["a", "b", "c", "d"]
assert "a,b".partition(",") == ("a", ",", "b") and "ab".partition(",") == ("ab", "", "") and "ab".rpartition(",") == ("", "", "ab")
assert "a\r\nb\nc\x0bd\u2028e".splitlines() == ["a", "b", "c", "d", "e"]
assert "a\r\nb\n".splitlines(keepends=True) == ["a\r\n", "b\n"] and "a\n\nb".splitlines() == ["a", "", "b"]
assert "-".join("abc") == "a-b-c" and "\u1234".join(["a", "\U0001f600"]) == "a\u1234\U0001f600" and "".join([]) == ""

# Slices.
s = "aé\u1234\U0001f600"
assert s[::-1] == "\U0001f600\u1234éa" and s[:2] == "aé" and s[1:1] == "" and s[-1] == "\U0001f600" and s[::2] == "a\u1234"
assert s[:1].isascii() and [c for c in s] == list(s) and s * 2 == s + s and s * 0 == "" and s * -1 == ""

# Case.
assert "ßﬁ".upper() == "SSFI" and "ǆ".title() == "ǅ" and "İ".lower() == "i̇" and "ΑΣ ΑΣΑ Σ".lower() == "ας ασα σ"
assert "ẞß".casefold() == "ssss" and "hello wORLD".title() == "Hello World" and "ÄbC".swapcase() == "äBc" and "éA".capitalize() == "Éa"
assert "they're".title() == "They'Re" and "ﬁx".capitalize() == "Fix"

# Predicates.
assert "ab".isalpha() and not "".isalpha() and "a1²".isalnum() and "²".isdigit() and not "²".isdecimal() and "½".isnumeric()
assert "ǅa".istitle() and not "aB".istitle() and "ª".islower() and "Ⅷ".isupper() and "\u2003\x1f".isspace() and not "\u200b".isspace()
assert "é_1".isidentifier() and not "1a".isidentifier() and "".isprintable() and not "\u2028".isprintable() and "".isascii()

# Padding and stripping.
assert "ab".center(5) == "  ab " and "ab".center(5, "\u1234") == "\u1234\u1234ab\u1234" and "abc".center(6, "*") == "*abc**"
assert "-5".zfill(4) == "-005" and "5".zfill(0) == "5" and "a\tb\n\tc".expandtabs(4) == "a   b\n    c" and "\t".expandtabs(0) == ""
assert "xxaxx".strip("x") == "a" and "\u3000a\n".strip() == "a" and "é\u1234aé".strip("\u1234é") == "a" and "aa".lstrip("a") == ""
assert "prefix".removeprefix("pre") == "fix" and "suffix".removesuffix("fix") == "suf" and "a".removesuffix("ab") == "a"
raises(TypeError, "The fill character must be exactly one character long", "a".center, 5, "ab")

# Tables.
assert "abc".translate({97: "xx", 98: None, 99: 0x1234}) == "xx\u1234"
assert "abc".translate(str.maketrans("ab", "ba", "c")) == "ba" and str.maketrans({"a": 1, 98: 2}) == {97: 1, 98: 2}
raises(ValueError, "the first two maketrans arguments must have equal length", str.maketrans, "a", "")

# Subclasses.
class S(str):
    pass


s = S("abc")
for r in (s[:], s.strip(), s + "", s * 1, s.replace("x", "y"), str(s), s.ljust(1), "".join([s]), s.upper().lower(), s.expandtabs()):
    assert r == "abc" and type(r) is str, r
assert type(S(s)) is S and hash(s) == hash("abc") and s == "abc" and {s: 1}["abc"] == 1

# Comparison.
assert "a" < "b" < "\u1234" < "\U0001f600" and not "a" < "A" and "\uffff" < "\U00010000" and "a" != 1 and "abc" >= "ab"
assert str(b"\xc3\xa9", "utf-8") == "é" and str(object=1) == "1" and str() == ""
raises(TypeError, "decoding str is not supported", str, "a", "utf-8")
raises(TypeError, "decoding to str: need a bytes-like object, int found", str, 1, "utf-8")
