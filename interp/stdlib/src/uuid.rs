//! `_uuid`: identifiers of version 1, of time and place (RFC 9562).

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use cape_vm::object::*;
use cape_vm::{Ptr, Raised, Res, Value, Vm};

/// Ticks of 100 ns between the first day of the Gregorian calendar and the epoch.
const GREGORIAN: u64 = 0x01b2_1dd2_1381_4000;

/// What the identifiers of a process have in common.
struct Generator {
    /// The process it was made in: after a fork the child needs a sequence of its own.
    process: u32,
    sequence: u16,
    node: [u8; 6],
    /// The latest time that was given out.
    last: u64,
}

static GENERATOR: Mutex<Option<Generator>> = Mutex::new(None);

/// Fills the module.
pub fn init(_vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    m.function("generate_time_safe($module, /)", "", |vm: &Vm| {
        let id = generate().map_err(|e| vm.os_error(e.to_string()))?;
        // Nothing keeps processes that begin at the same time apart but chance: -1 says so.
        Ok::<_, Raised>(TupleObj::new(&[BytesObj::new(&id).value(), Value::int(-1)]))
    });
    m.add("has_uuid_generate_time_safe", Value::int(1));
    // The node may be a random number.
    m.add("has_stable_extractable_node", Value::int(0));
    Ok(())
}

/// A new identifier.
fn generate() -> std::io::Result<[u8; 16]> {
    let mut guard = GENERATOR.lock().unwrap_or_else(|e| e.into_inner());
    let process = std::process::id();
    let g = match &mut *guard {
        Some(g) if g.process == process => g,
        other => other.insert(Generator::new(process)?),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64 / 100) + GREGORIAN;
    if now + 10_000_000 < g.last {
        // The clock was set back: the same times come again, under another sequence.
        g.sequence = g.sequence.wrapping_add(1) & 0x3fff;
        g.last = now;
    } else {
        g.last = now.max(g.last + 1);
    }
    let mut id = [0; 16];
    id[..4].copy_from_slice(&(g.last as u32).to_be_bytes());
    id[4..6].copy_from_slice(&((g.last >> 32) as u16).to_be_bytes());
    id[6..8].copy_from_slice(&((g.last >> 48) as u16 & 0x0fff | 0x1000).to_be_bytes());
    id[8..10].copy_from_slice(&(g.sequence | 0x8000).to_be_bytes());
    id[10..].copy_from_slice(&g.node);
    Ok(id)
}

impl Generator {
    fn new(process: u32) -> std::io::Result<Generator> {
        let random: [u8; 8] = random()?;
        let node = hardware_address().unwrap_or_else(|| {
            let mut node = [random[2], random[3], random[4], random[5], random[6], random[7]];
            // Real addresses of interfaces do not have this bit.
            node[0] |= 1;
            node
        });
        let sequence = u16::from_be_bytes([random[0], random[1]]) & 0x3fff;
        Ok(Generator { process, sequence, node, last: 0 })
    }
}

fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // SAFETY: the buffer has that many bytes. So few come at once.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr() as *mut libc::c_void, N, 0) };
    if got == N as isize { Ok(bytes) } else { Err(std::io::Error::last_os_error()) }
}

/// The address of the first interface that has one and takes part in the internet.
fn hardware_address() -> Option<[u8; 6]> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the list is written by the call.
    if unsafe { libc::getifaddrs(&mut list) } != 0 {
        return None;
    }
    let mut internet = HashSet::new();
    let mut addresses = Vec::new();
    let mut at = list;
    // SAFETY: the nodes of the list, their names and addresses are valid until it is freed; an address of the family AF_PACKET is a
    // `sockaddr_ll`.
    unsafe {
        while let Some(interface) = at.as_ref() {
            at = interface.ifa_next;
            let Some(address) = interface.ifa_addr.as_ref() else { continue };
            let name = CStr::from_ptr(interface.ifa_name);
            match address.sa_family as i32 {
                libc::AF_INET => {
                    internet.insert(name.to_owned());
                }
                libc::AF_PACKET => {
                    let link = &*(interface.ifa_addr as *const libc::sockaddr_ll);
                    let a = link.sll_addr;
                    if link.sll_halen == 6 && a != [0; 8] {
                        addresses.push((name.to_owned(), [a[0], a[1], a[2], a[3], a[4], a[5]]));
                    }
                }
                _ => {}
            }
        }
        libc::freeifaddrs(list);
    }
    addresses.into_iter().find(|(name, _)| internet.contains(name)).map(|(_, address)| address)
}
