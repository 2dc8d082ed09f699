//! `_csv.reader`.

use std::cell::Cell;

use cape_heap::{Field, Header, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt, type_of};

use super::dialect::{self, DialectObj, QUOTE_NONE, QUOTE_NONNUMERIC, QUOTE_NOTNULL, QUOTE_STRINGS};
use super::raise;

heap_object! {
    /// Reads rows from the lines of an iterator.
    pub struct ReaderObj { input: Field, dialect: Field, lines: Cell<u64>, reads: Cell<u64> }
}

impl Named for ReaderObj {
    const NAME: &'static str = "_csv.reader";
}

static TYPE: StaticType = StaticType::new();

/// Makes the class.
pub fn make_type(_vm: &Vm) -> Ptr<TypeObj> {
    let b = new_type::<ReaderObj>("_csv.reader", rt().types.object, TypeFlags::NO_INSTANTIATION)
        .doc("CSV reader\n\nReader objects are responsible for reading and parsing tabular data\nin CSV format.\n")
        .method("__iter__($self, /)", "Implement iter(self).", |_: &Vm, r: Ptr<ReaderObj>| r)
        .method("__next__($self, /)", "Implement next(self).", next)
        .getter("dialect", "", |_: &Vm, r: Ptr<ReaderObj>| r.dialect.get())
        .getter("line_num", "", |_: &Vm, r: Ptr<ReaderObj>| r.lines.get());
    TYPE.set(b.class());
    b.class()
}

/// `reader(iterable, dialect='excel', **fmtparams)`
pub fn make(vm: &Vm, args: Ptr<TupleObj>, kwargs: Ptr<DictObj>) -> Res<Value> {
    let (source, base) = super::one_or_two(vm, "reader", args)?;
    let input = vm.iter(source)?;
    let d = dialect::of(vm, base, kwargs)?;
    let map = TYPE.get().instance_map();
    let r = heap().alloc(
        map,
        ReaderObj {
            header: Header::new(map),
            input: Field::new(input),
            dialect: Field::new(d.value()),
            lines: Cell::new(0),
            reads: Cell::new(0),
        },
    );
    Ok(r.value())
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    StartRecord,
    StartField,
    Escaped,
    AfterEscapedBreak,
    Field,
    Quoted,
    EscapedInQuoted,
    QuoteInQuoted,
    EatBreak,
}

/// The end of a line of input, as a character.
const END: u32 = u32::MAX - 1;

/// One row in the making. Lives in native frames only.
struct Parser<'a> {
    vm: &'a Vm,
    d: Ptr<DialectObj>,
    at: At,
    field: StrBuilder,
    unquoted: bool,
    fields: Ptr<ListObj>,
}

fn next(vm: &Vm, r: Ptr<ReaderObj>) -> Res<Value> {
    let d: Ptr<DialectObj> = r.dialect.downcast().expect("dialect of a reader");
    let mut p = Parser {
        vm,
        d,
        at: At::StartRecord,
        field: StrBuilder::new(),
        unquoted: false,
        fields: ListObj::new(&[]),
    };
    loop {
        let reads = r.reads.get() + 1;
        r.reads.set(reads);
        let line = vm.next(r.input.get())?;
        if r.reads.get() != reads {
            return Err(raise(vm, "iterator has already advanced the reader"));
        }
        let Some(line) = line else {
            if p.field.is_empty() && p.at != At::Quoted {
                return Ok(Value::EMPTY);
            }
            if d.strict {
                return Err(raise(vm, "unexpected end of data"));
            }
            p.save()?;
            break;
        };
        let Some(text) = line.downcast::<StrObj>() else {
            return Err(raise(
                vm,
                &format!(
                    "iterator should return strings, not {} (the file should be opened in text mode)",
                    type_of(line).name_str()
                ),
            ));
        };
        r.lines.set(r.lines.get() + 1);
        let mut i = 0;
        while i < text.len() {
            let run = p.run(text, i);
            if run == 0 {
                p.char(text.char_at(i))?;
            }
            i += run.max(1);
        }
        p.char(END)?;
        if p.at == At::StartRecord {
            break;
        }
    }
    Ok(p.fields.value())
}

