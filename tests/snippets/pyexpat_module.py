"""pyexpat: what its parsers offer, what handlers may do, and the messages of what does not fit."""

import gc
import io
import plistlib
import sys
import weakref
import xml.dom.minidom
import xml.dom.pulldom
import xml.etree.ElementTree as ET
import xml.sax
import xmlrpc.client
from xml.parsers import expat

import pyexpat
from pyexpat import ExpatError, ParserCreate, errors, model


def raises(kind, message, f, *args, **kwargs):
    try:
        f(*args, **kwargs)
    except kind as e:
        assert type(e) is kind and str(e) == message, (type(e), str(e))
        return e
    raise AssertionError(f"{kind} not raised")


# The module and the two inside it.
assert expat.ParserCreate is ParserCreate and pyexpat.error is ExpatError
assert pyexpat.native_encoding == "UTF-8" and pyexpat.EXPAT_VERSION == "expat_%d.%d.%d" % pyexpat.version_info
assert ("XML_CONTEXT_BYTES", 1024) in pyexpat.features
assert sys.modules["pyexpat.errors"] is errors and sys.modules["pyexpat.model"] is model
assert errors.codes[errors.XML_ERROR_SYNTAX] == 2 and errors.messages[2] == errors.XML_ERROR_SYNTAX == "syntax error"
assert [model.XML_CTYPE_EMPTY, model.XML_CTYPE_SEQ, model.XML_CQUANT_NONE, model.XML_CQUANT_PLUS] == [1, 6, 0, 3]
assert [pyexpat.ErrorString(n) for n in (0, 4, 99, -1)] == [None, errors.XML_ERROR_INVALID_TOKEN, None, None]
assert ExpatError.__module__ == "xml.parsers.expat" and ExpatError.__bases__ == (Exception,)
raises(TypeError, "cannot create 'pyexpat.xmlparser' instances", pyexpat.XMLParserType)

# Parameters.
raises(TypeError, "ParserCreate() argument 'encoding' must be str or None, not int", ParserCreate, 1)
raises(TypeError, "ParserCreate() argument 'namespace_separator' must be str or None, not int",
       ParserCreate, namespace_separator=1)
for separator in ("too long", "\xe9"):
    raises(ValueError, "namespace_separator must be at most one character, omitted, or None",
           ParserCreate, namespace_separator=separator)
raises(TypeError, "intern must be a dictionary", ParserCreate, intern=[])
assert ParserCreate(intern=None).intern is None and ParserCreate().intern == {}
raises(LookupError, "unknown encoding: nowhere", ParserCreate("nowhere").Parse, b"<a/>", True)

# Attributes.
p = ParserCreate()
for name in ("buffer_text", "namespace_prefixes", "ordered_attributes", "specified_attributes"):
    assert getattr(p, name) is False
    setattr(p, name, 3)
    assert getattr(p, name) is True
    setattr(p, name, [])
    assert getattr(p, name) is False
    raises(RuntimeError, "Cannot delete attribute", delattr, p, name)
raises(RuntimeError, "Cannot delete attribute", delattr, p, "StartElementHandler")
raises(AttributeError, "readonly attribute", setattr, p, "intern", {})
raises(AttributeError, "attribute 'ErrorCode' of 'pyexpat.xmlparser' objects is not writable",
       setattr, p, "ErrorCode", 1)
raises(AttributeError, "'pyexpat.xmlparser' object has no attribute 'returns_unicode'", getattr, p, "returns_unicode")
for size in (0, -1):
    raises(ValueError, "buffer_size must be greater than zero", setattr, p, "buffer_size", size)
raises(ValueError, "buffer_size must not be greater than 2147483647", setattr, p, "buffer_size", 1 << 40)
raises(OverflowError, "Python int too large to convert to C long", setattr, p, "buffer_size", 1 << 70)
raises(TypeError, "buffer_size must be an integer", setattr, p, "buffer_size", 1.5)
assert (p.CurrentByteIndex, p.CurrentLineNumber, p.CurrentColumnNumber, p.ErrorCode) == (-1, 1, 0, 0)
assert p.GetBase() is None and p.SetBase("b") is None and p.GetBase() == "b"
raises(TypeError, "SetBase() argument must be str, not int", p.SetBase, 1)
raises(TypeError, "a bytes-like object is required, not 'int'", p.Parse, 1)
raises(TypeError, "argument must have 'read' attribute", p.ParseFile, 1)

# Errors stay, and a finished document is finished.
p = ParserCreate()
e = raises(ExpatError, "mismatched tag: line 1, column 8", p.Parse, b"<a><b></a>", True)
assert (e.code, e.lineno, e.offset) == (7, 1, 8)
assert (p.ErrorCode, p.ErrorLineNumber, p.ErrorColumnNumber, p.ErrorByteIndex) == (7, 1, 8, 8)
p = ParserCreate()
assert p.Parse("<\xe9/>", True) == 1
raises(ExpatError, "parsing finished: line 1, column 5" if p.CurrentColumnNumber == 5 else
       "parsing finished: line 1, column 4", p.Parse, b"", True)
