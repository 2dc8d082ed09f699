# str, bytes, formatting, templates.
s = "Grüße, 世界 🎉"
assert len(s) == 11 and s[-1] == "🎉" and s[7:9] == "世界" and s.encode().decode() == s and s[::-1][0] == "🎉"
assert s.upper() == "GRÜSSE, 世界 🎉" and s.casefold().startswith("grüsse") and "ß" in s and s.find("世") == 7
assert "a,b,,c".split(",") == ["a", "b", "", "c"] and " a  b ".split() == ["a", "b"] and "a b c".rsplit(None, 1) == ["a b", "c"]
assert "abc".partition("b") == ("a", "b", "c") and "x".join("abc") == "axbxc" and "ab\ncd\r\n".splitlines(True) == ["ab\n", "cd\r\n"]
assert "aXbX".replace("X", "--", 1) == "a--bX" and "abcabc".rindex("b") == 4 and "banana".count("an") == 2
assert "title case".title() == "Title Case" and "x".center(5, "*") == "**x**" and "7".zfill(3) == "007" and "\t".expandtabs(4) == "    "
assert "prefix-body".removeprefix("prefix-") == "body" and "abc".translate({97: "A", 98: None}) == "Ac"
assert "abc" < "abd" < "b" and "ab" * 3 == "ababab" and not "" and "a" "b" == "ab" and ("%s-%05.1f-%r" % ("a", 3.14159, "q")) == "a-003.1-'q'"
assert "{0}{1!r:>5}{x[k]}{y.real}".format("a", "b", x={"k": 1}, y=2) == "a  'b'12" and "{:{w}}".format("q", w=3) == "q  "
name, n = "n", 7
assert f"{name!r}={n:>{n-2}} {n=} {'nested ' + f'{n}'} {{}} {n:b}" == "'n'=    7 n=7 nested 7 {} 111"
assert "isidentifier".isidentifier() and "12".isdigit() and "½".isnumeric() and not "½".isdecimal() and "Ab".swapcase() == "aB"
assert ascii("é\n") == "'\\xe9\\n'" and repr("it's \"x\"") == "'it\\'s \"x\"'" and "\N{SNOWMAN}" == "☃" and "\x41\u00e9\U0001F389" == "Aé🎉"
try:
    "abc".index("z")
except ValueError as error:
    assert str(error) == "substring not found"
try:
    "a" + 1
except TypeError as error:
    assert str(error) == 'can only concatenate str (not "int") to str'
try:
    b"\xff".decode()
except UnicodeDecodeError as error:
    assert (error.start, error.end, error.reason) == (0, 1, "invalid start byte")
assert b"\xff".decode(errors="replace") == "\ufffd" and "é".encode("ascii", "xmlcharrefreplace") == b"&#233;"
assert "ü".encode("latin-1") == b"\xfc" and "ab".encode("utf-16-le") == b"a\x00b\x00" and "\udc80".encode("utf-8", "surrogateescape") == b"\x80"

b = b"bytes\x00\xff"
assert b[0] == 98 and b[-1:] == b"\xff" and b.hex(" ", 2) == "62 7974 6573 00ff" or b.hex() == "627974657300ff"
assert bytes([1, 2]) + bytearray(b"\x03") == b"\x01\x02\x03" and b"a-b".split(b"-") == [b"a", b"b"] and bytes.fromhex("00 ff") == b"\x00\xff"
a = bytearray(b"hello")
a[0:1] = b"J"
a.append(33)
a += b"?"
del a[-1]
assert a == b"Jello!" and a.pop() == 33 and a.upper() == b"JELLO"
view = memoryview(a)
view[1] = 65
assert bytes(view[1:3]) == b"Al" and view.nbytes == 5 and a == b"JAllo"
try:
    a.append(1)
except BufferError as error:
    assert "cannot be re-sized" in str(error)
view.release()
a.append(1)
assert b"%s=%d" % (b"k", 5) == b"k=5" and b"abc".translate(None, b"b") == b"ac"

parts = []
for i in range(2000):
    parts.append(chr(97 + i % 26) if i % 3 else "é")
text = "".join(parts)
assert text.count("é") == 667 and text.encode().count(b"\xc3") == 667 and hash(text) == hash("".join(parts))
t = t"x{name}y{n:>3}"
assert t.strings == ("x", "y", "") and [i.value for i in t.interpolations] == ["n", 7] and t.interpolations[1].format_spec == ">3"
