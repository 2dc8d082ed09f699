//! `_types`: the names of builtin types that no syntax names.

use cape_builtins::capsule::CAPSULE;
use cape_builtins::mappingproxy::MAPPING_PROXY;
use cape_builtins::union_::UNION;
use cape_vm::object::ModuleObj;
use cape_vm::{Ptr, Res, Vm, ops, rt};

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    let t = &rt().types;
    for (name, class) in [
        ("AsyncGeneratorType", t.async_generator),
        ("BuiltinFunctionType", t.builtin_function),
        ("BuiltinMethodType", t.builtin_function),
        ("CapsuleType", CAPSULE.get()),
        ("CellType", t.cell),
        ("ClassMethodDescriptorType", t.classmethod_descriptor),
        ("CodeType", t.code),
        ("CoroutineType", t.coroutine),
        ("EllipsisType", t.ellipsis),
        ("FrameType", t.frame),
        ("FunctionType", t.function),
        ("GeneratorType", t.generator),
        ("GenericAlias", ops::GENERIC_ALIAS.get()),
        ("GetSetDescriptorType", t.getset_descriptor),
        ("LambdaType", t.function),
        ("MappingProxyType", MAPPING_PROXY.get()),
        ("MemberDescriptorType", t.member_descriptor),
        ("MethodDescriptorType", t.method_descriptor),
        ("MethodType", t.method),
        ("MethodWrapperType", t.method_wrapper),
        ("ModuleType", t.module),
        ("NoneType", t.none_type),
        ("NotImplementedType", t.not_implemented_type),
        ("SimpleNamespace", t.simple_namespace),
        ("TracebackType", t.traceback),
        ("UnionType", UNION.get()),
        ("WrapperDescriptorType", t.wrapper_descriptor),
    ] {
        m.add(name, class.value());
    }
    Ok(())
}
