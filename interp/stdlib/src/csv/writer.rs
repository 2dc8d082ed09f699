//! `_csv.writer`.

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use super::dialect::{
    self, DialectObj, NOT_SET, QUOTE_ALL, QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS,
};
use super::raise;

heap_object! {
    /// Writes rows through a `write` method.
    pub struct WriterObj { write: Field, dialect: Field }
}

impl Named for WriterObj {
    const NAME: &'static str = "_csv.writer";
}

static TYPE: StaticType = StaticType::new();

/// Makes the class.
pub fn make_type(_vm: &Vm) -> Ptr<TypeObj> {
    let b = new_type::<WriterObj>("_csv.writer", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .doc("CSV writer\n\nWriter objects are responsible for generating tabular data\nin CSV format from sequence input.\n")
        .method(
            "writerow($self, row, /)",
            "Construct and write a CSV record from an iterable of fields.\n\nNon-string elements will be converted to string.",
            write_row,
        )
        .method(
            "writerows($self, rows, /)",
            "Construct and write a series of iterables to a csv file.\n\nNon-string elements will be converted to string.",
            |vm: &Vm, w: Ptr<WriterObj>, rows: Value| {
                vm.for_each(rows, |row| write_row(vm, w, row).map(|_| ()))
            },
        )
        .getter("dialect", "", |_: &Vm, w: Ptr<WriterObj>| w.dialect.get());
    TYPE.set(b.class());
    b.class()
}

/// `writer(fileobj, dialect='excel', **fmtparams)`
pub fn make(vm: &Vm, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let (file, base) = super::one_or_two(vm, "writer", args)?;
    let d = dialect::of(vm, base, kwargs)?;
    let write = vm.get_attr_opt(file, intern("write"))?.filter(|w| vm.is_callable(*w));
    let Some(write) = write else {
        return Err(vm.type_error("argument 1 must have a \"write\" method"));
    };
    let map = TYPE.get().instance_map();
    let w = heap().alloc(
        map,
        WriterObj { header: Header::new(map), write: Field::new(write), dialect: Field::new(d.value()) },
    );
    Ok(w.value())
}

fn is_number(v: Value) -> bool {
    use cape_vm::special::Special::{Complex, Float, Index, Int};
    let t = type_of(v);
    [Index, Int, Float, Complex].iter().any(|s| !t.special(*s).is_empty())
}

fn write_row(vm: &Vm, w: Ptr<WriterObj>, row: Value) -> Res<Value> {
    let d: Ptr<DialectObj> = w.dialect.downcast().expect("dialect of a writer");
    let it = vm.iter(row).map_err(|r| {
        if r.is(rt().types.type_error) {
            raise(vm, &format!("iterable expected, not {}", type_of(row).name_str()))
        } else {
            r
        }
    })?;
    let mut out = StrBuilder::with_capacity(64);
    let special = Special::of(&d);
    let (mut n, mut null) = (0, false);
    while let Some(v) = vm.next(it)? {
        null = v.is_none();
        let quoted = match d.quoting {
            QUOTE_NONNUMERIC => !is_number(v),
            QUOTE_ALL => true,
            QUOTE_STRINGS => v.is::<StrObj>(),
            QUOTE_NOTNULL => !null,
            _ => false,
        };
        let text = if null { None } else { Some(vm.str(v)?) };
        append(vm, &d, &special, &mut out, n, text, quoted)?;
        n += 1;
    }
    if n > 0 && out.is_empty() {
        if d.quoting == QUOTE_NONE || null && matches!(d.quoting, QUOTE_STRINGS | QUOTE_NOTNULL) {
            return Err(raise(vm, "single empty field record must be quoted"));
        }
        append(vm, &d, &special, &mut out, 0, None, true)?;
    }
    let end: Ptr<StrObj> = d.lineterminator.downcast().expect("a str");
    out.push_obj(&end);
    vm.call(w.write.get(), &[out.finish().value()])
}

/// The characters that a dialect quotes or escapes.
struct Special {
    /// A bit for each below 256.
    low: [u64; 4],
    /// Others, and those of the dialect that are not set.
    high: [u32; 3],
    ends: Ptr<StrObj>,
}

impl Special {
    fn of(d: &DialectObj) -> Special {
        let ends: Ptr<StrObj> = d.lineterminator.downcast().expect("a str");
        let mut low = [0; 4];
        let high = [d.delimiter, d.escapechar, d.quotechar];
        for c in high.into_iter().chain([10, 13]).chain(ends.chars()).filter(|&c| c < 256) {
            low[c as usize >> 6] |= 1u64 << (c & 63);
        }
        Special { low, high, ends }
    }

    #[inline(always)]
    fn has_byte(&self, c: u8) -> bool {
        self.low[c as usize >> 6] >> (c & 63) & 1 != 0
    }

    fn has(&self, c: u32) -> bool {
        match u8::try_from(c) {
            Ok(c) => self.has_byte(c),
            Err(_) => self.high.contains(&c) || self.ends.chars().any(|e| e == c),
        }
    }

    /// Whether a text has one.
    fn is_in(&self, text: &StrObj) -> bool {
        match text.latin1() {
            Some(bytes) => bytes.iter().any(|&c| self.has_byte(c)),
            None => text.chars().any(|c| self.has(c)),
        }
    }
}

/// Appends one field (`None`: an absent one).
fn append(
    vm: &Vm,
    d: &DialectObj,
    special: &Special,
    out: &mut StrBuilder,
    index: usize,
    text: Option<Ptr<StrObj>>,
    quoted: bool,
) -> Res<()> {
    let mut quoted = quoted;
    let empty = text.is_none_or(|t| t.is_empty());
    if empty && d.delimiter == ' ' as u32 && d.skipinitialspace {
        if d.quoting == QUOTE_NONE || text.is_none() && matches!(d.quoting, QUOTE_STRINGS | QUOTE_NOTNULL) {
            return Err(raise(
                vm,
                "empty field must be quoted if delimiter is a space and skipinitialspace is true",
            ));
        }
        quoted = true;
    }
    let mut body = StrBuilder::new();
    let mut plain = None;
    if let Some(t) = text {
        if d.quoting != QUOTE_NONE && !quoted && d.skipinitialspace && d.delimiter == ' ' as u32 {
            quoted = t.chars().next() == Some(' ' as u32) || quoted;
        }
        if !special.is_in(&t) {
            plain = Some(t);
        }
        for c in t.chars().take(if plain.is_some() { 0 } else { t.len() }) {
            if special.has(c) {
                let mut escape = false;
                if d.quoting == QUOTE_NONE {
                    escape = true;
                } else {
                    if c == d.quotechar {
                        if d.doublequote {
                            body.push(d.quotechar);
                        } else {
                            escape = true;
                        }
                    } else if c == d.escapechar {
                        escape = true;
                    }
                    if !escape {
                        quoted = true;
                    }
                }
                if escape {
                    if d.escapechar == NOT_SET {
                        return Err(raise(vm, "need to escape, but no escapechar set"));
                    }
                    body.push(d.escapechar);
                }
            }
            body.push(c);
        }
    }
    if index > 0 {
        out.push(d.delimiter);
    }
    if quoted {
        out.push(d.quotechar);
    }
    match plain {
        Some(text) => out.push_obj(&text),
        None => out.push_built(&body),
    }
    if quoted {
        out.push(d.quotechar);
    }
    Ok(())
}
