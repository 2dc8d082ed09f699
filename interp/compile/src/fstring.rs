//! f-strings and t-strings.

use cape_bytecode::{Const, FORMAT_HAS_SPEC, Op};
use ruff_python_ast::{self as ast, ConversionFlag, InterpolatedStringElement as Element};
use ruff_text_size::{TextLen, TextRange, TextSize};

use crate::compiler::Compiler;
use crate::error::{R, err};
use crate::unit::Reg;

/// Replacement fields nest this deep, through format specs.
const MAX_SPEC_DEPTH: u32 = 3;

/// A piece of a formatted string.
enum Piece<'a> {
    Text(Vec<u8>),
    Value(&'a ast::InterpolatedElement),
}

/// Append literal text, joining it to text before.
fn push_text(pieces: &mut Vec<Piece<'_>>, text: &[u8]) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Text(t)) => t.extend_from_slice(text),
        _ => pieces.push(Piece::Text(text.to_vec())),
    }
}

/// The conversion of a replacement field: `{x=}` alone means `repr`.
fn conversion(i: &ast::InterpolatedElement) -> u8 {
    match i.conversion {
        ConversionFlag::None if i.debug_text.is_some() && i.format_spec.is_none() => 2,
        ConversionFlag::None => 0,
        ConversionFlag::Str => 1,
        ConversionFlag::Repr => 2,
        ConversionFlag::Ascii => 3,
    }
}

impl<'a> Compiler<'a> {
    pub(crate) fn fstring(&mut self, f: &'a ast::ExprFString, dst: Reg) -> R<()> {
        let mut pieces = Vec::new();
        for part in f.value.iter() {
            match part {
                ast::FStringPart::Literal(s) => {
                    let text = self.source.string_part(s);
                    push_text(&mut pieces, &text.0);
                }
                ast::FStringPart::FString(f) => {
                    let raw = matches!(f.flags.prefix(), ast::str_prefix::FStringPrefix::Raw { .. });
                    self.collect(&f.elements, raw, &mut pieces);
                }
            }
        }
        self.joined(pieces, dst)
    }

    fn collect(
        &mut self,
        elements: &'a ast::InterpolatedStringElements,
        raw: bool,
        pieces: &mut Vec<Piece<'a>>,
    ) {
        for e in elements.iter() {
            match e {
                Element::Literal(l) => {
                    let text = self.source.interpolated_literal(l, raw);
                    push_text(pieces, &text.0);
                }
                Element::Interpolation(i) => {
                    if let Some(debug) = &i.debug_text {
                        let start = i.range.start() + TextSize::new(1);
                        let range = TextRange::at(start, debug.as_str().text_len());
                        push_text(
                            pieces,
                            self.source.without_comments(range, &self.inner_comments).as_bytes(),
                        );
                    }
                    pieces.push(Piece::Value(i));
                }
            }
        }
    }

    fn joined(&mut self, pieces: Vec<Piece<'a>>, dst: Reg) -> R<()> {
        match &pieces[..] {
            [] => self.u.load_const(dst, Const::Str("".into())),
            [Piece::Text(t)] => self.u.load_const(dst, Const::Str(t.clone().into())),
            [Piece::Value(i)] => self.format_value(i, dst)?,
            _ if pieces.len() <= 64 => {
                let first = self.u.next_temp as Reg;
                let n = pieces.len();
                self.pieces(pieces)?;
                self.u.op3(Op::BuildString, dst, first, n as u16);
            }
            _ => {
                // Join in batches.
                let first = self.u.next_temp as Reg;
                let acc = self.u.temp();
                self.u.load_const(acc, Const::Str("".into()));
                let mut rest = pieces.into_iter().peekable();
                while rest.peek().is_some() {
                    let batch: Vec<_> = rest.by_ref().take(63).collect();
                    let n = batch.len() + 1;
                    self.pieces(batch)?;
                    self.u.op3(Op::BuildString, first, first, n as u16);
                    self.u.next_temp = first as u32 + 1;
                }
                self.u.movr(dst, first);
            }
        }
        Ok(())
    }