assert p.ErrorCode == 36

# Names are the same objects, by a dict that may be given.
names, seen = {}, []
p = ParserCreate(intern=names)
p.StartElementHandler = lambda name, attributes: seen.append((name, *attributes))
p.Parse(b"<a b='1'><a b='2'/></a>", True)
assert seen[0][0] is seen[1][0] is names["a"] and seen[0][1] is seen[1][1] is names["b"]


# What handlers raise stops the parser, and takes them away.
def failing(*args):
    calls.append(args)
    raise ZeroDivisionError("here")


calls = []
p = ParserCreate()
p.StartElementHandler = failing
p.CommentHandler = failing
raises(ZeroDivisionError, "here", p.Parse, b"<a><b><!-- c --></a>", True)
assert calls == [("a", {})] and p.StartElementHandler is None and p.CommentHandler is None
assert p.ErrorCode == 35 and p.CurrentByteIndex == 3
raises(ExpatError, "parsing finished: line 1, column 3", p.Parse, b"", True)
for answer in (None, 1.5, "1"):
    p = ParserCreate()
    p.NotStandaloneHandler = lambda: answer
    raises(TypeError, f"'{type(answer).__name__}' object cannot be interpreted as an integer",
           p.Parse, b"<!DOCTYPE a SYSTEM 's'><a/>", True)
p = ParserCreate()
p.NotStandaloneHandler = lambda: 0
raises(ExpatError, "document is not standalone: line 1, column 19", p.Parse, b"<!DOCTYPE a SYSTEM 's'><a/>", True)


# Handlers may change handlers and settings, and look at the parser.
class Changing:
    def __init__(self):
        self.events = []
        self.p = p = ParserCreate(namespace_separator="|")
        p.StartElementHandler = self.start

    def start(self, name, attributes):
        p = self.p
        self.events.append((name, attributes, p.GetInputContext()[:8], p.CurrentByteIndex))
        p.ordered_attributes = not p.ordered_attributes
        p.EndElementHandler = self.end if p.EndElementHandler is None else None
        if len(self.events) == 4:
            p.StartElementHandler = None
        raises(ExpatError, f"cannot change setting once parsing has begun: line 1, column {p.CurrentColumnNumber}",
               p.UseForeignDTD)
        assert p.SetParamEntityParsing(2) == 0
        gc.collect()

    def end(self, name):
        self.events.append((name, "end"))


c = Changing()
c.p.Parse(b"<a x='1'><b y='2'/><c z='3' w='4'/><d/></a>", True)
assert c.events == [
    ("a", {"x": "1"}, b"<a x='1'", 0), ("b", ["y", "2"], b"<b y='2'", 9), ("c", {"z": "3", "w": "4"}, b"<c z='3'", 19),
    ("c", "end")] + [("d", [], b"<d/></a>", 35)], c.events
assert c.p.GetInputContext() is None

# Characters are collected if that is asked for, up to a size.
texts = []
p = ParserCreate()
p.buffer_text = True
p.buffer_size = 4
p.CharacterDataHandler = texts.append
p.Parse(b"<a>1\n2&amp;<b/>345678901<b/>x")
assert texts == ["1\n2&", "345678901", "x"] and p.buffer_used == 0, texts
p.Parse(b"y<!-- -->z")
p.CommentHandler = texts.append
p.Parse(b"1<!--c--></a>", True)
assert texts[3:] == ["yz", "1", "c"]


# External entities have parsers of their own, with the handlers of the first.
def read(document, files, parameter=0):
    def external(context, base, system, public):
        events.append((base, system, public))
        if system not in files:
            return 0
        inner = p.ExternalEntityParserCreate(context)
        inner.SetBase("inner")
        inner.Parse(files[system], True)
        return 1

    events = []
    p = ParserCreate()
    p.SetBase("outer")
    assert p.SetParamEntityParsing(parameter) == 1
    p.ExternalEntityRefHandler = external
    p.StartElementHandler = lambda name, attributes: events.append((name, attributes))
    p.CharacterDataHandler = events.append
    p.Parse(document, True)
    return events


dtd = "<!ENTITY e SYSTEM 'e'><!ENTITY % p '<!ATTLIST a b CDATA \"d\">'>%p;"
assert read("<!DOCTYPE a SYSTEM 'dtd'><a>&e;</a>", {"dtd": dtd, "e": "x<c/>"}, 2) == [
    ("outer", "dtd", None), ("a", {"b": "d"}), ("inner", "e", None), "x", ("c", {})]
