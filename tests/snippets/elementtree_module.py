"""`_elementtree`: trees that are changed while they are gone through, shared attributes, and what targets of parsers are told."""

import _elementtree as E
import copy
import gc
import io
import pickle
import weakref
import xml.etree.ElementTree as ET

root = ET.fromstring("<a x='1'>t<b/>u<!--c--><c><d>v</d>w</c></a>")
assert [e.tag for e in root.iter()] == ["a", "b", "c", "d"]
assert "".join(root.itertext()) == "tuvw"

# What is added to an element that has just been given is given, too; what is removed is not.
seen = []
for e in root.iter():
    seen.append(e.tag)
    if e.tag == "b":
        ET.SubElement(e, "new")
    if e.tag == "c":
        del e[:]
assert seen == ["a", "b", "new", "c"], seen
iterator = root.iter("c")
assert [e.tag for e in iterator] == ["c"] and list(iterator) == []

# Depth costs no stack.
e = deep = ET.Element("r")
for i in range(5000):
    e = ET.SubElement(e, "x")
    e.text = "."
assert len(list(deep.iter("x"))) == 5000 and len("".join(deep.itertext())) == 5000

# Elements go through indexes.
numbers = ET.Element("n")
for i in range(10):
    ET.SubElement(numbers, str(i))
assert [e.tag for e in numbers] == [e.tag for e in reversed(list(reversed(numbers)))]
del numbers[1::3]
assert [e.tag for e in numbers] == ["0", "2", "3", "5", "6", "8", "9"]
numbers[::2] = numbers[::-2]
assert [e.tag for e in numbers] == ["9", "2", "6", "5", "3", "8", "0"]

# Copies.
assert copy.copy(root).attrib is root.attrib and copy.copy(root)[0] is root[0]
other = copy.deepcopy(root)
assert other[0] is not root[0] and ET.tostring(other) == ET.tostring(root)
assert ET.tostring(pickle.loads(pickle.dumps(root))) == ET.tostring(root)


class Own(ET.Element):
    pass


assert type(Own("a").makeelement("b", {})) is ET.Element
assert ET.SubElement(Own("a"), "b", {"x": "1"}, attrib={"y": 1}, z="2").attrib == {
    "x": "1",
    "attrib": {"y": 1},
    "z": "2",
}

# Cycles and weak references.
one = ET.Element("one")
one.text = [one]
dead = weakref.ref(one)
del one
gc.collect()
assert dead() is None


class Target:
    def __init__(self):
        self.told = []

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: self.told.append((name, *args))


target = Target()
parser = ET.XMLParser(target=target)
parser.feed("<!DOCTYPE a SYSTEM 's'><?p d?><a xmlns='u' xmlns:q='v' q:b='1'>x&amp;<!-- c --></a>")
parser.close()
assert target.told == [
    ("doctype", "a", None, "s"),
    ("pi", "p", "d"),
    ("start_ns", "", "u"),
    ("start_ns", "q", "v"),
    ("start", "{u}a", {"{v}b": "1"}),
    ("data", "x"),
    ("data", "&"),
    ("comment", " c "),
    ("end", "{u}a"),
    ("end_ns", "q"),
    ("end_ns", ""),
    ("close",),
], target.told

# Names are one object each, also where a piece of the document ends inside one.
parser = E.XMLParser()
for c in "<a><name k='1'/><name k='2'/></a>":
    parser.feed(c)
tree = parser.close()
assert tree[0].tag is tree[1].tag and [*tree[0].attrib][0] is [*tree[1].attrib][0]

# Text that comes in pieces belongs together; what follows on an element inserted by a comment is its tail.
builder = ET.TreeBuilder(insert_comments=True)
builder.start("a", {})
builder.data("1")
builder.data("2")
builder.comment("c")
builder.data("3")
builder.end("a")
tree = builder.close()
assert (tree.text, tree[0].text, tree[0].tail) == ("12", "c", "3")

# The parser's own builder makes no elements of comments.
queue = []
parser = E.XMLParser()
parser._setevents(queue, ("start", "end", "comment", "start-ns", "end-ns"))
parser._parse_whole(io.BytesIO(b"<a xmlns:p='u'><!--x--><p:b/></a>"))
assert [(name, getattr(e, "tag", e)) for name, e in queue] == [
    ("start-ns", ("p", "u")),
    ("start", "a"),
    ("comment", "x"),
    ("start", "{u}b"),
    ("end", "{u}b"),
    ("end", "a"),
    ("end-ns", None),
], queue

try:
    ET.fromstring("<!DOCTYPE a SYSTEM 'q'>\n<a>&foo;</a>")
except ET.ParseError as e:
    assert (str(e), e.code, e.position) == ("undefined entity &foo;: line 2, column 3", 11, (2, 3))
else:
    raise AssertionError
