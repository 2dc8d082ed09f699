//! `_multibytecodec.MultibyteCodec`: an encoding as an object, and what the classes made for one have in common.

use cape_heap::{Field, Header, HeapObject, Native, heap, heap_object};
use cape_vm::buffer::Buffer;
use cape_vm::native::{Named, TypeBuilder, new_type};
use cape_vm::object::*;
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use super::convert::{self, End, Errors};
use super::scheme::Codec;

heap_object! {
    /// A `MultibyteCodec`.
    pub struct CodecObj { pub codec: Native<&'static Codec> } [leaf]
}

impl Named for CodecObj {
    const NAME: &'static str = "_multibytecodec.MultibyteCodec";
}

static TYPE: StaticType = StaticType::new();

const ENCODE: &str = "Return an encoded string version of 'input'.\n\n'errors' may be given to set a different error handling scheme.\nDefault is 'strict' meaning that encoding errors raise\na UnicodeEncodeError.  Other possible values are 'ignore', 'replace'\nand 'xmlcharrefreplace' as well as any other name registered with\ncodecs.register_error that can handle UnicodeEncodeErrors.";
const DECODE: &str = "Decodes 'input'.\n\n'errors' may be given to set a different error handling scheme.\nDefault is 'strict' meaning that encoding errors raise\na UnicodeDecodeError.  Other possible values are 'ignore' and\n'replace' as well as any other name registered with\ncodecs.register_error that is able to handle UnicodeDecodeErrors.\"";

/// Makes the type, the first time.
pub fn init() {
    if TYPE.try_get().is_some() {
        return;
    }
    let t = new_type::<CodecObj>(
        "_multibytecodec.MultibyteCodec",
        rt().types.object,
        TypeFlags::NO_INSTANTIATION,
    )
    .method("encode($self, /, input, errors=None)", ENCODE, encode)
    .method("decode($self, /, input, errors=None)", DECODE, decode);
    TYPE.set(t.class());
}

/// The object for an encoding.
pub fn make(codec: &'static Codec) -> Ptr<CodecObj> {
    init();
    let map = TYPE.get().instance_map();
    heap().alloc(map, CodecObj { header: Header::new(map), codec: Native(codec) })
}

/// The name of an error handler: without null characters.
pub fn handler_name(vm: &Vm, s: Option<Ptr<StrObj>>) -> Res<String> {
    let Some(s) = s else { return Ok("strict".into()) };
    let name = vm.utf8(s)?;
    if name.contains('\0') { Err(vm.value_error("embedded null character")) } else { Ok(name) }
}

/// A handler's name as an argument: a str or None.
struct Name(Option<Ptr<StrObj>>);

impl cape_vm::native::FromArg for Name {
    fn from_arg(vm: &Vm, v: Value, i: usize) -> Res<Name> {
        if v.is_empty() || v.is_none() {
            return Ok(Name(None));
        }
        match v.downcast() {
            Some(s) => Ok(Name(Some(s))),
            None => Err(cape_vm::native::bad_argument(vm, v, i, "str or None")),
        }
    }
}

fn encode(vm: &Vm, c: Ptr<CodecObj>, input: Value, errors: Name) -> Res<Ptr<TupleObj>> {
    let name = handler_name(vm, errors.0)?;
    let text = convert::text_of(vm, input)?;
    let codec = c.codec.0;
    let data = if codec.ascii && text.is_ascii() {
        BytesObj::new(text.data1())
    } else {
        let mut state = codec.start.0;
        let out = convert::encode(vm, codec, &mut state, text, &mut 0, Errors::of(&name), End::Reset)?;
        BytesObj::new(&out)
    };
    Ok(TupleObj::new(&[data.value(), int_value(text.len() as i64)]))
}

fn decode(vm: &Vm, c: Ptr<CodecObj>, input: Buffer, errors: Name) -> Res<Ptr<TupleObj>> {
    let name = handler_name(vm, errors.0)?;
    let text = convert::decode(vm, c.codec.0, input.as_slice(), Errors::of(&name))?;
    Ok(TupleObj::new(&[text.value(), int_value(input.len() as i64)]))
}

/// What the classes with an attribute `errors` have.
pub trait HasErrors: HeapObject + Named {
    /// The handler's name.
    fn errors(&self) -> &Field;
}

/// Adds that attribute, and an `__init__` that takes everything: `__new__` has done the work.
pub fn common<T: HasErrors>(t: TypeBuilder) -> TypeBuilder {
    t.method(
        "__init__($self, /, *args, **kwargs)",
        "Initialize self.  See help(type(self)) for accurate signature.",
        |_: &Vm, _: Ptr<T>, _: Value, _: Value| (),
    )
    .getset(
        "errors",
        "how to treat errors",
        |_: &Vm, o: Ptr<T>| o.errors().get(),
        |vm: &Vm, o: Ptr<T>, v: Value| {
            if v.is_empty() {
                return Err(vm.attribute_error("cannot delete attribute"));
            }
            let Some(s) = v.downcast::<StrObj>() else {
                return Err(vm.type_error("errors must be a string"));
            };
            handler_name(vm, Some(s))?;
            o.errors().set(o, v);
            Ok(())
        },
    )
}

/// The handler's name of an object.
pub fn errors_of<T: HasErrors>(vm: &Vm, o: Ptr<T>) -> Res<String> {
    handler_name(vm, o.errors().get().downcast())
}

/// The encoding of a class: its attribute `codec`.
pub fn codec_of(vm: &Vm, class: Ptr<TypeObj>) -> Res<&'static Codec> {
    let v = vm.get_attr_str(class.value(), "codec")?;
    match v.downcast::<CodecObj>() {
        Some(c) => Ok(c.codec.0),
        None => Err(vm.type_error("codec is unexpected type")),
    }
}

