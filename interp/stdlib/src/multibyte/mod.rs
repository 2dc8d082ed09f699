//! `_multibytecodec`, and the modules `_codecs_*` that have the encodings of East Asia.
//!
//! An encoding is a [`scheme::Scheme`]: it reads and writes one character. What is around that is the same for all: handlers of errors
//! (`convert`), objects that keep their state (`incremental`, `stream`).

mod cn;
mod codec;
mod convert;
mod incremental;
mod iso2022;
mod jp;
mod kr;
mod reverse;
mod scheme;
mod stream;
mod tables;
mod tw;

use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, rt};

use iso2022::Iso2022;
use jp::{EucJis2004, ShiftJis2004};
use scheme::Codec;

static CN: [Codec; 4] = [
    Codec::of::<cn::Gb2312>("gb2312"),
    Codec::of::<cn::Gbk>("gbk"),
    Codec::of::<cn::Gb18030>("gb18030"),
    Codec::of::<cn::Hz>("hz"),
];
static HK: [Codec; 1] = [Codec::of::<tw::Big5Hkscs>("big5hkscs")];
static ISO2022: [Codec; 7] = [
    Codec::of::<Iso2022<0>>("iso2022_kr"),
    Codec::of::<Iso2022<1>>("iso2022_jp"),
    Codec::of::<Iso2022<2>>("iso2022_jp_1"),
    Codec::of::<Iso2022<3>>("iso2022_jp_2"),
    Codec::of::<Iso2022<4>>("iso2022_jp_3"),
    Codec::of::<Iso2022<5>>("iso2022_jp_2004"),
    Codec::of::<Iso2022<6>>("iso2022_jp_ext"),
];
static JP: [Codec; 7] = [
    Codec::of::<jp::ShiftJis>("shift_jis"),
    Codec::of::<jp::Cp932>("cp932"),
    Codec::of::<jp::EucJp>("euc_jp"),
    Codec::of::<ShiftJis2004<false>>("shift_jis_2004"),
    Codec::of::<EucJis2004<false>>("euc_jis_2004"),
    Codec::of::<EucJis2004<true>>("euc_jisx0213"),
    Codec::of::<ShiftJis2004<true>>("shift_jisx0213"),
];
static KR: [Codec; 3] =
    [Codec::of::<kr::EucKr>("euc_kr"), Codec::of::<kr::Cp949>("cp949"), Codec::of::<kr::Johab>("johab")];
static TW: [Codec; 2] = [Codec::of::<tw::Big5>("big5"), Codec::of::<tw::Cp950>("cp950")];

/// Makes the modules importable.
pub fn register() {
    rt().add_native_module("_multibytecodec", |_: &Vm, m: Ptr<ModuleObj>| -> Res<()> {
        codec::init();
        incremental::init(m);
        stream::init(m);
        // CPython makes codecs of capsules, which no program has.
        m.function("__create_codec($module, arg, /)", "", |vm: &Vm, _: Value| -> Res<()> {
            Err(vm.value_error("argument type invalid"))
        });
        Ok(())
    });
    macro_rules! modules { ($($name:literal $codecs:ident)*) => { $(
        rt().add_native_module($name, |_: &Vm, m: Ptr<ModuleObj>| -> Res<()> {
            m.function("getcodec($module, object, /)", "", |vm: &Vm, name: Value| get(vm, &$codecs, name));
            Ok(())
        });
    )* } }
    modules! {
        "_codecs_cn" CN
        "_codecs_hk" HK
        "_codecs_iso2022" ISO2022
        "_codecs_jp" JP
        "_codecs_kr" KR
        "_codecs_tw" TW
    }
}

fn get(vm: &Vm, codecs: &'static [Codec], name: Value) -> Res<Value> {
    let Some(name) = name.downcast::<StrObj>() else {
        return Err(vm.type_error("encoding name must be a string."));
    };
    match codecs.iter().find(|c| name.eq_str(c.name)) {
        Some(c) => Ok(codec::make(c).value()),
        None => Err(vm.lookup_error("no such codec is supported.")),
    }
}
