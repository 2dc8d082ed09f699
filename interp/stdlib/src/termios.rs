//! `termios`.

use cape_vm::native::{FromArg, int_from};
use cape_vm::object::{BytesObj, DictObj, Int, ListObj, ModuleObj, TupleObj};
use cape_vm::runtime::StaticType;
use cape_vm::{Ptr, Raised, Res, Value, Vm, intern, rt};

use crate::fsname::Fd;
use crate::oserror::{errno, strerror};

#[rustfmt::skip]
const CONSTANTS: &[(&str, i64)] = &[
    ("B0", 0), ("B1000000", 1000000), ("B110", 110), ("B115200", 115200), ("B1152000", 1152000),
    ("B1200", 1200), ("B134", 134), ("B14400", 14400), ("B150", 150), ("B1500000", 1500000), ("B1800", 1800),
    ("B19200", 19200), ("B200", 200), ("B2000000", 2000000), ("B230400", 230400), ("B2400", 2400),
    ("B2500000", 2500000), ("B28800", 28800), ("B300", 300), ("B3000000", 3000000), ("B3500000", 3500000),
    ("B38400", 38400), ("B4000000", 4000000), ("B460800", 460800), ("B4800", 4800), ("B50", 50),
    ("B500000", 500000), ("B57600", 57600), ("B576000", 576000), ("B600", 600), ("B7200", 7200), ("B75", 75),
    ("B76800", 76800), ("B921600", 921600), ("B9600", 9600), ("BRKINT", 2), ("BS0", 0), ("BS1", 8192),
    ("BSDLY", 8192), ("CBAUD", 4111), ("CBAUDEX", 4096), ("CDSUSP", 25), ("CEOF", 4), ("CEOL", 0), ("CEOT", 4),
    ("CERASE", 127), ("CFLUSH", 15), ("CIBAUD", 269418496), ("CINTR", 3), ("CKILL", 21), ("CLNEXT", 22),
    ("CLOCAL", 2048), ("CQUIT", 28), ("CR0", 0), ("CR1", 512), ("CR2", 1024), ("CR3", 1536), ("CRDLY", 1536),
    ("CREAD", 128), ("CRPRNT", 18), ("CRTSCTS", 2147483648), ("CS5", 0), ("CS6", 16), ("CS7", 32), ("CS8", 48),
    ("CSIZE", 48), ("CSTART", 17), ("CSTOP", 19), ("CSTOPB", 64), ("CSUSP", 26), ("CWERASE", 23), ("ECHO", 8),
    ("ECHOCTL", 512), ("ECHOE", 16), ("ECHOK", 32), ("ECHOKE", 2048), ("ECHONL", 64), ("ECHOPRT", 1024),
    ("EXTA", 19200), ("EXTB", 38400), ("EXTPROC", 65536), ("FF0", 0), ("FF1", 32768), ("FFDLY", 32768),
    ("FIOASYNC", 21586), ("FIOCLEX", 21585), ("FIONBIO", 21537), ("FIONCLEX", 21584), ("FIONREAD", 21531),
    ("FLUSHO", 4096), ("HUPCL", 1024), ("IBSHIFT", 16), ("ICANON", 2), ("ICRNL", 256), ("IEXTEN", 32768),
    ("IGNBRK", 1), ("IGNCR", 128), ("IGNPAR", 4), ("IMAXBEL", 8192), ("INLCR", 64), ("INPCK", 16),
    ("IOCSIZE_MASK", 1073676288), ("IOCSIZE_SHIFT", 16), ("ISIG", 1), ("ISTRIP", 32), ("IUCLC", 512),
    ("IUTF8", 16384), ("IXANY", 2048), ("IXOFF", 4096), ("IXON", 1024), ("NCCS", 32), ("NL0", 0), ("NL1", 256),
    ("NLDLY", 256), ("NOFLSH", 128), ("N_MOUSE", 2), ("N_PPP", 3), ("N_SLIP", 1), ("N_STRIP", 4), ("N_TTY", 0),
    ("OCRNL", 8), ("OFDEL", 128), ("OFILL", 64), ("OLCUC", 2), ("ONLCR", 4), ("ONLRET", 32), ("ONOCR", 16),
    ("OPOST", 1), ("PARENB", 256), ("PARMRK", 8), ("PARODD", 512), ("PENDIN", 16384), ("TAB0", 0),
    ("TAB1", 2048), ("TAB2", 4096), ("TAB3", 6144), ("TABDLY", 6144), ("TCFLSH", 21515), ("TCGETS", 21505),
    ("TCIFLUSH", 0), ("TCIOFF", 2), ("TCIOFLUSH", 2), ("TCION", 3), ("TCOFLUSH", 1), ("TCOOFF", 0),
    ("TCOON", 1), ("TCSADRAIN", 1), ("TCSAFLUSH", 2), ("TCSANOW", 0), ("TCSBRK", 21513), ("TCSBRKP", 21541),
    ("TCSETS", 21506), ("TCSETSF", 21508), ("TCSETSW", 21507), ("TCXONC", 21514), ("TIOCCONS", 21533),
    ("TIOCEXCL", 21516), ("TIOCGETD", 21540), ("TIOCGICOUNT", 21597), ("TIOCGLCKTRMIOS", 21590),
    ("TIOCGPGRP", 21519), ("TIOCGSERIAL", 21534), ("TIOCGSOFTCAR", 21529), ("TIOCGWINSZ", 21523),
    ("TIOCINQ", 21531), ("TIOCLINUX", 21532), ("TIOCMBIC", 21527), ("TIOCMBIS", 21526), ("TIOCMGET", 21525),
    ("TIOCMIWAIT", 21596), ("TIOCMSET", 21528), ("TIOCM_CAR", 64), ("TIOCM_CD", 64), ("TIOCM_CTS", 32),
    ("TIOCM_DSR", 256), ("TIOCM_DTR", 2), ("TIOCM_LE", 1), ("TIOCM_RI", 128), ("TIOCM_RNG", 128),
    ("TIOCM_RTS", 4), ("TIOCM_SR", 16), ("TIOCM_ST", 8), ("TIOCNOTTY", 21538), ("TIOCNXCL", 21517),
    ("TIOCOUTQ", 21521), ("TIOCPKT", 21536), ("TIOCPKT_DATA", 0), ("TIOCPKT_DOSTOP", 32),
    ("TIOCPKT_FLUSHREAD", 1), ("TIOCPKT_FLUSHWRITE", 2), ("TIOCPKT_NOSTOP", 16), ("TIOCPKT_START", 8),
    ("TIOCPKT_STOP", 4), ("TIOCSCTTY", 21518), ("TIOCSERCONFIG", 21587), ("TIOCSERGETLSR", 21593),
    ("TIOCSERGETMULTI", 21594), ("TIOCSERGSTRUCT", 21592), ("TIOCSERGWILD", 21588), ("TIOCSERSETMULTI", 21595),
    ("TIOCSERSWILD", 21589), ("TIOCSER_TEMT", 1), ("TIOCSETD", 21539), ("TIOCSLCKTRMIOS", 21591),
    ("TIOCSPGRP", 21520), ("TIOCSSERIAL", 21535), ("TIOCSSOFTCAR", 21530), ("TIOCSTI", 21522),
    ("TIOCSWINSZ", 21524), ("TOSTOP", 256), ("VDISCARD", 13), ("VEOF", 4), ("VEOL", 11), ("VEOL2", 16),
    ("VERASE", 2), ("VINTR", 0), ("VKILL", 3), ("VLNEXT", 15), ("VMIN", 6), ("VQUIT", 1), ("VREPRINT", 12),
    ("VSTART", 8), ("VSTOP", 9), ("VSUSP", 10), ("VSWTC", 7), ("VSWTCH", 7), ("VT0", 0), ("VT1", 16384),
    ("VTDLY", 16384), ("VTIME", 5), ("VWERASE", 14), ("XCASE", 4), ("XTABS", 6144), ("_POSIX_VDISABLE", 0),
];

