//! Code units as compact bytes, and back.
//!
//! Layout: magic `CAPE`, the hash of the opcode table (8 bytes, little endian), then the unit. Numbers are varints; instructions are written field by
//! field as their table row says, without cache words. Bytes made with another opcode table are refused, so a cache never outlives its compiler.

use std::sync::Arc;

use crate::positions::PositionTable;
use crate::varint::{read_signed, read_unsigned, write_signed, write_unsigned};
use crate::{Body, CodeBody, CodeUnit, Const, ExcEntry, Op, Slot, TABLE_HASH, Word, Wtf8};

const MAGIC: &[u8; 4] = b"CAPE";
/// How many bytes tell the version.
pub const HEAD: usize = 12;
/// Changes with the layout of this file, and with what the compiler makes of a program.
const VERSION: u64 = 7;

/// Why bytes could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Not serialized code, or made with another opcode table.
    Version,
    /// Damaged.
    Corrupt,
}

/// The number that versions serialized code.
pub const fn version_hash() -> u64 {
    TABLE_HASH ^ VERSION.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Whether these bytes begin as what this version serializes does.
pub fn is_current(data: &[u8]) -> bool {
    data.strip_prefix(MAGIC).is_some_and(|rest| rest.starts_with(&version_hash().to_le_bytes()))
}

/// Serialize a unit and all units nested in it.
pub fn serialize(code: &CodeUnit) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + code.code.len() * 6);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&version_hash().to_le_bytes());
    write_str(&mut out, &code.filename);
    write_code(&mut out, code, &code.filename);
    out
}

/// Read what [`serialize`] wrote. `filename` replaces the recorded file name.
pub fn deserialize(data: &[u8], filename: Option<&str>) -> Result<CodeUnit, ReadError> {
    let mut r = Reader { data, at: 0, filename: "".into(), embedded: None };
    r.unit(filename)
}

/// As [`deserialize`], for what is part of the program: what a unit needs to run is read when it runs, which most never do.
pub fn deserialize_embedded(data: &'static [u8], filename: &str) -> Result<CodeUnit, ReadError> {
    let mut r = Reader { data, at: 0, filename: "".into(), embedded: Some(data) };
    r.unit(Some(filename))
}

/// The body of an embedded unit.
pub(crate) fn read_body(data: &'static [u8], filename: &Arc<str>) -> Result<CodeBody, ReadError> {
    Reader { data, at: 0, filename: filename.clone(), embedded: Some(data) }.body()
}

fn write_bytes(out: &mut Vec<u8>, b: &[u8]) {
    write_unsigned(out, b.len() as u64);
    out.extend_from_slice(b);
}

fn write_str(out: &mut Vec<u8>, s: &str) {
    write_bytes(out, s.as_bytes());
}

fn write_strs(out: &mut Vec<u8>, list: &[Box<str>]) {
    write_unsigned(out, list.len() as u64);
    list.iter().for_each(|s| write_str(out, s));
}

fn write_code(out: &mut Vec<u8>, c: &CodeUnit, outer_file: &Arc<str>) {
    write_str(out, &c.name);
    write_str(out, &c.qualname);
    out.push(!Arc::ptr_eq(&c.filename, outer_file) as u8);
    if !Arc::ptr_eq(&c.filename, outer_file) {
        write_str(out, &c.filename);
    }
    for n in [
        c.first_line,
        c.flags,
        c.argcount,
        c.posonlyargcount,
        c.kwonlyargcount,
        c.nregs as u32,
        c.first_free as u32,
    ] {
        write_unsigned(out, n as u64);
    }
    write_strs(out, &c.freevars);
    let mut body = Vec::new();
    write_body(&mut body, c);
    write_bytes(out, &body);
}

