//! What the error rules of the grammar report.

use rustc_hash::FxHashMap;

use super::lex::T;
use super::peg::{Abort, Found, Match, NodeId, Parser};
use crate::error::{ErrorKind, Stage};

/// Where an error is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    A,
    Range,
    LastToken,
    NextToken,
}

/// What happens when an alternative matches.
#[derive(Debug)]
pub(super) enum Action {
    Error {
        place: Place,
        message: String,
        indentation: bool,
    },
    Check(String),
    /// Parse a rule with the error rules off.
    WithoutInvalid(usize),
}

impl Action {
    pub fn parse(text: &str, names: &FxHashMap<String, usize>) -> Action {
        if let Some((name, rest)) = text.split_once('(')
            && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
            && rest.ends_with(')')
        {
            if name == "without_invalid" {
                return Action::WithoutInvalid(names[&rest[..rest.len() - 1]]);
            }
            return Action::Check(name.to_owned());
        }
        let (place, message) = text.split_once(' ').expect("a place and a message");
        let indentation = place.starts_with('!');
        let place = match place.trim_start_matches('!') {
            "a" => Place::A,
            "a:b" => Place::Range,
            "." => Place::LastToken,
            ">" => Place::NextToken,
            other => panic!("place {other}"),
        };
        Action::Error { place, message: message.to_owned(), indentation }
    }

    pub fn run(
        &self,
        p: &mut Parser<'_>,
        rule: &str,
        a: Option<NodeId>,
        b: Option<NodeId>,
        start: u32,
    ) -> Match {
        match self {
            Action::Error { place, message, indentation } => {
                let (from, to) = match place {
                    Place::A => p.span(a.expect("named")),
                    Place::Range => (p.span(a.expect("named")).0, p.span(b.expect("named")).1),
                    Place::LastToken => p.token_span(p.fill - 1),
                    Place::NextToken => {
                        p.token()?;
                        p.token_span(p.pos)
                    }
                };
                let msg = p.message(message, a);
                let kind = if *indentation { ErrorKind::Indentation } else { ErrorKind::Syntax };
                p.fail(kind, msg, from, to)
            }
            Action::WithoutInvalid(rule) => p.without_invalid(*rule),
            Action::Check(name) => p.check(name, rule, a, b, start),
        }
    }
}

