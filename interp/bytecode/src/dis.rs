//! Disassembly.

use std::fmt::Write;

use crate::enums::*;
use crate::{CodeUnit, Const, Kind, Op, Slot, Word};

/// Text of a code unit and of the ones nested in it.
pub fn disassemble(code: &CodeUnit) -> String {
    let mut out = String::new();
    write_unit(&mut out, code);
    out
}

fn write_unit(out: &mut String, code: &CodeUnit) {
    let _ = writeln!(
        out,
        "code {} (line {}, {} args, {} registers, flags {:#x})",
        code.qualname, code.first_line, code.argcount, code.nregs, code.flags
    );
    let list = |out: &mut String, title: &str, names: &[Box<str>]| {
        if !names.is_empty() {
            let _ = writeln!(out, "  {title}: {}", names.join(" "));
        }
    };
    list(out, "locals", &code.varnames);
    list(out, "cells", &code.cellvars);
    list(out, "free", &code.freevars);
    let targets: Vec<u32> = code
        .instructions()
        .filter_map(|(_, op, w)| target(op, w))
        .chain(code.exceptions.iter().map(|e| e.handler))
        .collect();
    let mut last_line = 0;
    let mut runs = code.positions.runs().peekable();
    for (pc, op, word) in code.instructions() {
        while runs.peek().is_some_and(|&(start, n, _)| pc >= start + n) {
            runs.next();
        }
        let line = runs.peek().and_then(|r| r.2).map_or(0, |p| p.line);
        let shown = if line != last_line && line != 0 { line.to_string() } else { String::new() };
        last_line = line;
        let mark = if targets.contains(&pc) { ">>" } else { "  " };
        let _ = write!(out, "{shown:>5} {mark} {pc:4} {:<20}", op.name());
        for (i, &(slot, kind)) in op.info().operands.iter().enumerate() {
            let sep = if i == 0 { " " } else { ", " };
            let text = operand(code, pc, word, slot, kind);
            if !text.is_empty() {
                out.push_str(sep);
                out.push_str(&text);
            }
        }
        out.push('\n');
    }
    for e in &code.exceptions {
        let _ = writeln!(out, "  except {}..{} -> {} (r{})", e.start, e.end, e.handler, e.reg);
    }
    for k in &code.consts {
        if let Const::Code(c) = k {
            out.push('\n');
            write_unit(out, c);
        }
    }
}

fn target(op: Op, word: Word) -> Option<u32> {
    op.info().operands.iter().find(|(_, k)| *k == Kind::Target).map(|&(slot, _)| match slot {
        Slot::xc => word.xc(),
        _ => word.bc(),
    })
}

fn register(code: &CodeUnit, r: u32) -> String {
    match code.register_name(r as u16) {
        Some(name) => format!("r{r}({name})"),
        None => format!("r{r}"),
    }
}

fn operand(code: &CodeUnit, pc: u32, word: Word, slot: Slot, kind: Kind) -> String {
    let v = word.field(slot, || code.code.get(pc as usize + 1).map_or(0, |w| w.0)) as u32;
    let n = v as u8;
    let text = |t: Option<&'static str>| t.unwrap_or("?").to_owned();
    match kind {
        Kind::Dst | Kind::Reg | Kind::Mod | Kind::Cell | Kind::First | Kind::DstFirst => register(code, v),
        Kind::Const => code.consts.get(v as usize).map_or_else(|| format!("const {v}"), show_const),
        Kind::Name => code.names.get(v as usize).map_or_else(|| format!("name {v}"), |n| n.to_string()),
        Kind::Count => v.to_string(),
        Kind::Target => format!("-> {v}"),
        Kind::Null => {
            if v & 1 != 0 {
                "+null".into()
            } else {
                String::new()
            }
        }
        Kind::Flag => {
            if v != 0 {
                format!("flag {v}")
            } else {
                String::new()
            }
        }
        Kind::Binary => text(BinOp::from_u8(n).map(BinOp::text)),
        Kind::Cmp => text(CmpOp::from_u8(n).map(CmpOp::text)),
        Kind::Intr1 => text(Intrinsic1::from_u8(n).map(Intrinsic1::text)),
        Kind::Intr2 => text(Intrinsic2::from_u8(n).map(Intrinsic2::text)),
        Kind::FuncAttr => text(FuncAttr::from_u8(n).map(FuncAttr::text)),
        Kind::Special => text(SpecialMethod::from_u8(n).map(SpecialMethod::text)),
        Kind::Common => text(CommonConst::from_u8(n).map(CommonConst::text)),
        Kind::Await => text(AwaitKind::from_u8(n).map(AwaitKind::text)),
        Kind::Format => {
            let conv = ["", "str", "repr", "ascii"][(n & FORMAT_CONV_MASK) as usize];
            let spec = if n & FORMAT_HAS_SPEC != 0 { "+spec" } else { "" };
            format!("{conv}{spec}")
        }
    }
}

fn show_const(k: &Const) -> String {
    match k {
        Const::None => "None".into(),
        Const::True => "True".into(),
        Const::False => "False".into(),
        Const::Ellipsis => "...".into(),
        Const::Int(i) => i.to_string(),
        Const::BigInt(i) => i.to_string(),
        Const::Float(f) => format!("{f:?}"),
        Const::Complex(r, i) => format!("({r:?}+{i:?}j)"),
        Const::Str(s) => format!("{s:?}"),
        Const::Bytes(b) => format!("b{:?}", String::from_utf8_lossy(b)),
        Const::Tuple(t) => format!("({})", t.iter().map(show_const).collect::<Vec<_>>().join(", ")),
        Const::FrozenSet(t) => {
            format!("frozenset{{{}}}", t.iter().map(show_const).collect::<Vec<_>>().join(", "))
        }
        Const::Slice(s) => {
            format!("slice({})", s.iter().map(show_const).collect::<Vec<_>>().join(", "))
        }
        Const::Code(c) => format!("<code {}>", c.name),
    }
}