fn write_body(out: &mut Vec<u8>, c: &CodeUnit) {
    write_strs(out, &c.varnames);
    write_strs(out, &c.cellvars);
    write_unsigned(out, c.cell_regs.len() as u64);
    c.cell_regs.iter().for_each(|&r| write_unsigned(out, r as u64));
    write_unsigned(out, c.temp_names.len() as u64);
    for (r, n) in &c.temp_names {
        write_unsigned(out, *r as u64);
        write_str(out, n);
    }
    write_strs(out, &c.names);
    write_unsigned(out, c.consts.len() as u64);
    c.consts.iter().for_each(|k| write_const(out, k, &c.filename));
    write_unsigned(out, c.code.len() as u64);
    for (pc, op, word) in c.instructions() {
        // Quickened code is written in its generic form.
        let op = op.generic();
        out.push(op as u8);
        for &(slot, _) in op.info().operands {
            let v = word.field(slot, || c.code[pc as usize + 1].0);
            write_unsigned(out, v);
        }
    }
    write_unsigned(out, c.exceptions.len() as u64);
    let mut last = 0;
    for e in &c.exceptions {
        write_unsigned(out, (e.start - last) as u64);
        write_unsigned(out, (e.end - e.start) as u64);
        write_unsigned(out, e.handler as u64);
        write_unsigned(out, e.reg as u64);
        last = e.end;
    }
    write_unsigned(out, c.positions.base_line as u64);
    write_bytes(out, &c.positions.data);
}

fn write_const(out: &mut Vec<u8>, k: &Const, file: &Arc<str>) {
    match k {
        Const::None => out.push(b'N'),
        Const::True => out.push(b'T'),
        Const::False => out.push(b'F'),
        Const::Ellipsis => out.push(b'.'),
        Const::Int(i) => {
            out.push(b'i');
            write_signed(out, *i);
        }
        Const::BigInt(i) => {
            out.push(b'l');
            write_bytes(out, &i.to_signed_bytes_le());
        }
        Const::Float(f) => {
            out.push(b'g');
            out.extend_from_slice(&f.to_bits().to_le_bytes());
        }
        Const::Complex(r, i) => {
            out.push(b'y');
            out.extend_from_slice(&r.to_bits().to_le_bytes());
            out.extend_from_slice(&i.to_bits().to_le_bytes());
        }
        Const::Str(s) => {
            out.push(b's');
            write_bytes(out, &s.0);
        }
        Const::Bytes(b) => {
            out.push(b'b');
            write_bytes(out, b);
        }
        Const::Tuple(t) | Const::FrozenSet(t) => {
            out.push(if matches!(k, Const::Tuple(_)) { b'(' } else { b'{' });
            write_unsigned(out, t.len() as u64);
            t.iter().for_each(|k| write_const(out, k, file));
        }
        Const::Slice(s) => {
            out.push(b':');
            s.iter().for_each(|k| write_const(out, k, file));
        }
        Const::Code(c) => {
            out.push(b'c');
            write_code(out, c, file);
        }
    }
}

struct Reader<'d> {
    data: &'d [u8],
    at: usize,
    filename: Arc<str>,
    /// The same data, where bodies of units may be left to be read later.
    embedded: Option<&'static [u8]>,
}

type Res<T> = Result<T, ReadError>;

impl<'d> Reader<'d> {
    fn byte(&mut self) -> Res<u8> {
        let b = *self.data.get(self.at).ok_or(ReadError::Corrupt)?;
        self.at += 1;
        Ok(b)
    }

    fn unsigned(&mut self) -> Res<u64> {
        read_unsigned(self.data, &mut self.at).ok_or(ReadError::Corrupt)
    }

    fn u32(&mut self) -> Res<u32> {
        self.unsigned()?.try_into().map_err(|_| ReadError::Corrupt)
    }

    fn u16(&mut self) -> Res<u16> {
        self.unsigned()?.try_into().map_err(|_| ReadError::Corrupt)
    }

    /// A count of things that take at least a byte each.
    fn count(&mut self) -> Res<usize> {
        let n = self.unsigned()? as usize;
        if n > self.data.len() - self.at { Err(ReadError::Corrupt) } else { Ok(n) }
    }

