# The engine of _sre on compiled code, and _json's scanner and encoder, without the modules above them. The code lists are
# what re._compiler makes of the patterns; the expected results are CPython's.
import _sre
P=_sre.compile('a(b|c)*d',32,[14, 8, 1, 2, 4294967295, 1, 1, 97, 0, 16, 97, 23, 13, 0, 4294967295, 17, 0, 13, 5, 22, 98, 99, 0, 17, 1, 18, 16, 100, 1],1,{},(None, None))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('xabcbcd')]
assert r==[((1, 7), ('c',), 1)], (P.pattern, r)
assert P.findall('xabcbcd')==['c']; assert P.split('xabcbcd')==['x', 'c', '']; assert P.sub(lambda m: "<"+m.group()+">",'xabcbcd')=='x<abcbcd>'
assert (P.fullmatch('xabcbcd') is not None)==False
P=_sre.compile('(?P<n>\\w+)\\s+(?P=n)',32,[14, 4, 0, 3, 4294967295, 17, 0, 24, 9, 1, 4294967295, 13, 4, 8, 14, 0, 1, 17, 1, 24, 9, 1, 4294967295, 13, 4, 8, 12, 0, 1, 11, 0, 1],1,{'n': 1},(None, 'n'))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('hello the the x')]
assert r==[((6, 13), ('the',), 1)], (P.pattern, r)
assert P.findall('hello the the x')==['the']; assert P.split('hello the the x')==['hello ', 'the', ' x']; assert P.sub(lambda m: "<"+m.group()+">",'hello the the x')=='hello <the the> x'
assert (P.fullmatch('hello the the x') is not None)==False
P=_sre.compile('^\\d+(?:\\.\\d*)?$',32,[14, 4, 0, 1, 4294967295, 6, 0, 24, 9, 1, 4294967295, 13, 4, 8, 10, 0, 1, 23, 15, 0, 1, 16, 46, 24, 9, 0, 4294967295, 13, 4, 8, 10, 0, 1, 18, 6, 5, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('12.5')]
assert r==[((0, 4), (), None)], (P.pattern, r)
assert P.findall('12.5')==['12.5']; assert P.split('12.5')==['', '']; assert P.sub(lambda m: "<"+m.group()+">",'12.5')=='<12.5>'
assert (P.fullmatch('12.5') is not None)==True
P=_sre.compile('(a+?)(a*)',32,[14, 4, 0, 1, 4294967295, 17, 0, 26, 6, 1, 4294967295, 16, 97, 1, 17, 1, 17, 2, 24, 6, 0, 4294967295, 16, 97, 1, 17, 3, 1],2,{},(None, None, None))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('aaaa')]
assert r==[((0, 4), ('a', 'aaa'), 2)], (P.pattern, r)
assert P.findall('aaaa')==[('a', 'aaa')]; assert P.split('aaaa')==['', 'a', 'aaa', '']; assert P.sub(lambda m: "<"+m.group()+">",'aaaa')=='<aaaa>'
assert (P.fullmatch('aaaa') is not None)==True
P=_sre.compile('(?<=x)y|z(?!w)',32,[14, 4, 0, 1, 1, 7, 11, 4, 5, 1, 16, 120, 1, 16, 121, 15, 13, 11, 16, 122, 5, 5, 0, 16, 119, 1, 15, 2, 0, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('xy zw z')]
assert r==[((1, 2), (), None), ((6, 7), (), None)], (P.pattern, r)
assert P.findall('xy zw z')==['y', 'z']; assert P.split('xy zw z')==['x', ' zw ', '']; assert P.sub(lambda m: "<"+m.group()+">",'xy zw z')=='x<y> zw <z>'
assert (P.fullmatch('xy zw z') is not None)==False
P=_sre.compile('[^a-c]+',32,[14, 4, 0, 1, 4294967295, 24, 11, 1, 4294967295, 13, 6, 21, 22, 97, 99, 0, 1, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('abcdefabc')]
assert r==[((3, 6), (), None)], (P.pattern, r)
assert P.findall('abcdefabc')==['def']; assert P.split('abcdefabc')==['abc', 'abc']; assert P.sub(lambda m: "<"+m.group()+">",'abcdefabc')=='abc<def>abc'
assert (P.fullmatch('abcdefabc') is not None)==False
P=_sre.compile('(?i)STRASSE',34,[14, 4, 0, 7, 7, 39, 6, 16, 115, 16, 383, 0, 40, 116, 40, 114, 40, 97, 39, 6, 16, 115, 16, 383, 0, 39, 6, 16, 115, 16, 383, 0, 40, 101, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('strasse')]
assert r==[((0, 7), (), None)], (P.pattern, r)
assert P.findall('strasse')==['strasse']; assert P.split('strasse')==['', '']; assert P.sub(lambda m: "<"+m.group()+">",'strasse')=='<strasse>'
assert (P.fullmatch('strasse') is not None)==True
P=_sre.compile('(?>a+)b',32,[14, 4, 0, 2, 4294967295, 27, 9, 24, 6, 1, 4294967295, 16, 97, 1, 1, 16, 98, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('aaab')]
assert r==[((0, 4), (), None)], (P.pattern, r)
assert P.findall('aaab')==['aaab']; assert P.split('aaab')==['', '']; assert P.sub(lambda m: "<"+m.group()+">",'aaab')=='<aaab>'
assert (P.fullmatch('aaab') is not None)==True
P=_sre.compile('a*+b',32,[14, 4, 0, 1, 4294967295, 29, 6, 0, 4294967295, 16, 97, 1, 16, 98, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('aab')]
assert r==[((0, 3), (), None)], (P.pattern, r)
assert P.findall('aab')==['aab']; assert P.split('aab')==['', '']; assert P.sub(lambda m: "<"+m.group()+">",'aab')=='<aab>'
assert (P.fullmatch('aab') is not None)==True
P=_sre.compile('(x)?(?(1)y|z)',32,[14, 4, 0, 1, 2, 23, 9, 0, 1, 17, 0, 16, 120, 17, 1, 18, 12, 0, 6, 16, 121, 15, 3, 16, 122, 1],1,{},(None, None))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('z xy')]
assert r==[((0, 1), (None,), None), ((2, 4), ('x',), 1)], (P.pattern, r)
assert P.findall('z xy')==['', 'x']; assert P.split('z xy')==['', None, ' ', 'x', '']; assert P.sub(lambda m: "<"+m.group()+">",'z xy')=='<z> <xy>'
assert (P.fullmatch('z xy') is not None)==False
P=_sre.compile('(?:ab){2,3}?',32,[14, 4, 0, 4, 6, 23, 7, 2, 3, 16, 97, 16, 98, 19, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('abababab')]
assert r==[((0, 4), (), None), ((4, 8), (), None)], (P.pattern, r)
assert P.findall('abababab')==['abab', 'abab']; assert P.split('abababab')==['', '', '']; assert P.sub(lambda m: "<"+m.group()+">",'abababab')=='<abab><abab>'
assert (P.fullmatch('abababab') is not None)==False
P=_sre.compile('\\bfoo\\b',32,[14, 4, 0, 3, 3, 6, 10, 16, 102, 16, 111, 16, 111, 6, 10, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('a foo b')]
assert r==[((2, 5), (), None)], (P.pattern, r)
assert P.findall('a foo b')==['foo']; assert P.split('a foo b')==['a ', ' b']; assert P.sub(lambda m: "<"+m.group()+">",'a foo b')=='a <foo> b'
assert (P.fullmatch('a foo b') is not None)==False
P=_sre.compile('',32,[14, 4, 0, 0, 0, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('ab')]
assert r==[((0, 0), (), None), ((1, 1), (), None), ((2, 2), (), None)], (P.pattern, r)
assert P.findall('ab')==['', '', '']; assert P.split('ab')==['', 'a', 'b', '']; assert P.sub(lambda m: "<"+m.group()+">",'ab')=='<>a<>b<>'
assert (P.fullmatch('ab') is not None)==False
P=_sre.compile('(a|ab)(c|bcd)(d*)',32,[14, 8, 1, 2, 4294967295, 1, 0, 97, 0, 17, 0, 16, 97, 7, 3, 15, 7, 5, 16, 98, 15, 2, 0, 17, 1, 17, 2, 7, 5, 16, 99, 15, 11, 9, 16, 98, 16, 99, 16, 100, 15, 2, 0, 17, 3, 17, 4, 24, 6, 0, 4294967295, 16, 100, 1, 17, 5, 1],3,{},(None, None, None, None))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('abcd')]
assert r==[((0, 4), ('a', 'bcd', ''), 3)], (P.pattern, r)
assert P.findall('abcd')==[('a', 'bcd', '')]; assert P.split('abcd')==['', 'a', 'bcd', '', '']; assert P.sub(lambda m: "<"+m.group()+">",'abcd')=='<abcd>'
assert (P.fullmatch('abcd') is not None)==True
P=_sre.compile('[\\u0400-\\u04ff]+',32,[14, 4, 0, 1, 4294967295, 24, 10, 1, 4294967295, 13, 5, 22, 1024, 1279, 0, 1, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('abc привет')]
assert r==[((4, 10), (), None)], (P.pattern, r)
assert P.findall('abc привет')==['привет']; assert P.split('abc привет')==['abc ', '']; assert P.sub(lambda m: "<"+m.group()+">",'abc привет')=='abc <привет>'
assert (P.fullmatch('abc привет') is not None)==False
P=_sre.compile('(?s).*',48,[14, 4, 0, 0, 4294967295, 24, 5, 0, 4294967295, 3, 1, 1],0,{},(None,))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('a\nb')]
assert r==[((0, 3), (), None), ((3, 3), (), None)], (P.pattern, r)
assert P.findall('a\nb')==['a\nb', '']; assert P.split('a\nb')==['', '', '']; assert P.sub(lambda m: "<"+m.group()+">",'a\nb')=='<a\nb><>'
assert (P.fullmatch('a\nb') is not None)==True
P=_sre.compile('(.)(?=.*\\1)',32,[14, 4, 0, 1, 1, 17, 0, 2, 17, 1, 4, 11, 0, 24, 5, 0, 4294967295, 2, 1, 11, 0, 1, 1],1,{},(None, None))
r=[(x.span(),x.groups(),x.lastindex) for x in P.finditer('abcb')]
assert r==[((1, 2), ('b',), 1)], (P.pattern, r)
assert P.findall('abcb')==['b']; assert P.split('abcb')==['a', 'b', 'cb']; assert P.sub(lambda m: "<"+m.group()+">",'abcb')=='a<b>cb'
assert (P.fullmatch('abcb') is not None)==False
import _json
sc=type('C',(),dict(strict=True,object_hook=None,object_pairs_hook=None,parse_float=float,parse_int=int,parse_constant=str))
s=_json.make_scanner(sc)
assert s('{"a": [1, 2.5e3, -7, "x\\u1234\\n", true, null, {}]}',0)==({'a':[1,2500.0,-7,'x\u1234\n',True,None,{}]},50) or print(s('{"a": [1, 2.5e3, -7, "x\\u1234\\n", true, null, {}]}',0))
e=_json.make_encoder({},None,_json.encode_basestring_ascii,None,': ',', ',False,False,True)
assert ''.join(e({'a':[1,2.5,None,True,'\u1234"\x7f'],1:{}},0))=='{"a": [1, 2.5, null, true, "\\u1234\\"\\u007f"], "1": {}}', e({'a':[1,2.5,None,True,'\u1234"\x7f'],1:{}},0)
print('done')
