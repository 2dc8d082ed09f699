//! `TreeBuilder`.

use std::cell::{Cell, RefCell};

use cape_heap::{Field, Header, Native, heap, heap_object};
use cape_vm::native::{Named, OrNone, new_type};
use cape_vm::object::*;
use cape_vm::{Ptr, Res, Value, Vm, intern, rt, type_of};

use crate::element::{self, ElementObj, children, expected};
use crate::events::{self, Kind};
use crate::state::StateObj;
use crate::text::joined;
use crate::{INIT, NEW};

heap_object! {
    /// `TreeBuilder`.
    pub struct BuilderObj {
        pub state: Field,
        /// The first element, or None.
        root: Field,
        /// The element that is open, or None.
        this: Field,
        /// The element that the text is to follow on: inside it, or, when it is closed, behind it.
        last: Field,
        closed: Cell<bool>,
        /// Pieces of text: EMPTY, the only one, or a list of them (which `many` says).
        data: Field,
        many: Cell<bool>,
        /// Text from the parser, before it becomes a piece.
        text: Native<Box<RefCell<String>>>,
        /// A list: the elements around the open one, None first.
        stack: Field,
        /// What makes elements, if not the module's class; EMPTY otherwise. Then those of comments and processing instructions: None when
        /// they are not made.
        factory: Field,
        comment_factory: Field,
        pi_factory: Field,
        insert_comments: Cell<bool>,
        insert_pis: Cell<bool>,
        /// The `append` of a queue of events, or EMPTY; and a list with the name of each kind of event, EMPTY for those that are not wanted.
        pub append: Field,
        pub wanted: Field,
    } [drop]
}

impl Named for BuilderObj {
    const NAME: &'static str = "xml.etree.ElementTree.TreeBuilder";
}

/// A builder.
pub type B = Ptr<BuilderObj>;

/// Makes the class.
pub fn make_class() -> Ptr<TypeObj> {
    new_type::<BuilderObj>("xml.etree.ElementTree.TreeBuilder", rt().types.object, TypeFlags::BASE)
        .new_fn("__new__($type, *args, **kwargs)", NEW, |_: &Vm, class: Ptr<TypeObj>, _: Value, _: Value| make(class))
        .method(
            "__init__($self, element_factory=None, *, comment_factory=None, pi_factory=None, insert_comments=False, insert_pis=False)",
            INIT,
            initialize,
        )
        .method("data($self, data, /)", "", |_: &Vm, b: B, data: Value| {
            if !b.last.get().is_none() {
                push(b, data);
            }
        })
        .method("start($self, tag, attrs, /)", "", |vm: &Vm, b: B, tag: Value, attrs: Ptr<DictObj>| {
            start(vm, b, tag, attrs.value())
        })
        .method("end($self, tag, /)", "", |vm: &Vm, b: B, _: Value| end(vm, b))
        .method("comment($self, text, /)", "", comment)
        .method("pi($self, target, text=None, /)", "", |vm: &Vm, b: B, target: Value, text: Option<Value>| {
            pi(vm, b, target, text.unwrap_or(Value::NONE))
        })
        .method("close($self, /)", "", |_: &Vm, b: B| close(b))
        .class()
}

/// A builder that makes nothing of comments and processing instructions.
pub fn make(class: Ptr<TypeObj>) -> B {
    let state = StateObj::of(class);
    let map = class.instance_map();
    let stack = ListObj::new(&[]);
    let none = || Field::new(Value::NONE);
    let empty = || Field::new(Value::EMPTY);
    heap().alloc(
        map,
        BuilderObj {
            header: Header::new(map),
            state: Field::new(state.value()),
            root: none(),
            this: none(),
            last: none(),
            closed: Cell::new(false),
            data: empty(),
            many: Cell::new(false),
            text: Native(Box::default()),
            stack: Field::new(stack.value()),
            factory: empty(),
            comment_factory: none(),
            pi_factory: none(),
            insert_comments: Cell::new(false),
            insert_pis: Cell::new(false),
            append: empty(),
            wanted: empty(),
        },
    )
}

fn initialize(
    _: &Vm,
    b: B,
    element: OrNone<Value>,
    comment: OrNone<Value>,
    pi: OrNone<Value>,
    insert_comments: Option<bool>,
    insert_pis: Option<bool>,
) {
    let state = b.module();
    b.factory.set(b, element.0.unwrap_or(Value::EMPTY));
    b.comment_factory.set(b, comment.0.unwrap_or(state.comment.get()));
    b.pi_factory.set(b, pi.0.unwrap_or(state.pi.get()));
    b.insert_comments.set(insert_comments.unwrap_or(false));
    b.insert_pis.set(insert_pis.unwrap_or(false));
}

impl BuilderObj {
    /// What the classes know of each other.
    #[inline]
    pub fn module(&self) -> Ptr<StateObj> {
        // SAFETY: nothing else is stored there.
        unsafe { self.state.cast() }
    }

    #[inline]
    fn open(&self) -> Ptr<ListObj> {
        // SAFETY: as above.
        unsafe { self.stack.cast() }
    }
}

/// Takes in a piece of text.
fn push(b: B, piece: Value) {
    settle(b);
    add_piece(b, piece);
}

fn add_piece(b: B, piece: Value) {
    let old = b.data.get();
    if old.is_empty() {
        b.data.set(b, piece);
    } else if b.many.get() {
        if let Some(list) = old.downcast::<ListObj>() {
            list.push(piece);
        }
    } else {
        b.data.set(b, ListObj::new(&[old, piece]).value());
        b.many.set(true);
    }
}

