"""Prints, for each encoding of East Asia, digests of what it makes of all characters and all codes, and of many mixtures.

Two interpreters agree when they print the same. With the name of an encoding, what was asked and answered, instead of digests.
"""

import codecs
import random
import sys
import zlib

ENCODINGS = """gb2312 gbk gb18030 hz big5hkscs iso2022_kr iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_3 iso2022_jp_2004
iso2022_jp_ext shift_jis cp932 euc_jp shift_jis_2004 euc_jis_2004 euc_jisx0213 shift_jisx0213 euc_kr cp949 johab big5 cp950""".split()
SHOW = sys.argv[1:]
ESCAPES = [
    b"\x1b$B", b"\x1b(B", b"\x1b(J", b"\x1b$@", b"\x1b$(D", b"\x1b$A", b"\x1b$(C", b"\x1b$)C", b"\x1b.A", b"\x1b.F", b"\x1bN", b"\x1b(I",
    b"\x1b$(O", b"\x1b$(P", b"\x1b$(Q", b"\x0e", b"\x0f", b"\n", b"~{", b"~}", b"~~", b"~\n", b"\x1b&@\x1b$B", b"\x1b", b"\x1b[", b"\x1b)",
    b"\x1b$((((((((((((((", b"\x1b&@",
]
BYTES = b"!019@~\x7f\x80\x81\x84\x8e\x8f\x90\xa0\xa1\xa4\xd4\xbf\xe3\xfc\xfd\xfe\xff"
CHARACTERS = [
    chr(u)
    for r in (range(0x20, 0x180, 3), range(0x3000, 0x3200, 2), range(0x4E00, 0x9FA0, 37), range(0xAC00, 0xD7A3, 91), range(0x20001, 0x2A000, 571))
    for u in r
] + list("\ud800\U0010ffff\u304b\u309a\xe6\u0300\u0254\u0301\xca\u0304\u030c\xea\u02e5\u02e9\xa5\u203e\uff61\uff9f\U0001f600\u301c\uff5e\uff3c\u3164")
# CPython's ISO 2022 takes a supplementary character for the mark that its low 16 bits spell, so there is none with low bits 0 above.
PAIRED = "\u304b\u309a\xe6\u0300\u0301\u0254\xca\u0304\u030c\xea\u02e5\u02e9\u30c4\u65e5a~\\\n\ud800"


class Digest:
    """A digest of answers, or the answers."""

    def __init__(self, what):
        self.what, self.crc = what, 0

    def add(self, asked, answer):
        if SHOW:
            print(self.what, ascii(asked), ascii(answer))
        else:
            self.crc = zlib.crc32(repr(answer).encode("utf-8", "surrogatepass"), self.crc)

    def end(self):
        print(self.what, f"{self.crc:08x}")


def logging_handler(error):
    places.append((error.start, error.end, error.reason))
    return ("\ufffd" if isinstance(error, UnicodeDecodeError) else "?", error.end)


places = []
codecs.register_error("log", logging_handler)


def every_character(name, d):
    encode = codecs.lookup(name).encode
    for u in range(0x110000):
        d.add(hex(u), encode(chr(u), "replace")[0])


def every_code(name, d):
    decode = codecs.lookup(name).decode
    for prefix in [b""] + [b"\x8f"] * name.startswith("euc_j"):
        for code in range(0x10000):
            code = prefix + code.to_bytes(2, "big")
            d.add(code, decode(code, "replace")[0])
    if name == "gb18030":
        for a in (0x81, 0x84, 0x85, 0x90, 0xE3, 0xFE):
            for code in range(0, 12600, 7):
                code = bytes([a, 0x30 + code // 1260, 0x81 + code // 10 % 126, 0x30 + code % 10])
                d.add(code, decode(code, "replace")[0])


def mixture(name, r):
    out = b""
    for _ in range(r.randrange(1, 12)):
        kind = r.random()
        if kind < 0.4 and ("2022" in name or name == "hz"):
            out += r.choice(ESCAPES)
        elif kind < 0.7:
            out += r.choice(CHARACTERS).encode(name, "ignore")
        elif kind < 0.85:
            out += bytes(r.randrange(256) for _ in range(r.randrange(1, 4)))
        else:
            out += bytes(r.choice(BYTES) for _ in range(r.randrange(1, 5)))
    return out


def attempt(f, *args):
    places.clear()
    try:
        return f(*args), places[:]
    except Exception as e:
        return type(e).__name__, str(e), places[:]


def bytes_at_once(name, d):
    r = random.Random(name)
    decode = codecs.lookup(name).decode
    for _ in range(1500):
        data = mixture(name, r)
        for errors in ("strict", "log", "ignore", "backslashreplace", "surrogateescape"):
            d.add((data, errors), attempt(decode, data, errors))


def bytes_in_pieces(name, d):
    r = random.Random(name)
    for _ in range(700):
        data = mixture(name, r)
        decoder = codecs.getincrementaldecoder(name)(r.choice(["strict", "log", "replace"]))
        while data:
            n = r.randrange(1, 4)
            d.add(data[:n], attempt(decoder.decode, data[:n], n >= len(data)))
            data = data[n:]
            state = decoder.getstate()
            d.add("state", state)
            if r.random() < 0.3:
                decoder.reset()
                d.add("reset", decoder.getstate())
                decoder.setstate(state)


def choose(name, r):
    c = r.choice(r.choice([CHARACTERS, PAIRED]))
    # CPython's hz forgets to double a tilde for which its buffer has one byte left.
    return "-" if name == "hz" and c == "~" else c


def text_at_once(name, d):
    r = random.Random(name)
    encode = codecs.lookup(name).encode
    for _ in range(1500):
        text = "".join(choose(name, r) for _ in range(r.randrange(1, 9)))
        for errors in ("strict", "log", "ignore", "replace", "xmlcharrefreplace", "namereplace", "surrogateescape"):
            d.add((text, errors), attempt(encode, text, errors))


def text_in_pieces(name, d):
    r = random.Random(name)
    for _ in range(700):
        text = "".join(choose(name, r) for _ in range(r.randrange(1, 9)))
        encoder = codecs.getincrementalencoder(name)(r.choice(["strict", "log", "replace"]))
        while text:
            n = r.randrange(1, 3)
            d.add(text[:n], attempt(encoder.encode, text[:n], n >= len(text)))
            text = text[n:]
            state = encoder.getstate()
            d.add("state", state)
            if r.random() < 0.3:
                encoder.reset()
                d.add("reset", encoder.getstate())
                encoder.setstate(state)


for name in SHOW or ENCODINGS:
    for part in (every_character, every_code, bytes_at_once, bytes_in_pieces, text_at_once, text_in_pieces):
        d = Digest(f"{name} {part.__name__}")
        part(name, d)
        d.end()
