"""Writes the tables of this folder: what the double-byte codes of East Asia stand for.

    python3.14 generate.py

Every cell is asked of CPython's own codecs, so they have CPython's answers, which differ from other vendors' and from WHATWG's. Run it
again when CPython changes them; `tests/multibyte` compares all codecs with those of a CPython that is there.

A table is a rectangle of lead and trail bytes, row by row: of each cell the low 16 bits of its character, little-endian, 0 for none.
Bitmaps, a bit per cell from the lowest bit of the first byte on, follow those that need them.
"""

import pathlib

HERE = pathlib.Path(__file__).parent
# Trail bytes.
EUC = range(0xA1, 0xFF)
SJIS = range(0x40, 0xFD)
GBK = range(0x40, 0xFF)
BIG5 = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]


def decode(codec, *code):
    """The text of one code, or None."""
    try:
        text = bytes(code).decode(codec)
    except UnicodeDecodeError:
        return None
    # Two characters are those of two codes, unless the second one combines.
    return text if len(text) == 1 or ord(text[1]) in (0x300, 0x301, 0x304, 0x30C, 0x309A, 0x2E5, 0x2E9) else None


def rectangle(codec, leads, trails, *prefix):
    return [decode(codec, *prefix, lead, trail) for lead in leads for trail in trails]


# Codes of two characters: a cell has the number of one, above 0xD800.
PAIRS = {"euc_jis_2004": [], "big5hkscs": []}


def values(cells, pairs=None):
    out = bytearray()
    for text in cells:
        if text and len(text) == 2:
            if text not in pairs:
                pairs.append(text)
            value = 0xD800 + pairs.index(text)
        else:
            value = ord(text or "\0") & 0xFFFF
        out += value.to_bytes(2, "little")
    return bytes(out)


def bitmap(flags):
    out = bytearray((len(flags) + 7) // 8)
    for i, flag in enumerate(flags):
        out[i // 8] |= bool(flag) << i % 8
    return bytes(out)


def supplementary(cells):
    assert all(ord(c[0]) >> 16 in (0, 2) for c in cells if c)
    return bitmap([c and ord(c[0]) > 0xFFFF for c in cells])


def write(name, *parts):
    data = b"".join(parts)
    (HERE / f"{name}.bin").write_bytes(data)
    print(f"{name}.bin: {len(data)} bytes, parts at {[sum(map(len, parts[:i])) for i in range(len(parts))]}")


# GB 18030's codes of two bytes; which of them GBK has; which of them GB 2312 has.
all_of = rectangle("gb18030", range(0x81, 0xFF), GBK)
gbk = rectangle("gbk", range(0x81, 0xFF), GBK)
assert all(b is None or a == b for a, b in zip(all_of, gbk))
gb2312 = rectangle("gb2312", range(0x81, 0xFF), GBK)
print("GB 2312 differs:", [(i, a, b) for i, (a, b) in enumerate(zip(gbk, gb2312)) if b and a != b])
write("gb18030", values(all_of), bitmap(gbk), bitmap(gb2312))

# KS X 1001. The other syllables of CP949 and all codes of Johab are computed.
write("ksx1001", values(rectangle("cp949", range(0xA1, 0xFE), EUC)))

# Plane 1 of JIS X 0213; its codes of the supplementary plane; those that JIS X 0208 has.
plane1 = rectangle("euc_jis_2004", range(0xA1, 0xFF), EUC)
jisx0208 = rectangle("euc_jp", range(0xA1, 0xFF), EUC)
assert all(b is None or a == b for a, b in zip(plane1, jisx0208))
write("jis1", values(plane1, PAIRS["euc_jis_2004"]), supplementary(plane1), bitmap(jisx0208))

# Plane 2 of JIS X 0213, in whose empty rows JIS X 0212 has its codes.
plane2 = rectangle("euc_jis_2004", range(0xA1, 0xFF), EUC, 0x8F)
jisx0212 = rectangle("euc_jp", range(0xA1, 0xFF), EUC, 0x8F)
assert all(b is None or a == b for a, b in zip(plane2, jisx0212))
write("jis2", values(plane2), supplementary(plane2), bitmap(jisx0212))

# Rows of CP932 where it has more than JIS X 0208, or something else.
write("cp932", values(rectangle("cp932", [0x81, 0x87, 0xED, 0xEE, 0xFA, 0xFB, 0xFC], SJIS)))

# Big5 with the characters of Hong Kong; its codes of the supplementary plane; those that plain Big5 has, too.
hkscs = rectangle("big5hkscs", range(0x87, 0xFF), BIG5)
big5 = rectangle("big5", range(0x87, 0xFF), BIG5)
own = [0xC6, 0xC7, 0xC8]
differ = {0x87 + i // len(BIG5) for i, (a, b) in enumerate(zip(hkscs, big5)) if b and a != b}
assert differ <= set(own)
write("big5hkscs", values(hkscs, PAIRS["big5hkscs"]), supplementary(hkscs), bitmap(big5))
# Rows of Big5, and of CP950, that have something else.
write("big5", values(rectangle("big5", own, BIG5)))
own = [0xA1, 0xA2, 0xA3, 0xF9]
cp950 = rectangle("cp950", range(0x87, 0xFF), BIG5)
differ = {0x87 + i // len(BIG5) for i, (a, b) in enumerate(zip(cp950, big5)) if a != b}
assert differ <= set(own)
write("cp950", values(rectangle("cp950", own, BIG5)))

for codec, pairs in PAIRS.items():
    print(codec, [tuple(f"{ord(c):#06x}" for c in pair) for pair in pairs])