/// Makes a piece of the parser's text.
fn settle(b: B) {
    if b.text.borrow().is_empty() {
        return;
    }
    // (The string may collect: the text is not borrowed then, but nobody else writes it meanwhile.)
    let text = std::mem::take(&mut *b.text.borrow_mut());
    let piece = StrObj::new(&text).value();
    let mut text = text;
    text.clear();
    *b.text.borrow_mut() = text;
    add_piece(b, piece);
}

/// Takes in text of the parser.
#[inline]
pub fn push_text(b: B, text: &str) {
    if !b.last.get().is_none() {
        b.text.borrow_mut().push_str(text);
    }
}

/// Takes in what stands for an entity.
pub fn push_value(b: B, v: Value) {
    if !b.last.get().is_none() {
        push(b, v);
    }
}

/// Gives the text that has been collected to the element it belongs to.
fn flush(vm: &Vm, b: B) -> Res<()> {
    settle(b);
    let data = b.data.get();
    if data.is_empty() {
        return Ok(());
    }
    let many = b.many.replace(false);
    b.data.set_no_barrier(Value::EMPTY);
    let text = match data.downcast::<ListObj>().filter(|_| many) {
        Some(list) => joined(vm, list.snapshot().as_slice())?,
        None => data,
    };
    let (last, tail) = (b.last.get(), b.closed.get());
    if let Some(e) = last.downcast::<ElementObj>()
        && b.module().is_exact(last, |s| &s.element)
    {
        let field = if tail { &e.tail } else { &e.text };
        let old = field.get();
        let all = if old.is_none() { text } else { joined(vm, &[old, text])? };
        field.set(e, all);
        return Ok(());
    }
    let name = intern(if tail { "tail" } else { "text" });
    let old = vm.get_attr(last, name)?;
    let all = if old.is_none() { text } else { joined(vm, &[old, text])? };
    vm.set_attr(last, name, all)
}

/// Makes one a subelement of another.
fn adopt(vm: &Vm, b: B, parent: Value, child: Value) -> Res<()> {
    match parent.downcast::<ElementObj>() {
        Some(e) if b.module().is_exact(parent, |s| &s.element) => {
            children(e).push(expected(vm, child)?.value());
            Ok(())
        }
        _ => vm.call_method(parent, intern("append"), &[child]).map(drop),
    }
}

/// Opens an element. `attrib` is a dict, which may become the element's, or EMPTY.
pub fn start(vm: &Vm, b: B, tag: Value, attrib: Value) -> Res<Value> {
    flush(vm, b)?;
    let factory = b.factory.get();
    let node = if factory.is_empty() {
        let attrib = match attrib.downcast::<DictObj>() {
            Some(d) if d.is_empty() => Value::EMPTY,
            _ => attrib,
        };
        element::new(b.module().class(|s| &s.element), tag, attrib).value()
    } else {
        let attrib = if attrib.is_empty() { DictObj::new().value() } else { attrib };
        vm.call(factory, &[tag, attrib])?
    };
    let this = b.this.get();
    b.closed.set(false);
    if !this.is_none() {
        adopt(vm, b, this, node)?;
    } else if b.root.get().is_none() {
        b.root.set(b, node);
    } else {
        return Err(b.module().parse_error(vm, "multiple elements on top level", None));
    }
    b.open().push(this);
    b.this.set(b, node);
    b.last.set(b, node);
    events::report(vm, b, Kind::Start, node)?;
    Ok(node)
}

/// Closes the element that is open.
pub fn end(vm: &Vm, b: B) -> Res<Value> {
    flush(vm, b)?;
    let open = b.open();
    let Some(last) = open.len().checked_sub(1) else {
        return Err(vm.index_error("pop from empty stack"));
    };
    let node = b.this.get();
    b.last.set(b, node);
    b.closed.set(true);
    let outer = open.get(last).unwrap_or(Value::NONE);
    // The place stays for the next element.
    open.remove(last);
    b.this.set(b, outer);
    events::report(vm, b, Kind::End, node)?;
    Ok(node)
}

/// Puts what a factory has made into the tree, if it is wanted there.
fn insert(vm: &Vm, b: B, node: Value, wanted: bool) -> Res<()> {
    let this = b.this.get();
    if wanted && !this.is_none() {
        adopt(vm, b, this, node)?;
        b.last.set(b, node);
        b.closed.set(true);
    }
    Ok(())
}

/// A comment: what its factory makes of it.
pub fn comment(vm: &Vm, b: B, text: Value) -> Res<Value> {
    flush(vm, b)?;
    let factory = b.comment_factory.get();
    let mut node = text;
    if !factory.is_none() {
        node = vm.call(factory, &[text])?;
        insert(vm, b, node, b.insert_comments.get())?;
    }
    events::report(vm, b, Kind::Comment, node)?;
    Ok(node)
}

/// A processing instruction: the same.
pub fn pi(vm: &Vm, b: B, target: Value, text: Value) -> Res<Value> {
    flush(vm, b)?;
    let factory = b.pi_factory.get();
    let node = if factory.is_none() {
        TupleObj::new(&[target, text]).value()
    } else {
        let node = vm.call(factory, &[target, text])?;
        insert(vm, b, node, b.insert_pis.get())?;
        node
    };
    events::report(vm, b, Kind::Pi, node)?;
    Ok(node)
}

/// The tree.
pub fn close(b: B) -> Value {
    b.root.get()
}

/// Whether an object is a builder whose methods are those here.
pub fn exact(v: Value) -> Option<B> {
    let b = v.downcast::<BuilderObj>()?;
    (!type_of(v).has(TypeFlags::HEAP)).then_some(b)
}