impl Parser<'_> {
    fn token_span(&self, i: u32) -> (u32, u32) {
        let t = &self.lexed.toks[i as usize];
        (t.start, t.end)
    }

    fn span(&self, n: NodeId) -> (u32, u32) {
        let node = &self.nodes[n as usize];
        (self.token_span(node.start).0, self.token_span(node.end.max(node.start + 1) - 1).1)
    }

    fn fail(&mut self, kind: ErrorKind, msg: String, start: u32, end: u32) -> Match {
        let end_col = (kind == ErrorKind::Indentation).then_some(-1);
        self.found = Some(Found { kind, msg, start, end, at_eof: false, stage: Stage::Parser, end_col });
        Err(Abort)
    }

    fn fail_at(&mut self, n: NodeId, msg: impl Into<String>) -> Match {
        let (start, end) = self.span(n);
        self.fail(ErrorKind::Syntax, msg.into(), start, end)
    }

    fn node_text(&self, n: NodeId) -> &str {
        let (start, end) = self.span(n);
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    fn message(&self, template: &str, a: Option<NodeId>) -> String {
        let mut msg = template.to_owned();
        if let Some(a) = a {
            msg = msg.replace("{a}", self.expression_name(a));
            msg = msg.replace("{#a}", self.node_text(a));
            if msg.contains("{@a}") {
                let start = self.span(a).0 as usize;
                let line = memchr::memchr_iter(b'\n', &self.text.as_bytes()[..start]).count() + 1;
                msg = msg.replace("{@a}", &line.to_string());
            }
        }
        if msg.contains("{L}") {
            msg = msg.replace("{L}", self.string_letter());
        }
        msg
    }

    /// `f` or `t`: the innermost interpolated string around the present position.
    fn string_letter(&self) -> &'static str {
        let mut depth = 0;
        for i in (0..self.pos.min(self.lexed.toks.len() as u32)).rev() {
            match self.lexed.toks[i as usize].kind {
                T::FEnd => depth += 1,
                T::FStart if depth > 0 => depth -= 1,
                T::FStart => {
                    let t = self.tok_text(i);
                    return if t.contains(['t', 'T']) { "t" } else { "f" };
                }
                _ => {}
            }
        }
        "f"
    }

    /// What CPython calls an expression.
    fn expression_name(&self, n: NodeId) -> &'static str {
        let node = &self.nodes[n as usize];
        match node.kind {
            "Name" => "name",
            "Attribute" => "attribute",
            "Subscript" => "subscript",
            "Starred" => "starred",
            "List" => "list",
            "Tuple" => "tuple",
            "Lambda" => "lambda",
            "Call" => "function call",
            "BoolOp" | "BinOp" | "UnaryOp" => "expression",
            "GeneratorExp" => "generator expression",
            "Yield" => "yield expression",
            "Await" => "await expression",
            "ListComp" => "list comprehension",
            "SetComp" => "set comprehension",
            "DictComp" => "dict comprehension",
            "Dict" => "dict literal",
            "Set" => "set display",
            "FString" => {
                if self.tok_text(node.start).contains(['t', 'T']) {
                    "t-string expression"
                } else {
                    "f-string expression"
                }
            }
            "None" => "None",
            "True" => "True",
            "False" => "False",
            "Ellipsis" => "ellipsis",
            "Compare" => "comparison",
            "IfExp" => "conditional expression",
            "NamedExpr" => "named expression",
            "token" if self.lexed.toks[node.start as usize].kind == T::Name => "name",
            _ => "literal",
        }
    }

    /// The part of an assignment or deletion target that cannot be one.
    fn bad_target(&self, n: NodeId, deletion: bool, loop_target: bool) -> Option<NodeId> {
        let node = &self.nodes[n as usize];
        match node.kind {
            "Tuple" | "List" | "list" | "" => {
                node.children.iter().find_map(|&c| self.bad_target(c, deletion, loop_target))
            }
            "token" if self.lexed.toks[node.start as usize].kind == T::Op => None,
            "none" => None,
            "Starred" if deletion => Some(n),
            "Starred" => self.bad_target(*node.children.last()?, deletion, loop_target),
            "Compare" if loop_target => {
                let pair = *node.children.get(1)?;
                let first = *self.nodes[pair as usize].children.first()?;
                if self.nodes[first as usize].kind == "In" {
                    self.bad_target(node.children[0], deletion, loop_target)
                } else {
                    None
                }
            }
            "Name" | "Attribute" | "Subscript" => None,
            _ => Some(n),
        }
    }

    fn invalid_target(&mut self, n: NodeId, deletion: bool, loop_target: bool) -> Match {
        let Some(bad) = self.bad_target(n, deletion, loop_target) else { return Ok(None) };
        let verb = if deletion { "delete" } else { "assign to" };
        let name = self.expression_name(bad);
        self.fail_at(bad, format!("cannot {verb} {name}"))
    }

    fn is_legacy(&self, n: NodeId) -> bool {
        matches!(self.node_text(n), "print" | "exec")
    }

    /// Arguments below a node: (kind, node).
    fn args_of(&self, n: NodeId, out: &mut Vec<NodeId>) {
        let node = &self.nodes[n as usize];
        if matches!(node.kind, "Arg" | "Kw" | "DoubleStar") {
            out.push(n);
            return;
        }
        for &c in &node.children {
            self.args_of(c, out);
        }
    }

    fn check(&mut self, name: &str, _rule: &str, a: Option<NodeId>, b: Option<NodeId>, start: u32) -> Match {
        let node = |n: Option<NodeId>| n.expect("named");
        match name {
            "same" => Ok(a),
            "needs_dot" => {
                let dotted = self.pos - start > 1;
                Ok(dotted.then(|| self.node("Attribute", start, self.pos, Vec::new())))
            }
            "not_equal" => self.fail_at(node(a), "invalid syntax.  Maybe you meant '!=' instead of '<>'?"),
            "strings" => self.check_strings(node(a), start),
            "conversion" => self.check_conversion(node(a)),
            "missing_comma" => {
                let (a, b) = (node(a), node(b));
                let level = self.lexed.toks[self.pos as usize - 1].level;
                if self.is_legacy(a) || level == 0 {
                    return Ok(None);
                }
                let (from, to) = (self.span(a).0, self.span(b).1);
                self.fail(ErrorKind::Syntax, "invalid syntax. Perhaps you forgot a comma?".into(), from, to)
            }
            "legacy" => {
                let (a, b) = (node(a), node(b));
                if !self.is_legacy(a) {
                    return Ok(None);
                }
                let word = self.node_text(a).to_owned();
                let (from, to) = (self.span(a).0, self.span(b).1);
                let msg = format!("Missing parentheses in call to '{word}'. Did you mean {word}(...)?");
                self.fail(ErrorKind::Syntax, msg, from, to)
            }
            "genexp_in_call" => {
                let (a, b) = (node(a), node(b));
                let mut args = Vec::new();
                self.args_of(a, &mut args);
                args.retain(|&n| self.nodes[n as usize].kind == "Arg");
                let Some(&last) = args.last().filter(|_| args.len() > 1) else { return Ok(None) };
                let (from, to) = (self.span(last).0, self.span(b).1);
                self.fail(ErrorKind::Syntax, "Generator expression must be parenthesized".into(), from, to)
            }
            "positional_after_keyword" => {
                let mut args = Vec::new();
                self.args_of(node(a), &mut args);
                let unpacking = args.iter().any(|&n| self.nodes[n as usize].kind == "DoubleStar");
                let suffix = if unpacking { " unpacking" } else { "" };
                let (from, to) = self.token_span(self.fill - 1);
                let msg = format!("positional argument follows keyword argument{suffix}");
                self.fail(ErrorKind::Syntax, msg, from, to)
            }
            "not_for_names" => {
                let a = node(a);
                let name = self.expression_name(a);
                self.fail_at(a, format!("cannot assign to {name} here. Maybe you meant '==' instead of '='?"))
            }
            "invalid_target" => self.invalid_target(node(a), false, false),
            "invalid_for_target" => self.invalid_target(node(a), false, true),
            "invalid_del_target" => self.invalid_target(node(a), true, false),
            "type_param_bound" => {
                let (a, b) = (node(a), node(b));
                let what = if self.nodes[b as usize].kind == "Tuple" { "constraints" } else { "bound" };
                let star = self.tok_text(start);
                let param = if star == "*" { "TypeVarTuple" } else { "ParamSpec" };
                self.fail_at(a, format!("cannot use {what} with {param}"))
            }
            "complex" => {
                let (a, b) = (node(a), node(b));
                if self.node_text(a).ends_with(['j', 'J']) {
                    return self.fail_at(a, "real number required in complex literal");
                }
                if !self.node_text(b).ends_with(['j', 'J']) {
                    return self.fail_at(b, "imaginary number required in complex literal");
                }
                Ok(Some(b))
            }
            "after_key" => {
                let a = node(a);
                let end = self.span(a).1;
                self.fail(ErrorKind::Syntax, "':' expected after dictionary key".into(), end - 1, end)
            }
            other => unreachable!("check {other}"),
        }
    }

    fn check_strings(&mut self, list: NodeId, start: u32) -> Match {
        let parts = self.nodes[list as usize].children.clone();
        let (mut bytes, mut text, mut template, mut fstring) = (false, false, false, false);
        for &p in &parts {
            let first = self.nodes[p as usize].start;
            let t = self.tok_text(first);
            let prefix = &t[..t.find(['"', '\'']).unwrap_or(0)].to_ascii_lowercase();
            if prefix.contains('b') {
                bytes = true;
            } else if prefix.contains('t') {
                template = true;
            } else {
                text = true;
                fstring |= prefix.contains('f');
            }
        }
        let mixed = if template && (text || bytes) {
            Some("cannot mix t-string literals with string or bytes literals")
        } else if bytes && text {
            Some("cannot mix bytes and nonbytes literals")
        } else {
            None
        };
        if let Some(msg) = mixed {
            let (from, to) = if template { self.span(list) } else { self.token_span(self.fill - 1) };
            return self.fail(ErrorKind::Syntax, msg.into(), from, to);
        }
        for &p in &parts {
            let (first, last) = (self.nodes[p as usize].start, self.nodes[p as usize].end);
            for i in first..last {
                if let Some(msg) = self.escape_error(i) {
                    let (from, to) = self.token_span(first);
                    let to = self.token_span(last - 1).1.max(to);
                    return self.fail(ErrorKind::Syntax, msg, from, to);
                }
            }
        }
        let kind = if template || fstring { "FString" } else { "Literal" };
        Ok(Some(self.node(kind, start, self.pos, Vec::new())))
    }

    /// The error of a malformed escape sequence in token `i`.
    fn escape_error(&self, i: u32) -> Option<String> {
        let kind = self.lexed.toks[i as usize].kind;
        let t = self.tok_text(i);
        let (body, bytes) = match kind {
            T::Str => {
                let at = t.find(['"', '\''])?;
                let prefix = t[..at].to_ascii_lowercase();
                if prefix.contains('r') {
                    return None;
                }
                let q =
                    if t[at..].len() >= 6 && t[at..].starts_with(&t[at..at + 1].repeat(3)) { 3 } else { 1 };
                (t.get(at + q..t.len() - q)?, prefix.contains('b'))
            }
            T::FMiddle if self.literal_is_cooked(i) => (t, false),
            _ => return None,
        };
        if bytes { bytes_escape_error(body) } else { text_escape_error(body) }
    }

    fn literal_is_cooked(&self, i: u32) -> bool {
        let mut depth = 0;
        for j in (0..i).rev() {
            match self.lexed.toks[j as usize].kind {
                T::FEnd => depth += 1,
                T::FStart if depth > 0 => depth -= 1,
                T::FStart => {
                    let t = self.tok_text(j);
                    return !t.split(['"', '\'']).next().unwrap_or("").contains(['r', 'R']);
                }
                _ => {}
            }
        }
        true
    }

    fn check_conversion(&mut self, name: NodeId) -> Match {
        let i = self.nodes[name as usize].start;
        let letter = self.string_letter();
        if self.token_span(i - 1).1 != self.token_span(i).0 {
            return self.fail_at(
                name,
                format!("{letter}-string: conversion type must come right after the exclamation mark"),
            );
        }
        let word = self.node_text(name).to_owned();
        if !matches!(word.as_str(), "s" | "r" | "a") {
            return self.fail_at(
                name,
                format!("{letter}-string: invalid conversion character '{word}': expected 's', 'r', or 'a'"),
            );
        }
        Ok(Some(name))
    }
}