static ERROR: StaticType = StaticType::new();

/// Indices of `c_cc` that are numbers when input is not canonical.
const VMIN: usize = 6;
const VTIME: usize = 5;
const NCCS: usize = 32;

/// Fills the module.
pub fn init(vm: &Vm, m: Ptr<ModuleObj>) -> Res<()> {
    for &(name, n) in CONSTANTS {
        m.add(name, int_from(n as i128));
    }
    let ns = DictObj::new();
    ns.set_str(rt().names.module, intern("termios"));
    let bases = TupleObj::new(&[rt().types.exception.value()]);
    let e = vm.call(rt().types.type_.value(), &[intern("error"), bases.value(), ns.value()])?;
    ERROR.set(e.downcast().expect("type() makes a class"));
    m.add("error", e);
    m.function("tcgetattr($module, fd, /)", "Get the tty attributes for file descriptor fd.", tcgetattr)
        .function("tcsetattr($module, fd, when, attributes, /)", "Set the tty attributes for file descriptor fd.", tcsetattr)
        .function("tcsendbreak($module, fd, duration, /)", "Send a break on file descriptor fd.", |vm: &Vm, fd: Fd, n: i32| {
            // SAFETY: a plain call.
            done(vm, || unsafe { libc::tcsendbreak(fd.0, n) })
        })
        .function("tcdrain($module, fd, /)", "Wait until all output written to file descriptor fd has been transmitted.", |vm: &Vm, fd: Fd| {
            // SAFETY: a plain call.
            done(vm, || unsafe { libc::tcdrain(fd.0) })
        })
        .function("tcflush($module, fd, queue, /)", "Discard queued data on file descriptor fd.", |vm: &Vm, fd: Fd, q: i32| {
            // SAFETY: a plain call.
            done(vm, || unsafe { libc::tcflush(fd.0, q) })
        })
        .function("tcflow($module, fd, action, /)", "Suspend or resume input or output on file descriptor fd.", |vm: &Vm, fd: Fd, a: i32| {
            // SAFETY: a plain call.
            done(vm, || unsafe { libc::tcflow(fd.0, a) })
        })
        .function("tcgetwinsize($module, fd, /)", "Get the tty winsize for file descriptor fd.", |vm: &Vm, fd: Fd| {
            // SAFETY: a valid buffer.
            let (r, w) = unsafe {
                let mut w: libc::winsize = std::mem::zeroed();
                (libc::ioctl(fd.0, libc::TIOCGWINSZ, &mut w), w)
            };
            if r < 0 {
                return Err(error(vm));
            }
            Ok(TupleObj::new(&[Value::int(w.ws_row as i64), Value::int(w.ws_col as i64)]).value())
        })
        .function("tcsetwinsize($module, fd, winsize, /)", "Set the tty winsize for file descriptor fd.", tcsetwinsize);
    Ok(())
}