    fn take(&mut self, n: usize) -> Res<&'d [u8]> {
        let end = self.at.checked_add(n).ok_or(ReadError::Corrupt)?;
        let b = self.data.get(self.at..end).ok_or(ReadError::Corrupt)?;
        self.at = end;
        Ok(b)
    }

    fn bytes(&mut self) -> Res<&'d [u8]> {
        let n = self.count()?;
        self.take(n)
    }

    fn str(&mut self) -> Res<&'d str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| ReadError::Corrupt)
    }

    fn list<T>(&mut self, mut f: impl FnMut(&mut Self) -> Res<T>) -> Res<Vec<T>> {
        let n = self.count()?;
        (0..n).map(|_| f(self)).collect()
    }

    fn strs(&mut self) -> Res<Vec<Box<str>>> {
        self.list(|r| Ok(r.str()?.into()))
    }

    fn unit(&mut self, filename: Option<&str>) -> Res<CodeUnit> {
        let head = self.take(HEAD).map_err(|_| ReadError::Version)?;
        if !is_current(head) {
            return Err(ReadError::Version);
        }
        let recorded = self.str()?;
        self.filename = filename.map_or(recorded.into(), Arc::from);
        self.code()
    }

    fn code(&mut self) -> Res<CodeUnit> {
        let name = self.str()?.into();
        let qualname = self.str()?.into();
        let filename = if self.byte()? != 0 { Arc::from(self.str()?) } else { self.filename.clone() };
        let first_line = self.u32()?;
        let flags = self.u32()?;
        let argcount = self.u32()?;
        let posonlyargcount = self.u32()?;
        let kwonlyargcount = self.u32()?;
        let nregs = self.u16()?;
        let first_free = self.u16()?;
        let freevars = self.strs()?;
        let body = self.bytes()?;
        let body = match self.embedded {
            Some(all) => Body::unread(&all[self.at - body.len()..self.at], filename.clone()),
            None => {
                let mut r = Reader { data: body, at: 0, filename: filename.clone(), embedded: None };
                r.body()?.into()
            }
        };
        Ok(CodeUnit {
            name,
            qualname,
            filename,
            first_line,
            flags,
            argcount,
            posonlyargcount,
            kwonlyargcount,
            nregs,
            first_free,
            freevars,
            body,
        })
    }

    fn body(&mut self) -> Res<CodeBody> {
        let varnames = self.strs()?;
        let cellvars = self.strs()?;
        let cell_regs = self.list(|r| r.u16())?;
        let temp_names = self.list(|r| Ok((r.u16()?, r.str()?.into())))?;
        let names = self.strs()?;
        let consts = self.list(|r| r.constant())?;
        let code = self.instructions()?;
        let mut last = 0;
        let exceptions = self.list(|r| {
            let start = last + r.u32()?;
            let end = start + r.u32()?;
            last = end;
            Ok(ExcEntry { start, end, handler: r.u32()?, reg: r.u16()? })
        })?;
        let base_line = self.u32()?;
        let positions = PositionTable { data: self.bytes()?.into(), base_line };
        if self.at != self.data.len() {
            return Err(ReadError::Corrupt);
        }
        Ok(CodeBody { varnames, cellvars, cell_regs, temp_names, names, consts, code, exceptions, positions })
    }

    fn instructions(&mut self) -> Res<Vec<Word>> {
        let n = self.unsigned()? as usize;
        // An instruction of one byte has at most a few words.
        if n / 8 > self.data.len() - self.at {
            return Err(ReadError::Corrupt);
        }
        let mut code = Vec::with_capacity(n);
        while code.len() < n {
            let op = Op::from_u8(self.byte()?).ok_or(ReadError::Corrupt)?;
            let mut word = op as u64;
            let mut extra = 0;
            for &(slot, _) in op.info().operands {
                let v = self.unsigned()?;
                word |= match slot {
                    Slot::x => (v & 0xff) << 8,
                    Slot::a => (v & 0xffff) << 16,
                    Slot::b => (v & 0xffff) << 32,
                    Slot::c => (v & 0xffff) << 48,
                    Slot::bc => (v & 0xffff_ffff) << 32,
                    Slot::xc => (v & 0xff) << 8 | (v >> 8 & 0xffff) << 48,
                    Slot::w => {
                        extra = v;
                        0
                    }
                };
            }
            code.push(Word(word));
            if op.extra_words() > 0 {
                code.push(Word(extra));
            }
            code.resize(code.len() + op.cache_words(), Word::ZERO);
        }
        if code.len() == n { Ok(code) } else { Err(ReadError::Corrupt) }
    }

    fn float(&mut self) -> Res<f64> {
        let b = self.take(8)?;
        Ok(f64::from_bits(u64::from_le_bytes(b.try_into().expect("eight bytes"))))
    }

    fn constant(&mut self) -> Res<Const> {
        Ok(match self.byte()? {
            b'N' => Const::None,
            b'T' => Const::True,
            b'F' => Const::False,
            b'.' => Const::Ellipsis,
            b'i' => Const::Int(read_signed(self.data, &mut self.at).ok_or(ReadError::Corrupt)?),
            b'l' => Const::BigInt(num_bigint::BigInt::from_signed_bytes_le(self.bytes()?)),
            b'g' => Const::Float(self.float()?),
            b'y' => Const::Complex(self.float()?, self.float()?),
            b's' => Const::Str(Wtf8(self.bytes()?.into())),
            b'b' => Const::Bytes(self.bytes()?.into()),
            b'(' => Const::Tuple(self.list(|r| r.constant())?.into()),
            b'{' => Const::FrozenSet(self.list(|r| r.constant())?.into()),
            b':' => Const::Slice(Box::new([self.constant()?, self.constant()?, self.constant()?])),
            b'c' => Const::Code(Arc::new(self.code()?)),
            _ => return Err(ReadError::Corrupt),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Position, PositionBuilder};

    #[test]
    fn unit_round_trips() {
        let mut p = PositionBuilder::new(3);
        p.push(9, Some(Position { line: 4, end_line: 4, col: 1, end_col: 2 }));
        let inner = CodeUnit {
            name: "f".into(),
            qualname: "m.f".into(),
            filename: "file.py".into(),
            first_line: 3,
            flags: 0x0400_0003,
            argcount: 1,
            posonlyargcount: 0,
            kwonlyargcount: 2,
            nregs: 9,
            first_free: 4,
            freevars: vec!["e".into()],
            body: CodeBody {
                varnames: vec!["a".into(), "b".into(), "c".into()],
                cellvars: vec!["d".into()],
                cell_regs: vec![3],
                temp_names: vec![(7, "x".into())],
                names: vec!["print".into()],
                consts: vec![
                    Const::Str(Wtf8(vec![0xED, 0xA0, 0x80].into())),
                    Const::Float(-0.0),
                    Const::BigInt(num_bigint::BigInt::from(7) << 100),
                    Const::Slice(Box::new([Const::Int(-5), Const::None, Const::Complex(0.0, 1.5)])),
                    Const::FrozenSet([Const::True, Const::Bytes([1, 2].into())].into()),
                ],
                code: vec![
                    Word::new(Op::CallKw, 0, 1, 2, 3),
                    Word(70000),
                    Word::ZERO,
                    Word::ZERO,
                    Word::ab_xc(Op::ForIter, 500, 6, 0x12_3456),
                    Word::ZERO,
                    Word::abc32(Op::Return, 0, 1, 0),
                ],
                exceptions: vec![ExcEntry { start: 0, end: 4, handler: 6, reg: 8 }],
                positions: p.finish(),
            }
            .into(),
        };
        let bytes = serialize(&inner);
        assert_eq!(deserialize(&bytes, None).as_ref(), Ok(&inner));
        let embedded = deserialize_embedded(bytes.clone().leak(), "file.py").expect("reads");
        assert_eq!(embedded, inner);
        assert!(deserialize_embedded(bytes[..11].to_vec().leak(), "file.py").is_err());
        assert_eq!(&*deserialize(&bytes, Some("other")).expect("reads").filename, "other");
        for cut in 0..bytes.len() {
            assert!(deserialize(&bytes[..cut], None).is_err());
        }
        let mut old = bytes.clone();
        old[5] ^= 1;
        assert_eq!(deserialize(&old, None), Err(ReadError::Version));
    }
}
