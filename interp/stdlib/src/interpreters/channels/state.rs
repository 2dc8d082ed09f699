//! Channels themselves: what is in them, and which interpreters are at their ends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::super::arguments::Unbound;
use super::super::crossing::Packed;
use crate::lock::RawLock;

/// Which end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Send,
    Recv,
    Both,
}

/// Somebody who waits until an item is received, or is gone.
pub struct Waiter {
    /// Held until then.
    pub over: RawLock,
    pub received: AtomicBool,
}

impl Waiter {
    pub fn new() -> Arc<Waiter> {
        let w = Waiter { over: RawLock::default(), received: AtomicBool::new(false) };
        w.over.try_acquire();
        Arc::new(w)
    }

    /// Says what became of the item.
    pub fn tell(&self, received: bool) {
        self.received.store(received, Ordering::Release);
        self.over.release();
    }
}

/// Something that was sent.
pub struct Item {
    interpreter: i64,
    /// Nothing: the interpreter has ended.
    data: Option<Packed>,
    unbound: Unbound,
    waiter: Option<Arc<Waiter>>,
}

impl Drop for Item {
    fn drop(&mut self) {
        if let Some(w) = self.waiter.take() {
            w.tell(false);
        }
    }
}

impl Item {
    /// One of the interpreter of this number.
    pub fn new(interpreter: i64, data: Packed, unbound: Unbound, waiter: Option<Arc<Waiter>>) -> Item {
        Item { interpreter, data: Some(data), unbound, waiter }
    }

    /// What it has for the receiver.
    pub fn data(&self) -> Result<&Packed, Unbound> {
        self.data.as_ref().ok_or(self.unbound)
    }

    /// Whoever waits is told that it was received.
    pub fn received(&mut self) {
        if let Some(w) = self.waiter.take() {
            w.tell(true);
        }
    }
}

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    NotFound,
    Closed,
    /// For this interpreter.
    ClosedHere,
    ClosedMeanwhile,
    Empty,
    NotEmpty,
}

/// An interpreter at an end.
struct At {
    interpreter: i64,
    open: bool,
}

/// A channel that is not closed altogether.
struct Open {
    items: VecDeque<Item>,
    send: Vec<At>,
    recv: Vec<At>,
    /// Nothing is sent any more; it will be closed when it is empty.
    closing: bool,
}

impl Open {
    fn end(&mut self, send: bool) -> &mut Vec<At> {
        if send { &mut self.send } else { &mut self.recv }
    }

    /// The interpreter takes part at an end from now on.
    fn join(&mut self, interpreter: i64, send: bool) -> Result<(), Mistake> {
        let end = self.end(send);
        match end.iter().find(|a| a.interpreter == interpreter) {
            Some(a) if !a.open => Err(Mistake::ClosedHere),
            Some(_) => Ok(()),
            None => {
                end.push(At { interpreter, open: true });
                Ok(())
            }
        }
    }

    fn leave(&mut self, interpreter: i64, send: bool, even_strangers: bool) {
        let end = self.end(send);
        match end.iter_mut().find(|a| a.interpreter == interpreter) {
            Some(a) => a.open = false,
            None if even_strangers => end.push(At { interpreter, open: false }),
            None => {}
        }
    }

    /// Whether somebody is at an end, or nobody has ever been.
    fn has_use(&self) -> bool {
        let mut all = self.send.iter().chain(&self.recv).peekable();
        all.peek().is_none() || all.any(|a| a.open)
    }
}

struct Channel {
    id: i64,
    unbound: Unbound,
    /// Nothing: it is closed.
    open: Option<Open>,
    /// It was closed, and did not only lose all who were at its ends.
    closed: bool,
    /// How many objects of Python's stand for it.
    references: usize,
}

struct Channels {
    list: Vec<Channel>,
    next_id: i64,
}

struct Shared(RefCell<Channels>);
// SAFETY: used with the lock held, and never while other code runs.
unsafe impl Sync for Shared {}
static CHANNELS: Shared = Shared(RefCell::new(Channels { list: Vec::new(), next_id: 0 }));

