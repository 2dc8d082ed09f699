//! String literals, f-strings, t-strings.

use cape_bytecode::Const;
use ruff_python_ast::{self as ast, ConversionFlag, InterpolatedStringElement as Element};
use ruff_text_size::{Ranged, TextLen, TextRange, TextSize};

use super::{Item, Trees};
use crate::asdl::Class as C;

/// A piece of an f-string or t-string.
enum Piece {
    /// Literal text, where it stands, whether its literal has the prefix `u`.
    Text(Vec<u8>, TextRange, bool),
    Value(Item),
}

/// Appends text, joining it to text before.
fn push_text(pieces: &mut Vec<Piece>, text: &[u8], range: TextRange, u: bool) {
    match pieces.last_mut() {
        Some(Piece::Text(t, r, _)) => {
            t.extend_from_slice(text);
            *r = TextRange::new(r.start(), range.end());
        }
        _ => pieces.push(Piece::Text(text.to_vec(), range, u)),
    }
}

fn is_u(s: &ast::StringLiteral) -> bool {
    s.flags.prefix().is_unicode()
}

impl Trees<'_> {
    pub(super) fn string(&self, s: &ast::ExprStringLiteral) -> Item {
        let u = s.value.iter().next().is_some_and(is_u);
        self.text(self.source.string_value(s).0.into_vec(), s.range, u)
    }

    fn text(&self, text: Vec<u8>, range: TextRange, u: bool) -> Item {
        let kind = if u { Item::name("u") } else { Item::None };
        self.node(C::Constant, range, vec![Item::Const(Const::Str(text.into())), kind])
    }

    pub(super) fn fstring(&self, f: &ast::ExprFString) -> Item {
        let mut pieces = Vec::new();
        for part in f.value.iter() {
            match part {
                ast::FStringPart::Literal(s) => {
                    push_text(&mut pieces, &self.source.string_part(s).0, s.range, is_u(s));
                }
                ast::FStringPart::FString(f) => {
                    let raw = matches!(f.flags.prefix(), ast::str_prefix::FStringPrefix::Raw { .. });
                    self.elements(&f.elements, raw, false, &mut pieces);
                }
            }
        }
        self.node(C::JoinedStr, f.range, vec![self.pieces(pieces)])
    }

    pub(super) fn tstring(&self, t: &ast::ExprTString) -> Item {
        let mut pieces = Vec::new();
        for part in t.value.iter() {
            let raw = matches!(part.flags.prefix(), ast::str_prefix::TStringPrefix::Raw { .. });
            self.elements(&part.elements, raw, true, &mut pieces);
        }
        self.node(C::TemplateStr, t.range, vec![self.pieces(pieces)])
    }

    fn pieces(&self, pieces: Vec<Piece>) -> Item {
        let items = pieces.into_iter().filter_map(|p| match p {
            Piece::Text(t, _, _) if t.is_empty() => None,
            Piece::Text(t, range, u) => Some(self.text(t, range, u)),
            Piece::Value(v) => Some(v),
        });
        Item::List(items.collect())
    }

    fn elements(
        &self,
        elements: &ast::InterpolatedStringElements,
        raw: bool,
        template: bool,
        pieces: &mut Vec<Piece>,
    ) {
        for e in elements.iter() {
            match e {
                Element::Literal(l) => {
                    push_text(pieces, &self.source.interpolated_literal(l, raw).0, l.range, false);
                }
                Element::Interpolation(i) => {
                    if let Some(debug) = &i.debug_text {
                        let start = i.range.start() + TextSize::new(1);
                        let range = TextRange::at(start, debug.as_str().text_len());
                        let text = self.source.without_comments(range, self.comments);
                        push_text(pieces, text.as_bytes(), range, false);
                    }
                    pieces.push(Piece::Value(self.interpolated(i, raw, template)));
                }
            }
        }
    }

    fn interpolated(&self, i: &ast::InterpolatedElement, raw: bool, template: bool) -> Item {
        let conversion = match i.conversion {
            ConversionFlag::None if i.debug_text.is_some() && i.format_spec.is_none() => ConversionFlag::Repr,
            c => c,
        };
        let spec = match &i.format_spec {
            Some(s) => {
                let mut pieces = Vec::new();
                self.elements(&s.elements, raw, false, &mut pieces);
                // The colon belongs to the spec.
                let range = TextRange::new(s.range.start() - TextSize::new(1), s.range.end());
                self.node(C::JoinedStr, range, vec![self.pieces(pieces)])
            }
            None => Item::None,
        };
        let value = self.expr(&i.expression);
        let conversion = Item::Int(conversion as i8 as i64);
        if template {
            let text = self.source.interpolation_text(i, self.comments);
            let text = Item::Const(Const::Str(text.as_str().into()));
            return self.node(C::Interpolation, i.range(), vec![value, text, conversion, spec]);
        }
        self.node(C::FormattedValue, i.range(), vec![value, conversion, spec])
    }
}
