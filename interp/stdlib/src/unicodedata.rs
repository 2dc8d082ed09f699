//! `unicodedata`.

use cape_builtins::unicode::tables::{BIDI, CATEGORIES, DECIMAL, MIRRORED, VERSION, WIDTHS};
use cape_builtins::unicode::{self, normalize, old};
use cape_heap::{Header, heap, heap_object};
use cape_vm::class::full_name;
use cape_vm::native::{Flavour, FromArg, Named, bad_argument, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

heap_object! {
    /// The database of Unicode 3.2, with the module's functions as methods.
    pub struct UcdObj {} [leaf]
}

impl Named for UcdObj {
    const NAME: &'static str = "UCD";
}

static UCD: StaticType = StaticType::new();

/// A string of one character.
struct Char(u32);

impl FromArg for Char {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Char> {
        let Some(s) = v.downcast::<StrObj>() else {
            return Err(bad_argument(vm, v, i, "a unicode character"));
        };
        if s.len() == 1 {
            return Ok(Char(s.char_at(0)));
        }
        let def = vm.native_def();
        let method = (def.flavour == Flavour::Method) as usize;
        let which = if def.nparams - method == 1 { "argument" } else { "argument 1" };
        Err(vm.type_error(format!(
            "{}(): {which} must be a unicode character, not a string of length {}",
            def.name,
            s.len()
        )))
    }
}

/// The fields of a code point in one of the two versions.
struct View {
    category: u8,
    bidi: u8,
    width: u8,
    mirrored: bool,
    numeric: Option<f64>,
    combining: u8,
}

fn view(c: u32, old_version: bool) -> View {
    let r = unicode::record(c);
    if old_version && let Some(o) = old::differs(c) {
        return View {
            category: o.2,
            bidi: o.3,
            width: o.4,
            mirrored: o.5,
            numeric: (!o.6.is_nan()).then_some(o.6),
            combining: o.7,
        };
    }
    View {
        category: r.category,
        bidi: r.bidi,
        width: r.width,
        mirrored: r.flags & MIRRORED != 0,
        numeric: r.numeric(),
        combining: r.combining,
    }
}

fn or_default(vm: &Vm, found: Option<Value>, default: Value, message: &str) -> Res<Value> {
    match found {
        Some(v) => Ok(v),
        None if default.is_empty() => Err(vm.value_error(message)),
        None => Ok(default),
    }
}

fn decimal(vm: &Vm, c: Char, default: Value, old: bool) -> Res<Value> {
    let r = unicode::record(c.0);
    let v = view(c.0, old);
    // Superscripts and the like were decimals in the old version.
    let is = match old {
        true => CATEGORIES[v.category as usize] == "Nd" || old::was_decimal(c.0),
        false => r.flags & DECIMAL != 0,
    };
    let found = is.then_some(r.digit as i64);
    or_default(vm, found.map(Value::int), default, "not a decimal")
}

fn digit(vm: &Vm, c: Char, default: Value, _old: bool) -> Res<Value> {
    let r = unicode::record(c.0);
    or_default(vm, (r.digit >= 0).then_some(Value::int(r.digit as i64)), default, "not a digit")
}

fn numeric(vm: &Vm, c: Char, default: Value, old: bool) -> Res<Value> {
    or_default(vm, view(c.0, old).numeric.map(Value::float), default, "not a numeric character")
}

fn name(vm: &Vm, c: Char, default: Value, old: bool) -> Res<Value> {
    let assigned = !old || view(c.0, true).category != 0;
    let found = if assigned { unicode::name(c.0) } else { None };
    or_default(vm, found.map(|n| StrObj::new(&n).value()), default, "no such name")
}

fn decomposition(c: Char, old: bool) -> Ptr<StrObj> {
    // The table leaves out Hangul syllables, which are computed.
    let syllable = normalize::hangul(c.0);
    let found = match &syllable {
        Some(parts) => Some(("", &parts[..])),
        None if old && !old::decomposes(c.0) => None,
        None => unicode::decomposition(c.0),
    };
    let mut text = String::new();
    if let Some((tag, parts)) = found {
        text.push_str(tag);
        for p in parts {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&format!("{p:04X}"));
        }
    }
    StrObj::new(&text)
}

fn lookup(vm: &Vm, text: Value, old: bool) -> Res<Value> {
    let Some(s) = text.downcast::<StrObj>() else {
        return Err(
            vm.type_error(format!("a bytes-like object is required, not '{}'", full_name(type_of(text))))
        );
    };
    let name = s.display();
    if name.len() > 256 {
        return Err(vm.key_error("name too long"));
    }
    // The old database has neither aliases nor named sequences.
    let listed = |c: char| {
        !old || unicode::name(c as u32).is_some_and(|n| n.eq_ignore_ascii_case(&name))
    };
    if let Some(c) = unicode::character(&name).filter(|c| listed(*c)) {
        return Ok(StrObj::from_char(c as u32).value());
    }
    match unicode::sequence(&name).filter(|_| !old) {
        Some(t) => Ok(StrObj::new(t).value()),
        None => Err(vm.key_error(format!("undefined character name '{name}'"))),
    }
}