    /// Evaluate pieces into new consecutive temporaries.
    fn pieces(&mut self, pieces: Vec<Piece<'a>>) -> R<()> {
        for p in pieces {
            let t = self.u.temp();
            match p {
                Piece::Text(text) => self.u.load_const(t, Const::Str(text.into())),
                Piece::Value(i) => self.format_value(i, t)?,
            }
            self.u.next_temp = t as u32 + 1;
        }
        Ok(())
    }

    fn format_value(&mut self, i: &'a ast::InterpolatedElement, dst: Reg) -> R<()> {
        let mark = self.u.next_temp;
        let range = std::mem::replace(&mut self.u.range, i.range);
        if self.spec_depth >= MAX_SPEC_DEPTH {
            return err(i.range, "f-string: expressions nested too deeply");
        }
        let v = self.expr_near(&i.expression, dst)?;
        let mut x = conversion(i);
        let mut spec = 0;
        if let Some(s) = &i.format_spec {
            x |= FORMAT_HAS_SPEC;
            spec = self.u.temp();
            self.format_spec(s, spec)?;
        }
        self.u.range = i.range;
        self.u.opx(Op::FormatValue, x, dst, v, spec);
        self.u.range = range;
        self.u.next_temp = mark;
        Ok(())
    }

    fn format_spec(&mut self, s: &'a ast::InterpolatedStringFormatSpec, dst: Reg) -> R<()> {
        let mut pieces = Vec::new();
        self.collect(&s.elements, false, &mut pieces);
        self.spec_depth += 1;
        self.joined(pieces, dst)?;
        self.spec_depth -= 1;
        self.u.next_temp = self.u.next_temp.max(dst as u32 + 1);
        Ok(())
    }

    pub(crate) fn tstring(&mut self, t: &'a ast::ExprTString, dst: Reg) -> R<()> {
        let mut pieces = Vec::new();
        for part in t.value.iter() {
            let raw = matches!(part.flags.prefix(), ast::str_prefix::TStringPrefix::Raw { .. });
            self.collect(&part.elements, raw, &mut pieces);
        }
        // Strings and interpolations alternate, with strings at both ends.
        let mut strings: Vec<Const> = Vec::new();
        let mut text = Vec::new();
        let mut values = Vec::new();
        for p in pieces {
            match p {
                Piece::Text(t) => text.extend(t),
                Piece::Value(i) => {
                    strings.push(Const::Str(std::mem::take(&mut text).into()));
                    values.push(i);
                }
            }
        }
        strings.push(Const::Str(text.into()));
        let all = self.const_temp(Const::Tuple(strings.into()));
        let tuple = self.u.temp();
        let batch = values.len() <= 64;
        if !batch {
            self.u.op3(Op::BuildList, tuple, 0, 0);
        }
        let first = self.u.next_temp as Reg;
        let n = values.len();
        for i in values {
            let base = self.u.temp();
            self.interpolation(i, base)?;
            self.u.next_temp = base as u32 + 1;
            if !batch {
                self.u.op2(Op::ListAppend, tuple, base);
                self.u.next_temp = base as u32;
            }
        }
        if batch {
            self.u.op3(Op::BuildTuple, tuple, first, n as u16);
        } else {
            self.u.op2(Op::ListToTuple, tuple, tuple);
        }
        self.u.op3(Op::BuildTemplate, dst, all, tuple);
        Ok(())
    }

    fn interpolation(&mut self, i: &'a ast::InterpolatedElement, base: Reg) -> R<()> {
        let range = std::mem::replace(&mut self.u.range, i.range);
        self.expr_to(&i.expression, base)?;
        let text = self.source.interpolation_text(i, &self.inner_comments);
        self.const_temp(Const::Str(text.as_str().into()));
        let mut x = conversion(i);
        if let Some(s) = &i.format_spec {
            x |= FORMAT_HAS_SPEC;
            let spec = self.u.temp();
            self.format_spec(s, spec)?;
        }
        self.u.range = i.range;
        self.u.opx(Op::BuildInterpolation, x, base, base, 0);
        self.u.range = range;
        Ok(())
    }
}
