//! A small packrat parser for the grammar of errors (`grammar.txt`).

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::actions::Action;
use super::lex::{LexError, Lexed, T, Tok};
use crate::error::{ErrorKind, Stage};

/// An item of an alternative.
#[derive(Debug)]
pub(super) enum Item {
    /// A keyword or operator with this text.
    Text(String),
    Kind(T),
    SoftKeyword,
    Rule(usize),
    Opt(Box<Item>),
    Star(Box<Item>),
    Plus(Box<Item>),
    Gather(Box<Item>, Box<Item>),
    And(Box<Item>),
    Not(Box<Item>),
    Force(String),
    Cut,
    Group(Vec<Alt>),
}

#[derive(Debug)]
pub(super) struct Alt {
    items: Vec<(Option<u8>, Item)>,
    kind: Option<String>,
    action: Option<Action>,
}

#[derive(Debug)]
struct Rule {
    name: String,
    alts: Vec<Alt>,
    left: bool,
    memo: bool,
    invalid: bool,
}

pub(super) struct Grammar {
    rules: Vec<Rule>,
    by_name: FxHashMap<String, usize>,
}

pub(super) fn grammar() -> &'static Grammar {
    static GRAMMAR: OnceLock<Grammar> = OnceLock::new();
    GRAMMAR.get_or_init(|| parse_grammar(include_str!("grammar.txt")))
}

// ---- reading the grammar ----

fn parse_grammar(text: &str) -> Grammar {
    // Join continuation lines (which begin with a blank) to their rule.
    let mut sources: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if line.starts_with(' ') {
            let last = sources.last_mut().expect("a rule before");
            last.push('\n');
            last.push_str(line.trim());
        } else {
            sources.push(line.to_owned());
        }
    }
    let mut by_name = FxHashMap::default();
    let mut heads = Vec::new();
    for s in &sources {
        let (head, body) = s.split_once(": ").expect("name: alternatives");
        let left = head.starts_with("%left ");
        let memo = head.starts_with("%memo ");
        let name = head.trim_start_matches("%left ").trim_start_matches("%memo ").to_owned();
        by_name.insert(name.clone(), heads.len());
        heads.push((name, left, memo, body));
    }
    let rules = heads
        .into_iter()
        .map(|(name, left, memo, body)| {
            let mut p = GrammarReader { s: body.as_bytes(), text: body, at: 0, names: &by_name };
            let alts = p.alts();
            Rule { invalid: name.starts_with("invalid_"), name, alts, left, memo }
        })
        .collect();
    Grammar { rules, by_name }
}

struct GrammarReader<'g> {
    s: &'g [u8],
    text: &'g str,
    at: usize,
    names: &'g FxHashMap<String, usize>,
}

