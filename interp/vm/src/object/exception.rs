//! Exceptions and tracebacks.

use std::cell::Cell;

use cape_heap::{Field, Header, MapRef, Ptr, Value, heap, heap_object};

use super::TupleObj;

heap_object! {
    /// An instance of `BaseException`. `extra` is EMPTY or an array of the fields that its class adds
    /// (`errno`, `value`, `name`...), `traceback`, `cause` and `context` are `None` when absent.
    pub struct ExcObj {
        pub args: Field,
        pub traceback: Field,
        pub cause: Field,
        pub context: Field,
        pub extra: Field,
        pub suppress_context: Cell<bool>,
    }

    /// One level of a traceback.
    pub struct TracebackObj { pub next: Field, pub frame: Field, pub lasti: Cell<i32>, pub line: Cell<i32> }
}

impl TracebackObj {
    /// A level in front of `next` (a traceback or None), of a frame at the code word `lasti`. Line -1 is worked out when it is asked for.
    pub fn new(map: MapRef, next: Value, frame: Value, lasti: i32, line: i32) -> Ptr<TracebackObj> {
        heap().alloc(
            map,
            TracebackObj {
                header: Header::new(map),
                next: Field::new(next),
                frame: Field::new(frame),
                lasti: Cell::new(lasti),
                line: Cell::new(line),
            },
        )
    }

    /// The line; None when the code has none there.
    pub fn line_number(&self) -> Option<i32> {
        if self.line.get() == -1 {
            let frame: Ptr<crate::frame::FrameObj> = self.frame.downcast()?;
            let word = u32::try_from(self.lasti.get()).ok()?;
            let code = frame.code();
            let line = code.unit.position(word).map(|p| p.line as i32)?;
            self.line.set(line);
        }
        Some(self.line.get())
    }
}

impl ExcObj {
    /// An exception with this map and these `args`.
    pub fn with_map(map: MapRef, args: Ptr<TupleObj>) -> Ptr<ExcObj> {
        heap().alloc(
            map,
            ExcObj {
                header: Header::new(map),
                args: Field::new(args.value()),
                traceback: Field::new(Value::NONE),
                cause: Field::new(Value::NONE),
                context: Field::new(Value::NONE),
                extra: Field::new(Value::EMPTY),
                suppress_context: Cell::new(false),
            },
        )
    }
}
