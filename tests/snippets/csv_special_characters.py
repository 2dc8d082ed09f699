"""What csv quotes and escapes, and takes as it is, in runs; texts with characters that an encoding has not got, as XML has them."""

import csv
import io
import itertools

ROW = ["a", "b,c", 'd"e', "f\ng", "", "\u20acx", "h\xe9", "'q'", "back\\slash", "x" * 200]


def written(row, **dialect):
    out = io.StringIO()
    csv.writer(out, **dialect).writerow(row)
    return out.getvalue()


def both(row, **dialect):
    return next(csv.reader(io.StringIO(written(row, **dialect), newline=""), **dialect))


assert written(ROW[:7]) == 'a,"b,c","d""e","f\ng",,\u20acx,h\xe9\r\n'
assert written(ROW[:4], quoting=csv.QUOTE_NONE, escapechar="\\") == 'a,b\\,c,d\\"e,f\\\ng\r\n'
assert written(["a\u20acb", "\u20ac", "b"], delimiter="\u20ac") == '"a\u20acb"\u20ac"\u20ac"\u20acb\r\n'
assert written(["ab", "cd"], lineterminator="b\u20ac") == '"ab",cdb\u20ac'
assert written(["it's", "x"], quotechar="'") == "'it''s',x\r\n"
for dialect in ({}, {"delimiter": ";"}, {"quotechar": "'"}, {"delimiter": "\u20ac"}, {"quoting": csv.QUOTE_ALL},
                {"doublequote": False, "escapechar": "\\"}):
    assert both(ROW, **dialect) == ROW, dialect

before = csv.field_size_limit(5)
try:
    assert list(csv.reader(["abcde,x"])) == [["abcde", "x"]]
    for line in ("abcdef,x", '"abcdef",x'):
        try:
            list(csv.reader([line]))
        except csv.Error as e:
            assert str(e) == "field larger than field limit (5)"
        else:
            assert False
finally:
    csv.field_size_limit(before)


def encoded(text, encoding):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding, errors="xmlcharrefreplace")
    stream.write(text)
    stream.flush()
    return raw.getvalue()


assert encoded("a\xe9\u20ac\U0001f600", "ascii") == b"a&#233;&#8364;&#128512;"
assert encoded("a\xe9\u20ac", "latin-1") == b"a\xe9&#8364;"
try:
    io.TextIOWrapper(io.BytesIO(b"a\xff"), encoding="ascii", errors="xmlcharrefreplace").read()
except TypeError as e:
    assert str(e) == "don't know how to handle UnicodeDecodeError in error callback"
else:
    assert False

# Results share nothing.
results = list(itertools.product([1, 2], repeat=2))
assert results == [(1, 1), (1, 2), (2, 1), (2, 2)]
assert len({id(result) for result in results}) == 4
assert list(itertools.permutations("abc", 2)) == [(a, b) for a in "abc" for b in "abc" if a != b]
assert list(itertools.combinations("abc", 2)) == [("a", "b"), ("a", "c"), ("b", "c")]
assert list(itertools.combinations_with_replacement("ab", 2)) == [("a", "a"), ("a", "b"), ("b", "b")]