impl GrammarReader<'_> {
    fn blank(&mut self) {
        while self.at < self.s.len() && self.s[self.at].is_ascii_whitespace() {
            self.at += 1;
        }
    }

    fn eat(&mut self, t: &str) -> bool {
        let yes = self.text[self.at..].starts_with(t);
        if yes {
            self.at += t.len();
        }
        yes
    }

    fn word(&mut self) -> String {
        let start = self.at;
        while self.at < self.s.len() && (self.s[self.at].is_ascii_alphanumeric() || self.s[self.at] == b'_') {
            self.at += 1;
        }
        self.text[start..self.at].to_owned()
    }

    fn alts(&mut self) -> Vec<Alt> {
        let mut alts = vec![self.alt()];
        loop {
            self.blank();
            if !self.eat("| ") {
                return alts;
            }
            alts.push(self.alt());
        }
    }

    fn alt(&mut self) -> Alt {
        let mut alt = Alt { items: Vec::new(), kind: None, action: None };
        loop {
            self.blank();
            if self.eat("-> ") {
                alt.kind = Some(self.word());
            } else if self.eat("=> ") {
                // The action reaches to the end of the line, or to the next alternative on the line of a short rule.
                let rest = &self.text[self.at..];
                let end = rest.find('\n').unwrap_or(rest.len());
                let end = match rest[..end].find(" | ") {
                    Some(i) if rest[..i].ends_with(')') => i,
                    _ => end,
                };
                alt.action = Some(Action::parse(rest[..end].trim(), self.names));
                self.at += end;
            } else if self.at >= self.s.len() || matches!(self.s[self.at], b'|' | b')') {
                return alt;
            } else {
                let name = match (self.s[self.at], self.s.get(self.at + 1)) {
                    (c @ (b'a' | b'b'), Some(b'=')) => {
                        self.at += 2;
                        Some(c)
                    }
                    _ => None,
                };
                let item = self.item();
                alt.items.push((name, item));
            }
        }
    }

    fn item(&mut self) -> Item {
        if self.eat("~") {
            return Item::Cut;
        }
        if self.eat("&&'") {
            return Item::Force(self.quoted(b'\''));
        }
        if self.eat("&") {
            return Item::And(Box::new(self.item()));
        }
        if self.eat("!") {
            return Item::Not(Box::new(self.item()));
        }
        let atom = self.atom();
        if self.eat("?") {
            Item::Opt(Box::new(atom))
        } else if self.eat("*") {
            Item::Star(Box::new(atom))
        } else if self.eat("+") {
            Item::Plus(Box::new(atom))
        } else if self.eat(".") {
            let element = self.atom();
            assert!(self.eat("+"), "a separated list ends with +");
            Item::Gather(Box::new(atom), Box::new(element))
        } else {
            atom
        }
    }

    fn quoted(&mut self, quote: u8) -> String {
        let start = self.at;
        while self.s[self.at] != quote {
            self.at += 1;
        }
        self.at += 1;
        self.text[start..self.at - 1].to_owned()
    }

    fn atom(&mut self) -> Item {
        if self.eat("'") {
            return Item::Text(self.quoted(b'\''));
        }
        if self.eat("\"") {
            return Item::Text(self.quoted(b'"'));
        }
        if self.eat("(") {
            let alts = self.alts();
            self.blank();
            assert!(self.eat(")"), "closing parenthesis in {}", self.text);
            return Item::Group(alts);
        }
        let word = self.word();
        match word.as_str() {
            "NAME" => Item::Kind(T::Name),
            "NUMBER" => Item::Kind(T::Number),
            "STRING" => Item::Kind(T::Str),
            "FSTART" => Item::Kind(T::FStart),
            "FMIDDLE" => Item::Kind(T::FMiddle),
            "FEND" => Item::Kind(T::FEnd),
            "NEWLINE" => Item::Kind(T::Newline),
            "INDENT" => Item::Kind(T::Indent),
            "DEDENT" => Item::Kind(T::Dedent),
            "END" => Item::Kind(T::End),
            "SOFT_KEYWORD" => Item::SoftKeyword,
            rule => Item::Rule(*self.names.get(rule).unwrap_or_else(|| panic!("rule {rule}"))),
        }
    }
}

// ---- parsing with it ----

pub(super) type NodeId = u32;

/// A piece of source that matched.
#[derive(Debug)]
pub(super) struct Node {
    /// "" for structure without meaning.
    pub kind: &'static str,
    /// First token, and the one after the last.
    pub start: u32,
    pub end: u32,
    pub children: Vec<NodeId>,
}

/// An error: where, and what.
pub(super) struct Found {
    pub kind: ErrorKind,
    pub msg: String,
    pub start: u32,
    pub end: u32,
    pub at_eof: bool,
    pub stage: Stage,
    /// The end column, if it is not that of the range.
    pub end_col: Option<i32>,
}

/// The parse stops: an error was found.
pub(super) struct Abort;

pub(super) type Match = Result<Option<NodeId>, Abort>;

pub(super) struct Parser<'s> {
    pub text: &'s str,
    pub lexed: &'s Lexed,
    pub grammar: &'static Grammar,
    pub nodes: Vec<Node>,
    memo: FxHashMap<(usize, u32), Option<(NodeId, u32)>>,
    pub pos: u32,
    /// Number of tokens read.
    pub fill: u32,
    pub second_pass: bool,
    pub found: Option<Found>,
    cut: bool,
}

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