fn form(vm: &Vm, s: Ptr<StrObj>) -> Res<normalize::Form> {
    use normalize::Form;
    Ok(match s.as_ascii() {
        Some("NFC") => Form::Nfc,
        Some("NFD") => Form::Nfd,
        Some("NFKC") => Form::Nfkc,
        Some("NFKD") => Form::Nfkd,
        _ => return Err(vm.value_error("invalid normalization form")),
    })
}

fn normalized(vm: &Vm, f: Ptr<StrObj>, s: Ptr<StrObj>, old: bool) -> Res<Ptr<StrObj>> {
    let f = form(vm, f)?;
    if s.is_ascii() {
        return Ok(cape_builtins::str_::exact(s));
    }
    let points = s.to_code_points();
    let out = normalize::normalize(&points, f, old);
    Ok(if out == points { cape_builtins::str_::exact(s) } else { StrObj::from_code_points(&out) })
}

fn is_normalized(vm: &Vm, f: Ptr<StrObj>, s: Ptr<StrObj>, old: bool) -> Res<bool> {
    let f = form(vm, f)?;
    if s.is_ascii() {
        return Ok(true);
    }
    let points = s.to_code_points();
    Ok(normalize::normalize(&points, f, old) == points)
}

macro_rules! functions { ($($name:literal $params:literal $doc:literal ($($p:ident: $t:ty),*) $f:expr;)*) => {
    fn add_functions(m: Ptr<ModuleObj>) {
        $( m.function(concat!($name, "(", $params, ")"), $doc, |vm: &Vm, $($p: $t),*| { let f = $f; f(vm, $($p,)* false) }); )*
    }

    fn add_methods(t: cape_vm::native::TypeBuilder) {
        $( t.method(concat!($name, "($self, ", $params, ")"), $doc, |vm: &Vm, _: Ptr<UcdObj>, $($p: $t),*| { let f = $f; f(vm, $($p,)* true) }); )*
    }
} }

functions! {
    "decimal" "chr, default=<unrepresentable>, /" "Converts a Unicode character into its equivalent decimal value." (c: Char, default: Value) decimal;
    "digit" "chr, default=<unrepresentable>, /" "Converts a Unicode character into its equivalent digit value." (c: Char, default: Value) digit;
    "numeric" "chr, default=<unrepresentable>, /" "Converts a Unicode character into its equivalent numeric value." (c: Char, default: Value) numeric;
    "name" "chr, default=<unrepresentable>, /" "Returns the name assigned to the character chr as a string." (c: Char, default: Value) name;
    "category" "chr, /" "Returns the general category assigned to the character chr as string." (c: Char)
        |_: &Vm, c: Char, old: bool| CATEGORIES[view(c.0, old).category as usize];
    "bidirectional" "chr, /" "Returns the bidirectional class assigned to the character chr as string." (c: Char)
        |_: &Vm, c: Char, old: bool| BIDI[view(c.0, old).bidi as usize];
    "combining" "chr, /" "Returns the canonical combining class assigned to the character chr as integer." (c: Char)
        |_: &Vm, c: Char, old: bool| view(c.0, old).combining as i32;
    "mirrored" "chr, /" "Returns the mirrored property assigned to the character chr as integer." (c: Char)
        |_: &Vm, c: Char, old: bool| view(c.0, old).mirrored as i32;
    "east_asian_width" "chr, /" "Returns the east asian width assigned to the character chr as string." (c: Char)
        |_: &Vm, c: Char, old: bool| WIDTHS[view(c.0, old).width as usize];
    "decomposition" "chr, /" "Returns the character decomposition mapping assigned to the character chr as string." (c: Char)
        |_: &Vm, c: Char, old: bool| decomposition(c, old);
    "is_normalized" "form, unistr, /" "Return whether the Unicode string unistr is in the normal form 'form'." (f: Ptr<StrObj>, s: Ptr<StrObj>) is_normalized;
    "normalize" "form, unistr, /" "Return the normal form 'form' for the Unicode string unistr." (f: Ptr<StrObj>, s: Ptr<StrObj>) normalized;
    "lookup" "name, /" "Look up character by name." (text: Value) lookup;
}

/// Fills the module.
pub fn init(_: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    add_functions(m);
    if UCD.try_get().is_none() {
        let t = new_type::<UcdObj>("unicodedata.UCD", rt().types.object, TypeFlags::NO_INSTANTIATION)
            .getter("unidata_version", "", |_: &Vm, _: Ptr<UcdObj>| "3.2.0");
        add_methods(t);
        UCD.set(t.class());
    }
    m.class(UCD.get());
    let map = UCD.get().instance_map();
    let old = heap().alloc(map, UcdObj { header: Header::new(map) });
    m.add("ucd_3_2_0", old.value());
    m.add("unidata_version", intern(VERSION));
    Ok(())
}