/// The arguments of a constructor: a stream, if it has one, and the name of an error handler.
pub fn arguments(
    vm: &Vm,
    name: &str,
    params: &[&str],
    args: Ptr<TupleObj>,
    kwargs: Ptr<DictObj>,
) -> Res<(Value, Value)> {
    let n = args.len() + kwargs.len();
    if n > params.len() {
        let plural = if params.len() == 1 { "" } else { "s" };
        let most = params.len();
        return Err(vm.type_error(format!("{name}() takes at most {most} argument{plural} ({n} given)")));
    }
    let mut found = [Value::EMPTY; 2];
    for (place, v) in found.iter_mut().zip(args.as_slice()) {
        *place = *v;
    }
    for e in kwargs.table.iter() {
        let key = e.key.downcast::<StrObj>().map_or(String::new(), |k| k.display());
        match params.iter().position(|p| *p == key) {
            Some(i) if i < args.len() => {
                return Err(vm.type_error(format!(
                    "argument for {name}() given by name ('{key}') and position ({})",
                    i + 1
                )));
            }
            Some(i) => found[i] = e.value,
            None => {
                let hint = cape_vm::suggest::closest(&key, params.iter().copied())
                    .map(|s| format!(". Did you mean '{s}'?"))
                    .unwrap_or_default();
                return Err(
                    vm.type_error(format!("{name}() got an unexpected keyword argument '{key}'{hint}"))
                );
            }
        }
    }
    let (stream, errors) = if params.len() == 1 { (Value::NONE, found[0]) } else { (found[0], found[1]) };
    if stream.is_empty() {
        return Err(vm.type_error(format!("{name}() missing required argument '{}' (pos 1)", params[0])));
    }
    let errors = match errors.downcast::<StrObj>() {
        Some(s) => s,
        None if errors.is_empty() => StrObj::new("strict"),
        None => {
            let got = if errors.is_none() { "None".into() } else { cape_vm::type_of(errors).name_str() };
            return Err(vm.type_error(format!("{name}() argument {} must be str, not {got}", params.len())));
        }
    };
    handler_name(vm, Some(errors))?;
    Ok((stream, errors.value()))
}