impl<'s> Parser<'s> {
    pub fn new(text: &'s str, lexed: &'s Lexed, second_pass: bool) -> Self {
        Parser {
            text,
            lexed,
            grammar: grammar(),
            nodes: Vec::new(),
            memo: FxHashMap::default(),
            pos: 0,
            fill: 0,
            second_pass,
            found: None,
            cut: false,
        }
    }

    pub fn run(&mut self, rule: &str) -> Match {
        let rule = self.grammar.by_name[rule];
        self.rule(rule)
    }

    /// The token at `pos`; reading beyond the tokens is the tokenizer's error.
    pub fn token(&mut self) -> Result<Tok, Abort> {
        match self.lexed.toks.get(self.pos as usize) {
            Some(&t) => {
                self.fill = self.fill.max(self.pos + 1);
                Ok(t)
            }
            None => {
                let e = self.lexed.error.as_ref();
                self.found = e.map(Found::from);
                Err(Abort)
            }
        }
    }

    pub fn tok_text(&self, i: u32) -> &'s str {
        let t = &self.lexed.toks[i as usize];
        self.text.get(t.start as usize..t.end as usize).unwrap_or("")
    }

    pub fn node(&mut self, kind: &'static str, start: u32, end: u32, children: Vec<NodeId>) -> NodeId {
        self.nodes.push(Node { kind, start, end, children });
        self.nodes.len() as NodeId - 1
    }

    fn token_node(&mut self) -> NodeId {
        let at = self.pos;
        self.pos += 1;
        self.node("token", at, at + 1, Vec::new())
    }

    pub fn rule(&mut self, index: usize) -> Match {
        stacker::maybe_grow(64 * 1024, 2 * 1024 * 1024, || self.rule_inner(index))
    }

    fn rule_inner(&mut self, index: usize) -> Match {
        let grammar = self.grammar;
        let rule = &grammar.rules[index];
        if rule.invalid && !self.second_pass {
            return Ok(None);
        }
        let key = (index, self.pos);
        if (rule.left || rule.memo)
            && let Some(known) = self.memo.get(&key)
        {
            return Ok(known.map(|(node, end)| {
                self.pos = end;
                node
            }));
        }
        let start = self.pos;
        if !rule.left {
            let m = self.alts(&rule.alts, &rule.name)?;
            if rule.memo {
                self.memo.insert(key, m.map(|n| (n, self.pos)));
            }
            return Ok(m);
        }
        // Grow the match from the seed, as long as it gets longer.
        self.memo.insert(key, None);
        let mut best: Option<(NodeId, u32)> = None;
        loop {
            self.pos = start;
            let m = self.alts(&rule.alts, &rule.name)?;
            match m {
                Some(n) if best.is_none_or(|(_, end)| self.pos > end) => {
                    best = Some((n, self.pos));
                    self.memo.insert(key, best);
                }
                _ => break,
            }
        }
        self.memo.insert(key, best);
        self.pos = best.map_or(start, |b| b.1);
        Ok(best.map(|b| b.0))
    }

    fn alts(&mut self, alts: &'static [Alt], rule: &'static str) -> Match {
        let start = self.pos;
        for alt in alts {
            let outer_cut = std::mem::replace(&mut self.cut, false);
            let m = self.alt(alt, rule, start)?;
            let cut = std::mem::replace(&mut self.cut, outer_cut);
            if m.is_some() {
                return Ok(m);
            }
            self.pos = start;
            if cut {
                break;
            }
        }
        Ok(None)
    }

    fn alt(&mut self, alt: &'static Alt, rule: &'static str, start: u32) -> Match {
        let mut children = Vec::new();
        let (mut a, mut b) = (None, None);
        for (name, item) in &alt.items {
            let Some(n) = self.item(item)? else { return Ok(None) };
            match name {
                Some(b'a') => a = Some(n),
                Some(_) => b = Some(n),
                None => {}
            }
            if !matches!(item, Item::And(_) | Item::Not(_) | Item::Cut) {
                children.push(n);
            }
        }
        if let Some(action) = &alt.action {
            return action.run(self, rule, a, b, start);
        }
        if let Some(kind) = &alt.kind {
            let end = self.pos;
            return Ok(Some(self.node(kind.as_str(), start, end, children)));
        }
        if let [only] = children[..] {
            return Ok(Some(only));
        }
        let end = self.pos;
        Ok(Some(self.node("", start, end, children)))
    }

    fn item(&mut self, item: &'static Item) -> Match {
        let start = self.pos;
        match item {
            Item::Text(text) => {
                let t = self.token()?;
                let yes = matches!(t.kind, T::Name | T::Op) && self.tok_text(start) == text;
                Ok(yes.then(|| self.token_node()))
            }
            Item::Kind(kind) => {
                let t = self.token()?;
                let yes = t.kind == *kind && (*kind != T::Name || !KEYWORDS.contains(&self.tok_text(start)));
                Ok(yes.then(|| self.token_node()))
            }
            Item::SoftKeyword => {
                let t = self.token()?;
                let yes =
                    t.kind == T::Name && matches!(self.tok_text(start), "match" | "case" | "type" | "_");
                Ok(yes.then(|| self.token_node()))
            }
            Item::Rule(r) => self.rule(*r),
            Item::Group(alts) => self.alts(alts, ""),
            Item::Opt(inner) => match self.item(inner)? {
                Some(n) => Ok(Some(n)),
                None => {
                    self.pos = start;
                    Ok(Some(self.node("none", start, start, Vec::new())))
                }
            },
            Item::Star(inner) | Item::Plus(inner) => {
                let mut list = Vec::new();
                loop {
                    let before = self.pos;
                    match self.item(inner)? {
                        Some(n) if self.pos > before => list.push(n),
                        _ => {
                            self.pos = before;
                            break;
                        }
                    }
                }
                if list.is_empty() && matches!(item, Item::Plus(_)) {
                    return Ok(None);
                }
                let end = self.pos;
                Ok(Some(self.node("list", start, end, list)))
            }
            Item::Gather(sep, inner) => {
                let Some(first) = self.item(inner)? else { return Ok(None) };
                let mut list = vec![first];
                loop {
                    let before = self.pos;
                    if self.item(sep)?.is_none() {
                        self.pos = before;
                        break;
                    }
                    match self.item(inner)? {
                        Some(n) => list.push(n),
                        None => {
                            self.pos = before;
                            break;
                        }
                    }
                }
                let end = self.pos;
                Ok(Some(self.node("list", start, end, list)))
            }
            Item::And(inner) | Item::Not(inner) => {
                let m = self.item(inner)?;
                self.pos = start;
                let yes = m.is_some() == matches!(item, Item::And(_));
                Ok(yes.then(|| self.node("none", start, start, Vec::new())))
            }
            Item::Force(text) => {
                let t = self.token()?;
                if self.tok_text(start) == text {
                    return Ok(Some(self.token_node()));
                }
                self.found = Some(Found {
                    kind: ErrorKind::Syntax,
                    msg: format!("expected '{text}'"),
                    start: t.start,
                    end: t.end,
                    at_eof: false,
                    stage: Stage::Parser,
                    end_col: None,
                });
                Err(Abort)
            }
            Item::Cut => {
                self.cut = true;
                Ok(Some(self.node("none", start, start, Vec::new())))
            }
        }
    }

    /// Parse `rule` here with the error rules off.
    pub fn without_invalid(&mut self, rule: usize) -> Match {
        if !self.second_pass {
            return self.rule(rule);
        }
        self.second_pass = false;
        let m = self.rule(rule);
        self.second_pass = true;
        m
    }
}

impl From<&LexError> for Found {
    fn from(e: &LexError) -> Self {
        let (stage, end_col) = e.stage();
        Found {
            kind: e.kind,
            msg: e.msg.clone(),
            start: e.start,
            end: e.end,
            at_eof: e.at_eof,
            stage,
            end_col,
        }
    }
}
