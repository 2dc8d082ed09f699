"""Writes tables.rs: the Unicode character database as str and unicodedata see it.

Run it with a Python whose unicodedata.unidata_version is the wanted one, and with the database's NamedSequences.txt:

    python3 generate.py NamedSequences.txt > tables.rs

One record per distinct combination of properties; a two-level table leads from a code point to its record.
"""

import sys
import unicodedata as ud

CATEGORIES = "Cn Lu Ll Lt Mn Mc Me Nd Nl No Zs Zl Zp Cc Cf Cs Co Lm Lo Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So".split()
BIDI = "_ L LRE LRO R AL RLE RLO PDF EN ES ET AN CS NSM BN B S WS ON LRI RLI FSI PDI".split()
WIDTHS = "N F H W Na A".split()
BLOCK = 128


def final_sigma(before):
    return (before + "\u03a3").lower()[-1] == "\u03c2"


class Pool:
    """Distinct values in order of appearance."""

    def __init__(self, *first):
        self.items, self.index = [], {}
        for item in first:
            self.add(item)

    def add(self, item):
        if item not in self.index:
            self.index[item] = len(self.items)
            self.items.append(item)
        return self.index[item]


FLAGS = (
    ("ALPHA", str.isalpha),
    ("LOWER", str.islower),
    ("UPPER", str.isupper),
    ("DECIMAL", str.isdecimal),
    ("DIGIT", str.isdigit),
    ("NUMERIC", str.isnumeric),
    ("PRINTABLE", str.isprintable),
    ("SPACE", str.isspace),
    ("LINE_BREAK", lambda c: len(f"a{c}b".splitlines()) == 2),
    ("ID_START", str.isidentifier),
    ("ID_CONTINUE", lambda c: f"a{c}".isidentifier()),
    ("CASED", final_sigma),
    ("CASE_IGNORABLE", lambda c: final_sigma("A" + c) and not final_sigma(c)),
    ("MIRRORED", lambda c: bool(ud.mirrored(c))),
    ("CASE_CHANGES", lambda c: any(f(c) != c for f in (str.upper, str.lower, str.title, str.casefold))),
    ("TITLE", lambda c: ud.category(c) == "Lt"),
)


def rows(items, width=118):
    line = "   "
    for item in items:
        text = f" {item},"
        if len(line) + len(text) > width:
            print(line)
            line = "   "
        line += text
    if line.strip():
        print(line)


def table(name, doc, kind, items):
    items = list(items)
    print(f"/// {doc}")
    print(f"pub static {name}: [{kind}; {len(items)}] = [")
    rows(items)
    print("];\n")