/// Calls `f` with a channel. Items are not to be dropped in `f`: they may hold others.
fn with<R>(id: i64, f: impl FnOnce(&mut Channel) -> Result<R, Mistake>) -> Result<R, Mistake> {
    let mut all = CHANNELS.0.borrow_mut();
    f(all.list.iter_mut().find(|c| c.id == id).ok_or(Mistake::NotFound)?)
}

fn with_open<R>(id: i64, f: impl FnOnce(&mut Open) -> Result<R, Mistake>) -> Result<R, Mistake> {
    with(id, |c| f(c.open.as_mut().ok_or(Mistake::Closed)?))
}

/// Makes a channel; its number.
pub fn create(unbound: Unbound) -> i64 {
    let mut all = CHANNELS.0.borrow_mut();
    let id = all.next_id;
    all.next_id += 1;
    let open = Open { items: VecDeque::new(), send: Vec::new(), recv: Vec::new(), closing: false };
    all.list.push(Channel { id, unbound, open: Some(open), closed: false, references: 0 });
    id
}

/// Forgets a channel, with all that is in it.
pub fn destroy(id: i64) -> Result<(), Mistake> {
    let gone = {
        let mut all = CHANNELS.0.borrow_mut();
        let at = all.list.iter().position(|c| c.id == id).ok_or(Mistake::NotFound)?;
        all.list.remove(at)
    };
    drop(gone);
    Ok(())
}

/// The channels that nobody has closed, the newest first: their numbers and what becomes of their items.
pub fn list() -> Vec<(i64, Unbound)> {
    let all = CHANNELS.0.borrow();
    all.list.iter().rev().filter(|c| !c.closed).map(|c| (c.id, c.unbound)).collect()
}

/// What becomes of a channel's items unless somebody says otherwise.
pub fn default_of(id: i64) -> Result<Unbound, Mistake> {
    with(id, |c| c.open.as_ref().map(|_| c.unbound).ok_or(Mistake::Closed))
}

/// One more object of Python's stands for a channel.
pub fn hold(id: i64) -> Result<(), Mistake> {
    with(id, |c| {
        c.references += 1;
        Ok(())
    })
}

/// One less: a channel goes with the last.
pub fn let_go(id: i64) {
    let left = with(id, |c| {
        c.references = c.references.saturating_sub(1);
        Ok(c.references)
    });
    if left == Ok(0) {
        let _ = destroy(id);
    }
}

/// Whether things can be sent.
pub fn check_send(id: i64) -> Result<(), Mistake> {
    with_open(id, |o| if o.closing { Err(Mistake::Closed) } else { Ok(()) })
}

/// Sends an item.
pub fn send(id: i64, item: Item) -> Result<(), Mistake> {
    let mut item = Some(item);
    check_send(id)?;
    with_open(id, |o| {
        o.join(item.as_ref().expect("still here").interpreter, true)?;
        o.items.extend(item.take());
        Ok(())
    })
}

/// Takes an item back that somebody waits for; false when it is not there any more.
pub fn take_back(id: i64, waiter: &Arc<Waiter>) {
    let found = with_open(id, |o| {
        let own = |i: &Item| i.waiter.as_ref().is_some_and(|w| Arc::ptr_eq(w, waiter));
        let at = o.items.iter().position(own);
        Ok(at.and_then(|at| o.items.remove(at)))
    });
    drop(found);
    finish_closing(id);
}

/// The next item, for an interpreter.
pub fn recv(id: i64, interpreter: i64) -> Result<Item, Mistake> {
    let item = with_open(id, |o| {
        o.join(interpreter, false)?;
        o.items.pop_front().ok_or(Mistake::Empty)
    });
    finish_closing(id);
    item
}

/// A channel that was to be closed when it is empty is, if it is.
fn finish_closing(id: i64) {
    let _ = with(id, |c| {
        if c.open.as_ref().is_some_and(|o| o.closing && o.items.is_empty()) {
            c.open = None;
            c.closed = true;
        }
        Ok(())
    });
}