fn error(vm: &Vm) -> Raised {
    let e = errno();
    vm.new_exc_args(ERROR.get(), &[Value::int(e as i64), cape_vm::object::StrObj::new(&strerror(e)).value()])
}

fn done(vm: &Vm, f: impl FnOnce() -> i32) -> Res<()> {
    let (r, e) = vm.allow_threads(|| (f(), errno()));
    crate::oserror::set_errno(e);
    if r < 0 { Err(error(vm)) } else { Ok(()) }
}

fn get(vm: &Vm, fd: i32) -> Res<libc::termios> {
    // SAFETY: a valid buffer.
    let (r, t) = unsafe {
        let mut t: libc::termios = std::mem::zeroed();
        (libc::tcgetattr(fd, &mut t), t)
    };
    if r < 0 { Err(error(vm)) } else { Ok(t) }
}

fn tcgetattr(vm: &Vm, fd: Fd) -> Res<Value> {
    let t = get(vm, fd.0)?;
    let cc = ListObj::new(&[]);
    for (i, &c) in t.c_cc.iter().enumerate().take(NCCS) {
        let number = t.c_lflag & libc::ICANON == 0 && (i == VMIN || i == VTIME);
        cc.push(if number { Value::int(c as i64) } else { BytesObj::new(&[c]).value() });
    }
    // SAFETY: valid structs.
    let (i, o) = unsafe { (libc::cfgetispeed(&t), libc::cfgetospeed(&t)) };
    let n = |v: u32| int_from(v as i128);
    let items =
        [n(t.c_iflag), n(t.c_oflag), n(t.c_cflag), n(t.c_lflag), n(baud(i)), n(baud(o)), cc.value()];
    Ok(ListObj::new(&items).value())
}