def main():
    numeric, case, special = Pool(), Pool((0, 0, 0, 0)), Pool()
    records, index = Pool(), []
    for cp in range(0x110000):
        c = chr(cp)
        deltas = []
        for f in (str.upper, str.lower, str.title, str.casefold):
            r = f(c)
            # More than one character: the index of the expansion, above all deltas.
            deltas.append(ord(r) - cp if len(r) == 1 else 0x200000 + special.add(r))
        value = ud.numeric(c, None)
        flags = sum(1 << i for i, (_, f) in enumerate(FLAGS) if f(c))
        records_key = (
            CATEGORIES.index(ud.category(c)),
            BIDI.index(ud.bidirectional(c) or "_"),
            ud.combining(c),
            WIDTHS.index(ud.east_asian_width(c)),
            flags,
            case.add(tuple(deltas)),
            ud.digit(c, -1),
            0xFF if value is None else numeric.add(value),
        )
        index.append(records.add(records_key))
    assert len(numeric.items) < 255, len(numeric.items)
    blocks, first = Pool(), []
    for at in range(0, 0x110000, BLOCK):
        first.append(blocks.add(tuple(index[at : at + BLOCK])))

    print("//! The Unicode character database. Written by generate.py: do not edit.")
    print("#![cfg_attr(rustfmt, rustfmt_skip)]\n")
    print("use super::Record;\n")
    print("/// Version of the database.")
    print(f'pub const VERSION: &str = "{ud.unidata_version}";\n')
    for i, (name, _) in enumerate(FLAGS):
        print(f"/// Flag of records: what `{name.lower()}` says.")
        print(f"pub const {name}: u16 = 1 << {i};")
    print()
    for name, doc, names in (
        ("CATEGORIES", "General categories.", CATEGORIES),
        ("BIDI", "Bidirectional classes.", ["" if b == "_" else b for b in BIDI]),
        ("WIDTHS", "East Asian widths.", WIDTHS),
    ):
        table(name, doc, "&str", (f'"{n}"' for n in names))
    table("NUMERIC_VALUES", "Numeric values.", "f64", (repr(float(v)) for v in numeric.items))
    table("CASE", "Distances to upper, lower, title and folded case; from 0x200000 on, indices into EXPANSIONS.", "[i32; 4]",
          ("[" + ", ".join(map(str, d)) + "]" for d in case.items))
    table("EXPANSIONS", "Case mappings to more than one character.", "&str",
          ('"' + "".join(f"\\u{{{ord(c):x}}}" for c in s) + '"' for s in special.items))
    table("RECORDS", "Distinct combinations of properties.", "Record",
          ("Record::new({}, {}, {}, {}, {}, {}, {}, {})".format(*r) for r in records.items))
    table("FIRST", "Code point / 128 to block.", "u16", first)
    table("SECOND", "Blocks of 128 indices of records.", "u16", (i for b in blocks.items for i in b))

    # Decompositions.
    tags, texts, decomposed = Pool(""), [], []
    pool = []
    for cp in range(0x110000):
        d = ud.decomposition(chr(cp))
        if not d or 0xAC00 <= cp < 0xD7A4:
            continue
        parts = d.split()
        tag = parts.pop(0) if parts[0].startswith("<") else ""
        decomposed.append((cp, tags.add(tag), len(pool), len(parts)))
        pool += [int(p, 16) for p in parts]
    table("TAGS", "Kinds of compatibility decompositions; the first is the canonical one.", "&str", (f'"{t}"' for t in tags.items))
    table("DECOMPOSED", "Code point, tag, start and length in DECOMPOSITIONS; sorted.", "(u32, u8, u16, u8)", decomposed)
    table("DECOMPOSITIONS", "Decompositions, one after the other.", "u32", pool)
    pairs = []
    for cp, tag, at, n in decomposed:
        if not tag and n == 2 and ud.normalize("NFC", chr(cp)) == chr(cp):
            pairs.append((pool[at], pool[at + 1], cp))
    table("COMPOSED", "First, second, composed; sorted.", "(u32, u32, u32)", sorted(pairs))

    sequences = []
    for line in open(sys.argv[1]):
        name, _, points = line.partition("#")[0].strip().partition(";")
        if points:
            text = "".join(chr(int(p, 16)) for p in points.split())
            try:
                assert ud.lookup(name) == text, name
                sequences.append((name, "".join(f"\\u{{{ord(c):x}}}" for c in text)))
            except KeyError:
                print("newer:", name, file=sys.stderr)
    table("SEQUENCES", "Named sequences, sorted by name.", "(&str, &str)", (f'("{n}", "{t}")' for n, t in sorted(sequences)))

    # The differences of version 3.2 (used by IDNA).
    old = ud.ucd_3_2_0
    print("/// Where Unicode 3.2 differs: first, last, category, bidirectional class, width, mirrored, numeric value changed.")
    runs = []
    for cp in range(0x110000):
        c = chr(cp)
        a = (old.category(c), old.bidirectional(c), old.east_asian_width(c), old.mirrored(c), old.numeric(c, None), old.combining(c))
        b = (ud.category(c), ud.bidirectional(c), ud.east_asian_width(c), ud.mirrored(c), ud.numeric(c, None), ud.combining(c))
        if a == b:
            continue
        num = "NAN" if a[4] is None else repr(float(a[4]))
        row = (CATEGORIES.index(a[0]), BIDI.index(a[1] or "_"), WIDTHS.index(a[2]), bool(a[3]), num, a[5])
        if runs and runs[-1][1] == cp - 1 and runs[-1][2] == row:
            runs[-1][1] = cp
        else:
            runs.append([cp, cp, row])
    print(f"pub static OLD: [(u32, u32, u8, u8, u8, bool, f64, u8); {len(runs)}] = [")
    rows("({}, {}, {}, {}, {}, {}, {}, {})".format(a, b, *r[:3], str(r[3]).lower(), "f64::NAN" if r[4] == "NAN" else r[4], r[5]) for a, b, r in runs)
    print("];\n")
    gone = [cp for cp, *_ in decomposed if not old.decomposition(chr(cp))]
    changed = [cp for cp, *_ in decomposed if old.decomposition(chr(cp)) and old.decomposition(chr(cp)) != ud.decomposition(chr(cp))]
    gained = [cp for cp in range(0x110000) if old.decomposition(chr(cp)) and not ud.decomposition(chr(cp))]
    assert not gained, gained
    ranges = []
    for cp in gone:
        if ranges and ranges[-1][1] == cp - 1:
            ranges[-1][1] = cp
        else:
            ranges.append([cp, cp])
    table("OLD_UNDECOMPOSED", "Ranges without a decomposition in Unicode 3.2.", "(u32, u32)", (f"({a}, {b})" for a, b in ranges))
    table("OLD_DECOMPOSED", "Decompositions that were others in Unicode 3.2.", "(u32, &str)",
          (f'({cp}, "{old.decomposition(chr(cp))}")' for cp in changed))
    corrected = [cp for cp in range(0x110000) if old.category(chr(cp)) != "Cn" and old.normalize("NFD", chr(cp)) != ud.normalize("NFD", chr(cp))]
    table("OLD_NORMALIZED", "Canonical decompositions that were corrected after Unicode 3.2.", "(u32, u32)",
          (f"({cp}, {ord(old.normalize('NFD', chr(cp)))})" for cp in corrected))
    print(len(records.items), len(blocks.items), len(case.items), len(runs), len(gone), len(changed), len(corrected), file=sys.stderr)


main()