/// Closes a channel for all.
pub fn close(id: i64, side: Side, force: bool) -> Result<(), Mistake> {
    let gone = with(id, |c| {
        let o = c.open.as_mut().ok_or(Mistake::Closed)?;
        if !force && side == Side::Send && o.closing {
            return Err(Mistake::Closed);
        }
        if !force && !o.items.is_empty() {
            if side != Side::Send {
                return Err(Mistake::NotEmpty);
            }
            o.closing = true;
            return Ok(None);
        }
        c.closed = true;
        Ok(c.open.take())
    })?;
    drop(gone);
    Ok(())
}

/// Closes a channel's ends for an interpreter, and the channel when nobody is left.
pub fn release(id: i64, side: Side, interpreter: i64) -> Result<(), Mistake> {
    let gone = with(id, |c| {
        let o = c.open.as_mut().ok_or(Mistake::Closed)?;
        for send in [true, false] {
            if side == Side::Both || (side == Side::Send) == send {
                o.leave(interpreter, send, true);
            }
        }
        Ok(if o.has_use() { None } else { c.open.take() })
    })?;
    drop(gone);
    Ok(())
}

/// Whether an interpreter is at an end.
pub fn is_at(id: i64, interpreter: i64, send: bool) -> Result<bool, Mistake> {
    with_open(id, |o| {
        if send && o.closing {
            return Err(Mistake::Closed);
        }
        Ok(o.end(send).iter().any(|a| a.interpreter == interpreter && a.open))
    })
}

/// How many items there are.
pub fn count(id: i64) -> Result<usize, Mistake> {
    with_open(id, |o| Ok(o.items.len()))
}

/// What is told of a channel.
#[derive(Default)]
pub struct Info {
    pub open: bool,
    pub closing: bool,
    pub count: usize,
    /// How many interpreters are at the sending end only, and were; at the receiving end; at both, and were at both, or have left the
    /// sending or the receiving one.
    pub numbers: [usize; 8],
    /// Whether the interpreter that asks is at the sending end, was, is at the receiving one, was.
    pub own: [bool; 4],
}

/// What is to be told of a channel in an interpreter.
pub fn info(id: i64, interpreter: i64) -> Result<Info, Mistake> {
    with(id, |c| {
        let mut info = Info::default();
        let Some(o) = &c.open else { return Ok(info) };
        (info.open, info.closing, info.count) = (!o.closing, o.closing, o.items.len());
        let state = |end: &[At], i: i64| end.iter().find(|a| a.interpreter == i).map(|a| a.open);
        let mut ids: Vec<i64> = o.send.iter().chain(&o.recv).map(|a| a.interpreter).collect();
        ids.sort_unstable();
        ids.dedup();
        for i in ids {
            let at = match (state(&o.send, i), state(&o.recv, i)) {
                (Some(true), None) => 0,
                (Some(false), None) => 1,
                (None, Some(true)) => 2,
                (None, Some(false)) => 3,
                (Some(true), Some(true)) => 4,
                (Some(false), Some(false)) => 5,
                // As CPython counts them.
                (Some(true), Some(false)) => 6,
                (Some(false), Some(true)) => 7,
                (None, None) => continue,
            };
            info.numbers[at] += 1;
        }
        let (send, recv) = (state(&o.send, interpreter), state(&o.recv, interpreter));
        info.own = [send == Some(true), send == Some(false), recv == Some(true), recv == Some(false)];
        Ok(info)
    })
}

/// An interpreter ends: it leaves all channels, and what it has sent is no more, or a sign stands in its place.
pub fn interpreter_ends(interpreter: i64) {
    let mut gone_items = Vec::new();
    let mut gone_data = Vec::new();
    let mut gone_channels = Vec::new();
    for c in CHANNELS.0.borrow_mut().list.iter_mut() {
        let Some(o) = &mut c.open else { continue };
        for mut item in std::mem::take(&mut o.items) {
            if item.interpreter == interpreter && item.data.is_some() {
                if item.unbound == Unbound::Remove {
                    gone_items.push(item);
                    continue;
                }
                gone_data.push(item.data.take());
            }
            o.items.push_back(item);
        }
        for send in [true, false] {
            o.leave(interpreter, send, false);
        }
        if !o.has_use() {
            gone_channels.push(c.open.take());
        }
    }
}
