//! `_zoneinfo`: time zones of the IANA's data base.

mod cache;
mod data;
mod rule;

use std::cell::Cell;

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, new_type};
use cape_vm::object::{ModuleObj, StrObj, TupleObj, TypeFlags, TypeObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, intern, type_of};

use self::data::{Data, Place};
use crate::calendar::{Clock, Day, EPOCH};
use crate::names;
use crate::objects::{DATETIME, DateTimeObj, DeltaObj, TZINFO, class_name};
use crate::{datetime_arithmetic, delta, tzinfo};

heap_object! {
    /// `ZoneInfo`. `infos` is a tuple that has offset, summer time and name of each of the data's infos, one behind the other; `file_repr` is
    /// EMPTY where it was made from a key.
    pub struct ZoneInfoObj { key: Field, file_repr: Field, infos: Field, source: Cell<u8>, data: Native<Data> } [drop]
}

impl Named for ZoneInfoObj {
    const NAME: &'static str = "zoneinfo.ZoneInfo";
}

/// Where an instance comes from, which says how it is pickled.
mod source {
    /// Made anew from its key.
    pub const NO_CACHE: u8 = 0;
    /// From the cache of its class.
    pub const CACHE: u8 = 1;
    /// From a file of the caller's.
    pub const FILE: u8 = 2;
}

type Z = Ptr<ZoneInfoObj>;
type Cls = Ptr<TypeObj>;

/// `ZoneInfo`.
static ZONEINFO: StaticType = StaticType::new();

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    // Without that module, zoneinfo takes the one in Python.
    vm.import_module("_datetime")?;
    m.add("__doc__", StrObj::new("C implementation of the zoneinfo module").value());
    if ZONEINFO.try_get().is_none() {
        make_type();
    }
    m.add("ZoneInfo", ZONEINFO.get().value());
    Ok(())
}

fn make_type() {
    let flags = TypeFlags::BASE | TypeFlags::HAS_WEAKREF;
    let t = new_type::<ZoneInfoObj>("zoneinfo.ZoneInfo", TZINFO.get(), flags);
    ZONEINFO.set(t.class());
    t.new_called(
        "ZoneInfo",
        "__new__(type, key)",
        "Create and return a new object.  See help(type) for accurate signature.",
        cache::zone,
        None,
    )
    .method("__repr__($self, /)", "Return repr(self).", repr)
    .method("__str__($self, /)", "Return str(self).", |vm: &Vm, z: Z| match z.key.get() {
        key if key.is_none() => repr(vm, z).map(|s| StrObj::new(&s).value()),
        key => Ok(key),
    })
    .class_method("clear_cache($type, /, *, only_keys=None)", "Clear the ZoneInfo cache.", cache::clear)
    .class_method("no_cache($type, /, key)", "Get a new instance of ZoneInfo, bypassing the cache.", |vm: &Vm, cls: Cls, key: Value| {
        from_key(vm, cls, key)
    })
    .class_method("from_file($type, file_obj, /, key=None)", "Create a ZoneInfo file from a file object.", from_file)
    .method(
        "utcoffset($self, dt, /)",
        "Retrieve a timedelta representing the UTC offset in a zone at the given datetime.",
        |vm: &Vm, z: Z, dt: Value| part(vm, z, dt, 0),
    )
    .method(
        "dst($self, dt, /)",
        "Retrieve a timedelta representing the amount of DST applied in a zone at the given datetime.",
        |vm: &Vm, z: Z, dt: Value| part(vm, z, dt, 1),
    )
    .method(
        "tzname($self, dt, /)",
        "Retrieve a string containing the abbreviation for the time zone that applies in a zone at a given datetime.",
        |vm: &Vm, z: Z, dt: Value| part(vm, z, dt, 2),
    )
    .method(
        "fromutc($self, object, /)",
        "Given a datetime with local time in UTC, retrieve an adjusted datetime in local time.",
        fromutc,
    )
    .method("__reduce__($self, /)", "Function for serialization with the pickle protocol.", reduce)
    .class_method("_unpickle($type, key, from_cache, /)", "Private method used in unpickling.", |vm: &Vm, cls: Cls, key: Value, cached: u8| {
        if cached != 0 { cache::zone(vm, cls, key) } else { from_key(vm, cls, key) }
    })
    .class_method(
        "__init_subclass__($type, /, *args, **kwargs)",
        "Function to initialize subclasses.",
        |vm: &Vm, cls: Value, _: Value, _: Value| -> Res<()> {
            let cache = cache::new_weak(vm)?;
            vm.set_attr(cls, intern(cache::WEAK), cache)
        },
    );
    delta::member(t, "key", "", |_: &Vm, z: Z| z.key.get());
    // (One that is on the heap in CPython.)
    t.class().set_flag(TypeFlags::HEAP | TypeFlags::DOTTED);
}