/// Speeds are named by their number of bauds; the system's codes are others.
#[rustfmt::skip]
const SPEEDS: &[(u32, u32)] = &[
    (0, libc::B0), (50, libc::B50), (75, libc::B75), (110, libc::B110), (134, libc::B134), (150, libc::B150), (200, libc::B200),
    (300, libc::B300), (600, libc::B600), (1200, libc::B1200), (1800, libc::B1800), (2400, libc::B2400), (4800, libc::B4800),
    (9600, libc::B9600), (19200, libc::B19200), (38400, libc::B38400), (57600, libc::B57600), (115200, libc::B115200),
    (230400, libc::B230400), (460800, libc::B460800), (500000, libc::B500000), (576000, libc::B576000), (921600, libc::B921600),
    (1000000, libc::B1000000), (1152000, libc::B1152000), (1500000, libc::B1500000), (2000000, libc::B2000000),
    (2500000, libc::B2500000), (3000000, libc::B3000000), (3500000, libc::B3500000), (4000000, libc::B4000000),
];

fn baud(code: u32) -> u32 {
    SPEEDS.iter().find(|s| s.1 == code).map_or(code, |s| s.0)
}

fn code(baud: u32) -> u32 {
    SPEEDS.iter().find(|s| s.0 == baud).map_or(baud, |s| s.1)
}

fn tcsetattr(vm: &Vm, fd: Fd, when: i32, attributes: Value) -> Res<()> {
    let bad = || vm.type_error("tcsetattr, arg 3: must be 7 element list");
    let list: Ptr<ListObj> = attributes.downcast().ok_or_else(bad)?;
    if list.len() != 7 {
        return Err(bad());
    }
    let mut t = get(vm, fd.0)?;
    let item = |i: usize| list.get(i).unwrap_or(Value::NONE);
    let flag = |i: usize| u32::from_arg(vm, item(i), i);
    (t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag) = (flag(0)?, flag(1)?, flag(2)?, flag(3)?);
    let (ispeed, ospeed) = (flag(4)?, flag(5)?);
    let cc = item(6).downcast::<ListObj>().filter(|l| l.len() == NCCS);
    let Some(cc) = cc else {
        return Err(vm.type_error(format!("tcsetattr: attributes[6] must be {NCCS} element list")));
    };
    for i in 0..NCCS {
        let v = cc.get(i).unwrap_or(Value::NONE);
        if let Some(b) = v.downcast::<BytesObj>().filter(|b| b.len() == 1) {
            t.c_cc[i] = b.as_slice()[0];
        } else if Int::of(v).is_some() {
            t.c_cc[i] = i64::from_arg(vm, v, 2)? as u8;
        } else {
            return Err(vm.type_error(
                "tcsetattr: elements of attributes must be characters or integers",
            ));
        }
    }
    // SAFETY: a valid struct.
    unsafe {
        if libc::cfsetispeed(&mut t, code(ispeed)) < 0 || libc::cfsetospeed(&mut t, code(ospeed)) < 0 {
            return Err(error(vm));
        }
    }
    // SAFETY: a valid struct.
    done(vm, || unsafe { libc::tcsetattr(fd.0, when, &t) })
}

fn tcsetwinsize(vm: &Vm, fd: Fd, size: Value) -> Res<()> {
    let bad = || vm.type_error("tcsetwinsize, arg 2: must be a two-item sequence");
    let items = vm.vec_of(size).map_err(|_| bad())?;
    if items.len() != 2 {
        return Err(bad());
    }
    let dim = |v: Value| {
        let n = i64::from_arg(vm, v, 1)?;
        u16::try_from(n).map_err(|_| vm.overflow_error("winsize value(s) out of range."))
    };
    let (rows, cols) = (dim(items[0])?, dim(items[1])?);
    // SAFETY: valid buffers.
    unsafe {
        let mut w: libc::winsize = std::mem::zeroed();
        if libc::ioctl(fd.0, libc::TIOCGWINSZ, &mut w) < 0 {
            return Err(error(vm));
        }
        (w.ws_row, w.ws_col) = (rows, cols);
        if libc::ioctl(fd.0, libc::TIOCSWINSZ, &w) < 0 {
            return Err(error(vm));
        }
    }
    Ok(())
}
