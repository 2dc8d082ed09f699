//! `_remote_debugging`: the types of what is seen in another process. Looking into one waits: its stacks and objects have no description
//! yet by which a stranger could read them.

use cape_vm::native::new_type;
use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::structseq::{Spec, StructSeq};
use cape_vm::{Ptr, Res, Value, Vm};

macro_rules! kinds {
    ($($kind:ident $name:literal $doc:literal [$($field:literal $what:literal),*];)*) => {
        $(static $kind: StructSeq = StructSeq::new(Spec {
            name: concat!("_remote_debugging.", $name),
            doc: $doc,
            fields: &[$(($field, $what)),*],
            visible: [$($field),*].len(),
            instantiable: true,
            complete: None,
        });)*
        const KINDS: &[&StructSeq] = &[$(&$kind),*];
    };
}

kinds! {
    FRAME "FrameInfo" "Information about a frame" [
        "filename" "Source code filename", "lineno" "Line number", "funcname" "Function name"
    ];
    CORO "CoroInfo" "Information about a coroutine" [
        "call_stack" "Coroutine call stack", "task_name" "Task name"
    ];
    TASK "TaskInfo" "Information about an asyncio task" [
        "task_id" "Task ID (memory address)", "task_name" "Task name", "coroutine_stack" "Coroutine call stack",
        "awaited_by" "Tasks awaiting this task"
    ];
    THREAD "ThreadInfo" "Information about a thread" [
        "thread_id" "Thread ID", "frame_info" "Frame information"
    ];
    AWAITED "AwaitedInfo" "Information about what a thread is awaiting" [
        "thread_id" "Thread ID", "awaited_by" "List of tasks awaited by this thread"
    ];
}

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.add("PROCESS_VM_READV_SUPPORTED", Value::int(0));
    for kind in KINDS {
        m.class(kind.class());
    }
    let unwinder = new_type::<InstanceObj>("_remote_debugging.RemoteUnwinder", rt().types.object, 0)
        .doc("RemoteUnwinder(pid): Inspect stack of a remote Python process.")
        .new_fn(
            "__new__($type, /, pid, *, all_threads=False, only_active_thread=False, debug=False)",
            "Create and return a new object.",
            |vm: &Vm, _: Value, _pid: i32, _: Option<Value>, _: Option<Value>, _: Option<Value>| {
                Err::<Value, _>(vm.missing("_remote_debugging.RemoteUnwinder"))
            },
        );
    m.class(unwinder.class());
    Ok(())
}