/// An instance made from what a file has, which is read whole.
fn from_stream(vm: &Vm, cls: Cls, key: Value, file: Value, file_repr: Value, source: u8) -> Res<Value> {
    let load = vm.import_attr("zoneinfo._common", "load_data")?;
    let loaded = vm.call(load, &[file])?;
    let (data, infos) = data::of(vm, loaded)?;
    let map = cls.instance_map();
    let (key, file_repr, infos) = (Field::new(key), Field::new(file_repr), Field::new(infos.value()));
    let (source, data) = (Cell::new(source), Native(data));
    Ok(heap()
        .alloc(map, ZoneInfoObj { header: Header::new(map), key, file_repr, infos, source, data })
        .value())
}

fn from_file(vm: &Vm, cls: Cls, file: Value, key: Option<Value>) -> Res<Value> {
    let repr = vm.repr(file)?.value();
    from_stream(vm, cls, key.unwrap_or(Value::NONE), file, repr, source::FILE)
}

/// An instance made anew, of the file that the key names.
fn from_key(vm: &Vm, cls: Cls, key: Value) -> Res<Value> {
    let find = vm.import_attr("zoneinfo._tzpath", "find_tzfile")?;
    let path = vm.call(find, &[key])?;
    let file = if path.is_none() {
        let load = vm.import_attr("zoneinfo._common", "load_tzdata")?;
        vm.call(load, &[key])?
    } else {
        let open = vm.import_attr("io", "open")?;
        vm.call(open, &[path, StrObj::new("rb").value()])?
    };
    let zone = from_stream(vm, cls, key, file, Value::EMPTY, source::NO_CACHE);
    let closed = vm.call_method(file, intern("close"), &[]);
    let zone = zone?;
    closed.map(|_| zone)
}

fn repr(vm: &Vm, z: Z) -> Res<String> {
    let name = class_name(type_of(z.value()));
    match z.key.get() {
        key if key.is_none() => {
            let file = z.file_repr.downcast::<StrObj>().map(|s| s.display()).unwrap_or_default();
            Ok(format!("{name}.from_file({file})"))
        }
        key => Ok(format!("{name}(key={})", vm.repr_str(key)?)),
    }
}

fn reduce(vm: &Vm, z: Z) -> Res<Value> {
    if z.source.get() == source::FILE {
        let class = vm.import_attr("pickle", "PicklingError")?;
        let text = StrObj::new("Cannot pickle a ZoneInfo file from a file stream.").value();
        let error = vm.call(class, &[text])?;
        return match error.downcast::<cape_vm::object::ExcObj>() {
            Some(e) => Err(cape_vm::Raised::new(e)),
            None => Err(vm.type_error("exceptions must derive from BaseException")),
        };
    }
    let make = vm.get_attr_str(z.value(), "_unpickle")?;
    let cached = Value::int((z.source.get() == source::CACHE) as i64);
    Ok(TupleObj::new(&[make, TupleObj::new(&[z.key.get(), cached]).value()]).value())
}

