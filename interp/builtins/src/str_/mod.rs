//! `str`: the table of its methods; their bodies are in the files of this folder.

mod basics;
mod case;
mod iter;
mod layout;
mod predicates;
mod search;
mod split;
mod translate;

pub use basics::{exact, quote};
pub use case::{capitalize, casefold, lower, swapcase, title, upper};
pub use iter::StrIterObj;
pub use predicates::is_identifier;

use cape_vm::native::extend;
use cape_vm::{Vm, rt};

/// Completes the types of this file.
pub fn init(vm: &Vm) {
    iter::init(vm);
    let str = rt().types.str;
    extend(str)
        .doc("str(object='') -> str\nstr(bytes_or_buffer[, encoding[, errors]]) -> str\n\nText: from an object by its __str__ or __repr__, or decoded from bytes.")
        .new_fn("__new__(cls, object='', encoding='utf-8', errors='strict')", "Create and return a new object.  See help(type) for accurate signature.", basics::new)
        .method("__repr__($self, /)", "Return repr(self).", basics::repr)
        .method("__str__($self, /)", "Return str(self).", basics::str)
        .method("__hash__($self, /)", "Return hash(self).", basics::hash)
        .method("__eq__($self, value, /)", "Return self==value.", basics::eq)
        .method("__ne__($self, value, /)", "Return self!=value.", basics::ne)
        .method("__lt__($self, value, /)", "Return self<value.", basics::lt)
        .method("__le__($self, value, /)", "Return self<=value.", basics::le)
        .method("__gt__($self, value, /)", "Return self>value.", basics::gt)
        .method("__ge__($self, value, /)", "Return self>=value.", basics::ge)
        .method("__iter__($self, /)", "Implement iter(self).", iter::iter)
        .method("__len__($self, /)", "Return len(self).", basics::len)
        .method("__getitem__($self, key, /)", "Return self[key].", basics::getitem)
        .method("__contains__($self, key, /)", "Return bool(key in self).", search::contains)
        .method("__add__($self, value, /)", "Return self+value.", basics::add)
        .method("__mul__($self, value, /)", "Return self*value.", basics::mul)
        .method("__rmul__($self, value, /)", "Return value*self.", basics::mul)
        .method("__mod__($self, value, /)", "Return self%value.", basics::modulo)
        .method("__rmod__($self, value, /)", "Return value%self.", basics::rmodulo)
        .method("__format__($self, format_spec, /)", "Return a formatted version of the string as described by format_spec.", basics::format_method)
        .method("__getnewargs__($self, /)", "", basics::getnewargs)
        .method("__sizeof__($self, /)", "Return the size of the string in memory, in bytes.", basics::sizeof)
        .method("encode($self, /, encoding='utf-8', errors='strict')", "Encode the string using the codec registered for encoding.", basics::encode)
        .method("format($self, /, *args, **kwargs)", "Return a formatted version of the string, using substitutions from args and kwargs.\n\nThe substitutions are identified by braces ('{' and '}').", crate::format::template::format)
        .method("format_map($self, mapping, /)", "Return a formatted version of the string, using substitutions from mapping.\n\nThe substitutions are identified by braces ('{' and '}').", crate::format::template::format_map)
        .method("find($self, sub, start=None, end=None, /)", "Return the lowest index in S where substring sub is found, or -1.", search::find)
        .method("rfind($self, sub, start=None, end=None, /)", "Return the highest index in S where substring sub is found, or -1.", search::rfind)
        .method("index($self, sub, start=None, end=None, /)", "As find(), but raise ValueError when the substring is not found.", search::index)
        .method("rindex($self, sub, start=None, end=None, /)", "As rfind(), but raise ValueError when the substring is not found.", search::rindex)
        .method("count($self, sub, start=None, end=None, /)", "Return the number of non-overlapping occurrences of substring sub in S[start:end].", search::count)
        .method("startswith($self, prefix, start=None, end=None, /)", "Return True if the string starts with the prefix (a string or a tuple of strings), False otherwise.", search::startswith)
        .method("endswith($self, suffix, start=None, end=None, /)", "Return True if the string ends with the suffix (a string or a tuple of strings), False otherwise.", search::endswith)
        .method("replace($self, old, new, /, count=-1)", "Return a copy with occurrences of substring old replaced by new; at most count, if it is not negative.", search::replace)
        .method("removeprefix($self, prefix, /)", "Return the string without the prefix, if it has it.", search::removeprefix)
        .method("removesuffix($self, suffix, /)", "Return the string without the suffix, if it has it.", search::removesuffix)
        .method("split($self, /, sep=None, maxsplit=-1)", "Return a list of the substrings in the string, using sep as the separator string; by default, runs of whitespace separate.", split::split)
        .method("rsplit($self, /, sep=None, maxsplit=-1)", "As split(), starting at the end of the string.", split::rsplit)
        .method("partition($self, sep, /)", "Split the string at the first separator: the part before it, the separator itself, and the part after it.", split::partition)
        .method("rpartition($self, sep, /)", "Split the string at the last separator: the part before it, the separator itself, and the part after it.", split::rpartition)
        .method("splitlines($self, /, keepends=False)", "Return a list of the lines in the string; line breaks are kept only if keepends is true.", split::splitlines)
        .method("join($self, iterable, /)", "Concatenate any number of strings, with this string between them.", split::join)
        .method("strip($self, chars=None, /)", "Return a copy without leading and trailing whitespace, or characters of chars.", layout::strip)
        .method("lstrip($self, chars=None, /)", "Return a copy without leading whitespace, or characters of chars.", layout::lstrip)
        .method("rstrip($self, chars=None, /)", "Return a copy without trailing whitespace, or characters of chars.", layout::rstrip)
        .method("center($self, width, fillchar=' ', /)", "Return a centered string of length width.", layout::center)
        .method("ljust($self, width, fillchar=' ', /)", "Return a left-justified string of length width.", layout::ljust)
        .method("rjust($self, width, fillchar=' ', /)", "Return a right-justified string of length width.", layout::rjust)
        .method("zfill($self, width, /)", "Pad a numeric string with zeros on the left, behind its sign.", layout::zfill)
        .method("expandtabs($self, /, tabsize=8)", "Return a copy where all tab characters are expanded using spaces.", layout::expandtabs)
        .method("upper($self, /)", "Return a copy of the string converted to uppercase.", case::upper)
        .method("lower($self, /)", "Return a copy of the string converted to lowercase.", case::lower)
        .method("title($self, /)", "Return a version of the string where each word is titlecased.", case::title)
        .method("capitalize($self, /)", "Return a capitalized version of the string.", case::capitalize)
        .method("casefold($self, /)", "Return a version of the string suitable for caseless comparisons.", case::casefold)
        .method("swapcase($self, /)", "Convert uppercase characters to lowercase and lowercase characters to uppercase.", case::swapcase)
        .method("translate($self, table, /)", "Replace each character by what the table, indexed by its ordinal, has for it.", translate::translate)
        .static_method("maketrans(x, y=None, z=None, /)", "Return a translation table usable for str.translate().", translate::maketrans)
        .method("isascii($self, /)", "Return True if all characters in the string are ASCII, False otherwise.", predicates::isascii)
        .method("islower($self, /)", "Return True if the string is a lowercase string, False otherwise.", predicates::islower)
        .method("isupper($self, /)", "Return True if the string is an uppercase string, False otherwise.", predicates::isupper)
        .method("istitle($self, /)", "Return True if the string is a title-cased string, False otherwise.", predicates::istitle)
        .method("isspace($self, /)", "Return True if the string is a whitespace string, False otherwise.", predicates::isspace)
        .method("isdecimal($self, /)", "Return True if the string is a decimal string, False otherwise.", predicates::isdecimal)
        .method("isdigit($self, /)", "Return True if the string is a digit string, False otherwise.", predicates::isdigit)
        .method("isnumeric($self, /)", "Return True if the string is a numeric string, False otherwise.", predicates::isnumeric)
        .method("isalpha($self, /)", "Return True if the string is an alphabetic string, False otherwise.", predicates::isalpha)
        .method("isalnum($self, /)", "Return True if the string is an alpha-numeric string, False otherwise.", predicates::isalnum)
        .method("isidentifier($self, /)", "Return True if the string is a valid Python identifier, False otherwise.", predicates::isidentifier)
        .method("isprintable($self, /)", "Return True if all characters in the string are printable, False otherwise.", predicates::isprintable);
}