assert read("<!DOCTYPE a SYSTEM 'dtd'><a>&e;</a>", {}) == [("a", {})]
raises(ExpatError, "error in processing external entity reference: line 1, column 24",
       read, "<!DOCTYPE a SYSTEM 'dtd'><a/>", {}, 2)
raises(ExpatError, "undefined entity: line 1, column 3", read, "<a>&e;</a>", {})
raises(TypeError, "ExternalEntityParserCreate() argument 1 must be str or None, not int",
       ParserCreate().ExternalEntityParserCreate, 1)
inner = ParserCreate().ExternalEntityParserCreate(None)
e = raises(ExpatError, "parser must be a root parser", inner.SetBillionLaughsAttackProtectionActivationThreshold, 1)
assert e.code == 41

# Small documents cannot make much of themselves.
bomb = "<!DOCTYPE a [<!ENTITY e0 'lol'>" + "".join(
    f"<!ENTITY e{i + 1} '{f'&e{i};' * 10}'>" for i in range(9)) + "]><a>&e9;</a>"
p = ParserCreate()
p.SetBillionLaughsAttackProtectionActivationThreshold(100_000)
count = 0


def counting(text):
    global count
    count += 1


p.CharacterDataHandler = counting
e = raises(ExpatError, f"limit on input amplification factor (from DTD and entities) breached: line 1, column {len(bomb) - 8}",
           p.Parse, bomb, True)
assert e.code == 43 and 1000 < count < 100_000
for limit in ("BillionLaughsAttackProtection", "AllocTracker"):
    p = ParserCreate()
    threshold = getattr(p, f"Set{limit}ActivationThreshold")
    factor = getattr(p, f"Set{limit}MaximumAmplification")
    raises(ValueError, "Cannot convert negative int", threshold, -1)
    raises(OverflowError, "Python int too large for C unsigned long long", threshold, 1 << 64)
    raises(ExpatError, "'max_factor' must be at least 1.0", factor, 0.5)
    raises(ExpatError, "'max_factor' must be at least 1.0", factor, float("nan"))
    assert factor(float("inf")) is None and threshold(0) is None

# Nesting costs no stack.
depth = 20_000
p = ParserCreate()
count = 0
p.StartElementHandler = lambda name, attributes: counting(name)
p.Parse(b"<a>" * depth + b"</a>" * depth, True)
assert count == depth
p = ParserCreate()
p.Parse("<!DOCTYPE a [<!ENTITY e0 'x'>" + "".join(
    f"<!ENTITY e{i + 1} '&e{i};'>" for i in range(3000)) + "]><a b='&e3000;'>&e3000;</a>", True)


# Handlers and parsers that only know each other are collected.
class Owner:
    def __init__(self):
        self.p = ParserCreate()
        self.p.StartElementHandler = self.start

    def start(self, name, attributes):
        pass


gone = weakref.ref(Owner())
gc.collect()
assert gone() is None

# What is built upon it.
document = xml.dom.minidom.parseString("<a b='1'><!-- c --><d>e</d><?f g?></a>")
assert document.documentElement.toxml() == '<a b="1"><!-- c --><d>e</d><?f g?></a>'
events = [(e, n.nodeName) for e, n in xml.dom.pulldom.parseString("<a><b>c</b></a>")]
assert events == [("START_DOCUMENT", "#document"), ("START_ELEMENT", "a"), ("START_ELEMENT", "b"),
                  ("CHARACTERS", "#text"), ("END_ELEMENT", "b"), ("END_ELEMENT", "a"), ("END_DOCUMENT", "#document")][:len(events)]
tree = ET.fromstring("<a xmlns='u' b='1'><c>t</c>tail</a>")
assert tree.tag == "{u}a" and tree[0].tail == "tail" and ET.tostring(tree[0]) == b'<ns0:c xmlns:ns0="u">t</ns0:c>tail'
try:
    ET.fromstring("<a>\n<b></a>")
except ET.ParseError as e:
    assert (e.code, e.position, str(e)) == (7, (2, 5), "mismatched tag: line 2, column 5")
else:
    raise AssertionError


class Handler(xml.sax.ContentHandler):
    def startElementNS(self, name, qname, attributes):
        found.append((name, dict(attributes)))


found = []
reader = xml.sax.make_parser()
reader.setFeature(xml.sax.handler.feature_namespaces, True)
reader.setContentHandler(Handler())
reader.parse(io.BytesIO(b"<p:a xmlns:p='u' p:b='1' c='2'/>"))
assert found == [(("u", "a"), {("u", "b"): "1", (None, "c"): "2"})]
plain = {"a": [1, 2.5, True, b"bytes", "\xe9 & <"], "d": {}}
assert plistlib.loads(plistlib.dumps(plain)) == plain
assert xmlrpc.client.loads(xmlrpc.client.dumps((plain["a"][:3], "\u20ac"), "m")) == (([1, 2.5, True], "\u20ac"), "m")