/// What clocks show of a datetime, or of what looks like one: seconds since the beginning of 1970 as if it was UTC's, the year, the fold.
fn shown(vm: &Vm, dt: Value) -> Res<(i64, i32, bool)> {
    let seconds = |ordinal: i64, clock: Clock| (ordinal - EPOCH as i64) * 86_400 + clock.seconds() as i64;
    let datetime = dt.downcast::<DateTimeObj>();
    if let Some(d) = datetime
        && d.header().map() == DATETIME.get().instance_map()
    {
        return Ok((seconds(d.day().ordinal() as i64, d.clock()), d.day().year, d.fold() != 0));
    }
    // Classes below have their own ways.
    let number = |v: Value| Ok::<i64, cape_vm::Raised>(vm.index_int(v)?.to_i64().unwrap_or(0));
    let ordinal = number(vm.call_method(dt, intern("toordinal"), &[])?)?;
    let field = |name: &str| number(vm.get_attr(dt, intern(name))?);
    let clock = Clock::new(field("hour")? as i32, field("minute")? as i32, field("second")? as i32, 0);
    let (year, fold) = match datetime {
        Some(d) => (d.day().year, d.fold() != 0),
        None => (field("year")? as i32, field("fold")? != 0),
    };
    Ok((seconds(ordinal, clock), year, fold))
}

impl ZoneInfoObj {
    fn info(&self, i: usize, part: usize) -> Value {
        self.infos.downcast::<TupleObj>().map_or(Value::NONE, |t| t.get(3 * i + part))
    }
}

fn part(vm: &Vm, z: Z, dt: Value, part: usize) -> Res<Value> {
    if dt.is_none() {
        return Ok(if z.data.is_fixed() { z.info(z.data.standard(), part) } else { Value::NONE });
    }
    let (seconds, year, fold) = shown(vm, dt)?;
    Ok(z.info(z.data.at_local(seconds, year, fold), part))
}

/// `tz.utcoffset(dt)` of a datetime, where nothing is between: both are of exactly these classes.
pub fn utcoffset_at_once(tz: Value, dt: Value) -> Option<Ptr<DeltaObj>> {
    let z = tz.downcast::<ZoneInfoObj>().filter(|z| z.header().map() == ZONEINFO.get().instance_map())?;
    let d = dt.downcast::<DateTimeObj>().filter(|d| d.header().map() == DATETIME.get().instance_map())?;
    let seconds = (d.day().ordinal() - EPOCH) as i64 * 86_400 + d.clock().seconds() as i64;
    z.info(z.data.at_local(seconds, d.day().year, d.fold() != 0), 0).downcast()
}

fn fromutc(vm: &Vm, z: Z, dt: Value) -> Res<Value> {
    let d = tzinfo::of_zone(vm, z.value(), dt)?;
    let (seconds, year, _) = shown(vm, dt)?;
    let Place { info, fold } = z.data.at_utc(seconds, year);
    let Some(offset) = z.info(info, 0).downcast::<DeltaObj>() else {
        return Err(vm.value_error("No time zone information found."));
    };
    let result = datetime_arithmetic::moved(vm, d, offset, 1)?;
    if !fold {
        return Ok(result);
    }
    match result.downcast::<DateTimeObj>() {
        Some(r) if type_of(result) == DATETIME.get() => {
            Ok(DateTimeObj::from_data(r.header().map(), r.data(), r.tz(), 1).value())
        }
        _ => {
            let replace = vm.get_attr_str(result, "replace")?;
            vm.call_args(replace, &[Value::int(1)], Some(TupleObj::new(&[names::FOLD.get()])))
        }
    }
}

/// The ordinal of a day.
fn ordinal(year: i32, month: i32, day: i32) -> i64 {
    Day::new(year, month, day).ordinal() as i64
}