impl Parser<'_> {
    fn add(&mut self, c: u32) -> Res<()> {
        let limit = super::FIELD_LIMIT.0.get();
        if self.field.len() as i64 >= limit {
            return Err(raise(self.vm, &format!("field larger than field limit ({limit})")));
        }
        self.field.push(c);
        Ok(())
    }

    /// Adds the characters of a line from the `i`th on that belong to the field whatever they are: how many they are.
    #[inline(always)]
    fn run(&mut self, text: Ptr<StrObj>, i: usize) -> usize {
        let d = self.d;
        let end = match self.at {
            At::Field => text.find_any(i, &[10, 13, d.escapechar, d.delimiter]),
            At::Quoted => text.find_any(i, &[d.escapechar, d.quotechar, d.quotechar, d.quotechar]),
            _ => return 0,
        };
        if (self.field.len() + end - i) as i64 > super::FIELD_LIMIT.0.get() {
            return 0;
        }
        self.field.push_part(&text, i, end);
        end - i
    }

    fn save(&mut self) -> Res<()> {
        let field = self.field.take();
        let quoting = self.d.quoting;
        let v = if self.unquoted && field.is_empty() && matches!(quoting, QUOTE_NOTNULL | QUOTE_STRINGS) {
            Value::NONE
        } else if self.unquoted && !field.is_empty() && matches!(quoting, QUOTE_NONNUMERIC | QUOTE_STRINGS) {
            self.vm.call(rt().types.float.value(), &[field.value()])?
        } else {
            field.value()
        };
        self.fields.push(v);
        Ok(())
    }

    fn end_field(&mut self, c: u32) -> Res<()> {
        self.save()?;
        self.at = if c == END { At::StartRecord } else { At::EatBreak };
        Ok(())
    }

    fn char(&mut self, c: u32) -> Res<()> {
        let d = self.d;
        let is_break = c == 10 || c == 13 || c == END;
        let quotes = d.quoting != QUOTE_NONE;
        match self.at {
            At::StartRecord if c == END => {}
            At::StartRecord if is_break => self.at = At::EatBreak,
            At::StartRecord | At::StartField => {
                self.unquoted = true;
                self.at = At::StartField;
                if is_break {
                    return self.end_field(c);
                } else if c == d.quotechar && quotes {
                    self.unquoted = false;
                    self.at = At::Quoted;
                } else if c == d.escapechar {
                    self.at = At::Escaped;
                } else if c == ' ' as u32 && d.skipinitialspace {
                } else if c == d.delimiter {
                    return self.save();
                } else {
                    self.at = At::Field;
                    return self.add(c);
                }
            }
            At::Escaped => {
                if c == 10 || c == 13 {
                    self.at = At::AfterEscapedBreak;
                    return self.add(c);
                }
                self.at = At::Field;
                return self.add(if c == END { 10 } else { c });
            }
            At::AfterEscapedBreak if c == END => {}
            At::AfterEscapedBreak | At::Field => {
                self.at = At::Field;
                if is_break {
                    return self.end_field(c);
                } else if c == d.escapechar {
                    self.at = At::Escaped;
                } else if c == d.delimiter {
                    self.at = At::StartField;
                    return self.save();
                } else {
                    return self.add(c);
                }
            }
            At::Quoted => {
                if c == END {
                } else if c == d.escapechar {
                    self.at = At::EscapedInQuoted;
                } else if c == d.quotechar && quotes {
                    self.at = if d.doublequote { At::QuoteInQuoted } else { At::Field };
                } else {
                    return self.add(c);
                }
            }
            At::EscapedInQuoted => {
                self.at = At::Quoted;
                return self.add(if c == END { 10 } else { c });
            }
            At::QuoteInQuoted => {
                if quotes && c == d.quotechar {
                    self.at = At::Quoted;
                    return self.add(c);
                } else if c == d.delimiter {
                    self.at = At::StartField;
                    return self.save();
                } else if is_break {
                    return self.end_field(c);
                } else if !d.strict {
                    self.at = At::Field;
                    return self.add(c);
                }
                let show = |c: u32| char::from_u32(c).unwrap_or('?');
                let message = format!("'{}' expected after '{}'", show(d.delimiter), show(d.quotechar));
                return Err(raise(self.vm, &message));
            }
            At::EatBreak => {
                if c == END {
                    self.at = At::StartRecord;
                } else if !is_break {
                    return Err(raise(
                        self.vm,
                        "new-line character seen in unquoted field - do you need to open the file with newline=''?",
                    ));
                }
            }
        }
        Ok(())
    }
}
