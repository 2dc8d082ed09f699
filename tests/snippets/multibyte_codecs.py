# The encodings of East Asia: states, handlers, streams. (What each character is: tests/multibyte.)
import codecs
import io
import _multibytecodec
import _codecs_cn, _codecs_hk, _codecs_iso2022, _codecs_jp, _codecs_kr, _codecs_tw


def raises(kind, f, *args, message=None, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert type(e) is kind, e
        assert message is None or str(e) == message, str(e)
        return e
    raise AssertionError(f"{kind.__name__} expected")


# One of each kind.
for name, text, data in [
    ("gb2312", "中文a", b"\xd6\xd0\xce\xc4a"),
    ("gbk", "中·丂", b"\xd6\xd0\xa1\xa4\x81@"),
    ("gb18030", "中ÿ𠀀ꓐ", b"\xd6\xd0\x810\x8b7\x952\x826\x826\x955"),
    ("hz", "a中~\n文", b"a~{VP~}~~\n~{ND~}"),
    ("big5", "中文", b"\xa4\xa4\xa4\xe5"),
    ("cp950", "€中", b"\xa3\xe1\xa4\xa4"),
    ("big5hkscs", "Ê̄Ê中", b"\x88b\x88f\xa4\xa4"),
    ("euc_kr", "한갂", b"\xc7\xd1\xa4\xd4\xa4\xa1\xa4\xbf\xa4\xa2"),
    ("cp949", "한갂", b"\xc7\xd1\x81\x41"),
    ("johab", "한ㄱ가", b"\xd0\x65\x88\x41\x88\x61"),
    ("shift_jis", "日本ｱ\\", b"\x93\xfa\x96{\xb1\\"),
    ("cp932", "日本①\uf8f0\ue000", b"\x93\xfa\x96\x7b\x87\x40\xa0\xf0\x40"),
    ("euc_jp", "日ｱ丂", b"\xc6\xfc\x8e\xb1\x8f\xb0\xa1"),
    ("euc_jis_2004", "か゚日𠀋", b"\xa4\xf7\xc6\xfc\xae\xa2"),
    ("shift_jis_2004", "か゚日¥\\", b"\x82\xf5\x93\xfa\x5c\x81\x5f"),
    ("iso2022_jp", "日a¥", b"\x1b$BF|\x1b(Ba\x1b(J\\\x1b(B"),
    ("iso2022_jp_2", "日가中丂", b"\x1b$BF|\x1b$(C0!\x1b$BCf\x1b$(D0!\x1b(B"),
    ("iso2022_jp_3", "か゚日", b"\x1b$(O$w\x1b$BF|\x1b(B"),
    ("iso2022_kr", "가a", b"\x1b$)C\x0e0!\x0fa"),
]:
    assert text.encode(name) == data, (name, text.encode(name))
    assert data.decode(name) == text, (name, data.decode(name))
    assert str(memoryview(data), name) == text

# The modules.
codec = _codecs_jp.getcodec("cp932")
assert repr(type(codec)) == "<class '_multibytecodec.MultibyteCodec'>"
assert codec.encode("あa") == (b"\x82\xa0a", 2) and codec.decode(b"\x82\xa0a") == ("あa", 3)
assert codec.encode(12) == (b"12", 2)
raises(TypeError, type(codec), message="cannot create '_multibytecodec.MultibyteCodec' instances")
raises(TypeError, codec.decode, "a", message="a bytes-like object is required, not 'str'")
raises(TypeError, codec.encode, "a", 1, message="encode() argument 'errors' must be str or None, not int")
raises(ValueError, codec.encode, "a", "\0", message="embedded null character")
raises(LookupError, codec.decode, b"\x81", "nope", message="unknown error handler name 'nope'")
raises(ValueError, _multibytecodec.__create_codec, 1, message="argument type invalid")
for module in (_codecs_cn, _codecs_hk, _codecs_iso2022, _codecs_jp, _codecs_kr, _codecs_tw):
    raises(LookupError, module.getcodec, "x", message="no such codec is supported.")
    raises(TypeError, module.getcodec, 1, message="encoding name must be a string.")

# Errors.
e = raises(UnicodeDecodeError, b"a\x81\xff".decode, "cp932")
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("cp932", b"a\x81\xff", 1, 2, "illegal multibyte sequence")
e = raises(UnicodeDecodeError, b"a\x81".decode, "cp932")
assert (e.start, e.end, e.reason) == (1, 2, "incomplete multibyte sequence")
e = raises(UnicodeEncodeError, "a\xe9".encode, "cp932")
assert (e.encoding, e.object, e.start, e.end, e.reason) == ("cp932", "a\xe9", 1, 2, "illegal multibyte sequence")
assert "中\ud800b".encode("hz", "replace") == b"~{VP~}?b"
assert "中\ud800b".encode("iso2022_jp", "xmlcharrefreplace") == b"\x1b$BCf\x1b(B&#55296;b"
assert "中\udc80あ".encode("iso2022_jp", "surrogateescape") == b"\x1b$BCf\x80$\"\x1b(B"
assert b"a\x81\xffb".decode("cp932", "replace") == "a\ufffd\uf8f3b"
assert b"a\x81\xffb".decode("cp932", "ignore") == "a\uf8f3b"
assert b"\x1b$(CF|".decode("iso2022_jp", "backslashreplace") == r"\x1b\x24\x28\x43F|"


# Handlers of programs: each answer once.
def answering(answer):
    asked = []

    def handler(error):
        asked.append(error)
        return answer if len(asked) == 1 else ("z", error.end)

    codecs.register_error("multibyte", handler)
    return asked


def both(answer):
    asked = answering(answer)
    try:
        encoded = "\xe9\u1234".encode("cp932", "multibyte")
    except Exception as e:
        encoded = type(e), str(e)
    assert all(e is asked[0] for e in asked)
    answering(answer)
    try:
        decoded = b"\x81\xff\x85\x40".decode("cp932", "multibyte")
    except Exception as e:
        decoded = type(e), str(e)
    return encoded, decoded


wrong = [(TypeError, f"{what} error handler must return (str, int) tuple") for what in ("encoding", "decoding")]
for answer in (1, ("a",), ("a", "b"), (1, 1), ["a", 1], ("a", None), ("a", 1.5), ("a", 1, 2)):
    assert both(answer) == tuple(wrong), answer
assert both((b"x", 1)) == (b"xz", wrong[1])
assert both(("a", True)) == (b"az", "a\uf8f3z@")
assert both(("a", -1)) == (b"az", "a@")
for answer, positions in ((99, (99, 99)), (-99, (-97, -95)), (1 << 100, (-1, -1))):
    assert both(("a", answer)) == tuple((IndexError, f"position {p} from error handler out of bounds") for p in positions)
encoded, decoded = both(("\u3000\ud800", 1))
assert encoded == (UnicodeEncodeError, r"'cp932' codec can't encode character '\ud800' in position 1: illegal multibyte sequence")
assert decoded == "\u3000\ud800\uf8f3z@"

# Encoders remember.
encoder = codecs.getincrementalencoder("iso2022_jp_3")()
assert encoder.getstate() == 0x424200
assert encoder.encode("日") == b"\x1b$BF|" and encoder.getstate() == 0x42C200
assert encoder.encode("か") == b"" and encoder.getstate() == 0x42C28B81E303
state = encoder.getstate()
assert encoder.encode("゚") == b"\x1b$(O$w"
encoder.setstate(state)
assert encoder.encode("", True) == b"$+\x1b(B" and encoder.getstate() == 0x424200
encoder.setstate(state)
encoder.reset()
assert encoder.getstate() == 0x424200
encoder.errors = "replace"
assert encoder.errors == "replace" and encoder.encode("\ud800") == b"?"
raises(TypeError, setattr, encoder, "errors", 1, message="errors must be a string")
raises(AttributeError, delattr, encoder, "errors")
raises(OverflowError, encoder.setstate, -1, message="can't convert negative int to unsigned")
raises(OverflowError, encoder.setstate, 1 << 200, message="int too big to convert")
raises(UnicodeError, encoder.setstate, 9, message="pending buffer too large")
raises(UnicodeDecodeError, encoder.setstate, 0x8001)
raises(TypeError, encoder.setstate, "a", message="setstate() argument must be int, not str")

# And decoders.
decoder = codecs.getincrementaldecoder("iso2022_jp")()
assert decoder.getstate() == (b"", 0x424242)
assert decoder.decode(b"\x1b$BF") == "" and decoder.getstate() == (b"F", 0x4242C2)
state = decoder.getstate()
assert decoder.decode(b"|") == "日"
decoder.setstate(state)
raises(UnicodeDecodeError, decoder.decode, b"", True)
assert decoder.getstate() == state
decoder.reset()
assert decoder.getstate() == (b"", 0x424242)
e = raises(UnicodeDecodeError, decoder.decode, b"\x1b$((((((((")
assert (e.start, e.end, e.reason) == (0, 10, "pending buffer overflow") and decoder.getstate() == (b"", 0x424242)
raises(TypeError, decoder.setstate, 1, message="setstate() argument must be tuple, not int")
for wrong in ((b"",), (1, 1), (b"", 1, 2), (b"", "")):
    raises(TypeError, decoder.setstate, wrong, message="setstate(): illegal state argument")
raises(OverflowError, decoder.setstate, (b"", 1 << 64), message="int too big to convert")
raises(UnicodeDecodeError, decoder.setstate, (b"123456789", 1))
# A set that the encoding does not have.
decoder = codecs.getincrementaldecoder("iso2022_jp")("replace")
decoder.setstate((b"", 0x4242FF))
assert decoder.decode(b"a\n", True) == "\ufffd\n"
decoder = codecs.getincrementaldecoder("iso2022_jp_2")("replace")
decoder.setstate((b"", 0xFF4242))
raises(RuntimeError, decoder.decode, b"\x1bNa", message="internal codec error")


# Classes.
class NoCodec(_multibytecodec.MultibyteIncrementalEncoder):
    pass


class WrongCodec(_multibytecodec.MultibyteIncrementalEncoder):
    codec = 1


class Encoder(_multibytecodec.MultibyteIncrementalEncoder):
    codec = codec


class Reader(_multibytecodec.MultibyteStreamReader):
    codec = codec


class Writer(_multibytecodec.MultibyteStreamWriter):
    codec = codec


raises(AttributeError, NoCodec, message="type object 'NoCodec' has no attribute 'codec'")
raises(TypeError, WrongCodec, message="codec is unexpected type")
raises(TypeError, Encoder, 1, message="IncrementalEncoder() argument 1 must be str, not int")
raises(TypeError, Encoder, errors=None, message="IncrementalEncoder() argument 1 must be str, not None")
raises(TypeError, Encoder, "a", "b", message="IncrementalEncoder() takes at most 1 argument (2 given)")
raises(TypeError, Encoder, error=1, message="IncrementalEncoder() got an unexpected keyword argument 'error'. Did you mean 'errors'?")
raises(TypeError, Reader, message="StreamReader() missing required argument 'stream' (pos 1)")

# Streams.
text = "日本\n語ｱ\nend"
data = text.encode("cp932")
for size in (-1, None, 1, 2, 3, 5):
    reader, out = Reader(io.BytesIO(data)), []
    while piece := reader.read(size):
        out.append(piece)
    assert "".join(out) == text, (size, out)
assert Reader(io.BytesIO(data)).readlines() == text.splitlines(True)
assert Reader(io.BytesIO(data)).readline() == "日本\n"
assert Reader(io.BytesIO(data)).read(0) == ""
raises(TypeError, Reader(io.BytesIO(data)).read, "a", message="arg 1 must be an integer")
raises(TypeError, Reader(io.StringIO("a")).read, message="stream function returned a non-bytes object (str)")
raises(UnicodeDecodeError, Reader(io.BytesIO(b"a\x81")).read)
assert Reader(io.BytesIO(b"a\x81"), "replace").read() == "a\ufffd"
stream = io.BytesIO()
writer = Writer(stream)
writer.write("日")
writer.writelines(["本", "\n"])
writer.reset()
assert stream.getvalue() == "日本\n".encode("cp932") and writer.stream is stream
raises(TypeError, writer.writelines, 1, message="arg must be a sequence object")
raises(AttributeError, setattr, writer, "stream", 1)
stream = io.BytesIO()
writer = codecs.getwriter("euc_jis_2004")(stream)
writer.write("か")
assert stream.getvalue() == b""
writer.reset()
assert stream.getvalue() == b"\xa4\xab"
with io.TextIOWrapper(io.BytesIO(data), "cp932") as f:
    assert f.readline() == "日本\n"
    place = f.tell()
    assert f.read() == "語ｱ\nend"
    f.seek(place)
    assert f.read() == "語ｱ\nend"

# Handlers that use the object they are called for.
def reentrant(error):
    encoder.encode("あ")
    return ("", error.end)


codecs.register_error("reentrant", reentrant)
encoder = codecs.getincrementalencoder("iso2022_jp")("reentrant")
assert encoder.encode("日\ud800本") == b"\x1b$BF|K\\"

# UTF-8: what surrogateescape cannot encode begins behind what it can; the beginning of a surrogate may still become one.
e = raises(UnicodeEncodeError, "[\udc80\ud800\udfff]".encode, "utf-8", "surrogateescape")
assert (e.start, e.end) == (2, 4)
e = raises(UnicodeEncodeError, "\udc80\udc81é".encode, "ascii", "surrogateescape")
assert (e.start, e.end) == (2, 3)
decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
assert decoder.decode(b"\xed\xa4") == "" and decoder.decode(b"\x81", True) == "\ud901"
decoder = codecs.getincrementaldecoder("utf-8")()
assert decoder.decode(b"a\xed\xa4") == "a" and decoder.getstate() == (b"\xed\xa4", 0)
raises(UnicodeDecodeError, decoder.decode, b"", True)

# reconfigure() reads names as C does.
wrapper = io.TextIOWrapper(io.BytesIO(), "ascii", "replace")
raises(LookupError, wrapper.reconfigure, encoding="locale\0", message="unknown encoding: locale")
wrapper.reconfigure(errors="strict\0x")
raises(ValueError, io.TextIOWrapper, io.BytesIO(), "ascii", "a\0b", message="embedded null character")