fn text_escape_error(body: &str) -> Option<String> {
    // Positions count bytes of the text that the codec sees: characters beyond ASCII are written as ten-byte escapes.
    let b = body.as_bytes();
    let mut position = 0;
    let mut i = 0;
    let report = |from: usize, to: usize, what: &str| {
        Some(format!(
            "(unicode error) 'unicodeescape' codec can't decode bytes in position {from}-{to}: {what}"
        ))
    };
    while i < b.len() {
        if b[i] != b'\\' {
            let c = body[i..].chars().next()?;
            i += c.len_utf8();
            position += if c.is_ascii() { 1 } else { 10 };
            continue;
        }
        let c = *b.get(i + 1)?;
        let digits = match c {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            b'N' => {
                let rest = &body[i + 2..];
                let end = rest.find('}');
                match (rest.starts_with('{'), end) {
                    (true, Some(end)) if end > 1 => {
                        if crate::character(&rest[1..end]).is_none() {
                            return report(position, position + 2 + end, "unknown Unicode character name");
                        }
                        position += 3 + end;
                        i += 3 + end;
                        continue;
                    }
                    _ => {
                        let n = if rest.starts_with('{') { end.unwrap_or(rest.len() - 1) + 1 } else { 0 };
                        return report(position, position + 1 + n, "malformed \\N character escape");
                    }
                }
            }
            _ => {
                let n = body[i + 1..].chars().next()?;
                i += 1 + n.len_utf8();
                position += 1 + if n.is_ascii() { 1 } else { 10 };
                continue;
            }
        };
        let have = b[i + 2..].iter().take(digits).take_while(|c| c.is_ascii_hexdigit()).count();
        if have < digits {
            let what = match c {
                b'x' => "truncated \\xXX escape",
                b'u' => "truncated \\uXXXX escape",
                _ => "truncated \\UXXXXXXXX escape",
            };
            return report(position, position + 1 + have, what);
        }
        let value = u32::from_str_radix(&body[i + 2..i + 2 + digits], 16).ok()?;
        if value > 0x10ffff {
            return report(position, position + 1 + digits, "illegal Unicode character");
        }
        i += 2 + digits;
        position += 2 + digits;
    }
    None
}

fn bytes_escape_error(body: &str) -> Option<String> {
    let b = body.as_bytes();
    let mut i = 0;
    while i < b.len() {
        if b[i] != b'\\' {
            i += 1;
            continue;
        }
        if b.get(i + 1) == Some(&b'x') {
            let have = b[i + 2..].iter().take(2).take_while(|c| c.is_ascii_hexdigit()).count();
            if have < 2 {
                return Some(format!("(value error) invalid \\x escape at position {i}"));
            }
        }
        i += 2;
    }
    None
}
