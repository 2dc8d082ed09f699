//! What makes a tree from Python code wrong, in CPython's words.

use cape_bytecode::Const;

use super::{Item, Node};
use crate::asdl::{Arity, Class as C, Kind};

/// A wrong tree: a `TypeError`, else a `ValueError`.
#[derive(Debug)]
pub struct Invalid {
    /// Raise `TypeError`.
    pub type_error: bool,
    /// The message.
    pub msg: String,
}

type Check = Result<(), Invalid>;

fn wrong<T>(msg: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid { type_error: false, msg: msg.into() })
}

/// Lists that must not be empty.
const NOT_EMPTY: &[(C, &str)] = &[
    (C::FunctionDef, "body"),
    (C::AsyncFunctionDef, "body"),
    (C::ClassDef, "body"),
    (C::Delete, "targets"),
    (C::Assign, "targets"),
    (C::For, "body"),
    (C::AsyncFor, "body"),
    (C::While, "body"),
    (C::If, "body"),
    (C::With, "items"),
    (C::With, "body"),
    (C::AsyncWith, "items"),
    (C::AsyncWith, "body"),
    (C::Match, "cases"),
    (C::MatchCase, "body"),
    (C::Try, "body"),
    (C::TryStar, "body"),
    (C::ExceptHandler, "body"),
    (C::Import, "names"),
    (C::ImportFrom, "names"),
    (C::Global, "names"),
    (C::Nonlocal, "names"),
];

/// Expressions that are assigned to or deleted; all others are loaded.
const CONTEXTS: &[(C, &str, C)] = &[
    (C::Delete, "targets", C::Del),
    (C::Assign, "targets", C::Store),
    (C::AugAssign, "target", C::Store),
    (C::AnnAssign, "target", C::Store),
    (C::TypeAlias, "name", C::Store),
    (C::For, "target", C::Store),
    (C::AsyncFor, "target", C::Store),
    (C::WithItem, "optional_vars", C::Store),
    (C::NamedExpr, "target", C::Store),
    (C::Comprehension, "target", C::Store),
];

/// Lists that may hold None.
const WITH_NONE: &[(C, &str)] = &[(C::Dict, "keys"), (C::Arguments, "kw_defaults")];

/// Names that must not be those of constants.
const NAMES: &[(C, &str)] = &[
    (C::FunctionDef, "name"),
    (C::AsyncFunctionDef, "name"),
    (C::ClassDef, "name"),
    (C::ExceptHandler, "name"),
    (C::Alias, "name"),
    (C::Alias, "asname"),
];

/// Checks a tree.
pub fn check(n: &Node) -> Check {
    node(n, C::Load)
}

/// Checks the names in a tree of the parser.
pub(super) fn names(n: &Node) -> crate::error::R<()> {
    let wrong = n.class == C::Name && name(n.text("id").unwrap_or("")).is_err();
    if wrong {
        return Err(Box::new(crate::error::Error::new(
            crate::ErrorKind::Value,
            format!("identifier field can't represent '{}' constant", n.text("id").unwrap_or("")),
            crate::compiler::no_range(),
        )));
    }
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || {
        for item in &n.fields {
            match item {
                Item::Node(child) => names(child)?,
                Item::List(items) => {
                    for i in items {
                        if let Item::Node(child) = i {
                            names(child)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(())
    })
}

fn len(n: &Node, field: &str) -> usize {
    match n.get(field) {
        Item::List(l) => l.len(),
        _ => 0,
    }
}

fn node(n: &Node, ctx: C) -> Check {
    stacker::maybe_grow(64 * 1024, 1024 * 1024, || node_inner(n, ctx))
}

fn node_inner(n: &Node, ctx: C) -> Check {
    let class = n.class;
    if class.base() == Some(C::AnyExpr) {
        context(n, ctx)?;
    }
    if class != C::Arguments {
        own_rules(n)?;
    }
    for &(_, field) in NAMES.iter().filter(|x| x.0 == class) {
        name(n.text(field).unwrap_or(""))?;
    }
    let mut specs: Vec<_> = class.fields().iter().zip(&n.fields).collect();
    if matches!(class, C::ListComp | C::SetComp | C::DictComp | C::GeneratorExp) {
        // The loops come first.
        specs.reverse();
    }
    for (spec, item) in specs {
        if len(n, spec.name) == 0 && NOT_EMPTY.contains(&(class, spec.name)) {
            return wrong(format!("empty {} on {}", spec.name, class.row().name));
        }
        let inner = match class {
            C::List | C::Tuple | C::Starred => ctx,
            _ => CONTEXTS.iter().find(|x| (x.0, x.1) == (class, spec.name)).map_or(C::Load, |x| x.2),
        };
        match item {
            Item::Node(target)
                if (class, spec.name) == (C::NamedExpr, "target") && target.class != C::Name =>
            {
                return Err(Invalid { type_error: true, msg: "NamedExpr target must be a Name".into() });
            }
            Item::Node(child) => node(child, inner)?,
            Item::List(items) => {
                for i in items {
                    match i {
                        Item::Node(child) => node(child, inner)?,
                        Item::None
                            if spec.arity == Arity::Many && !WITH_NONE.contains(&(class, spec.name)) =>
                        {
                            match spec.kind {
                                Kind::Node(C::AnyExpr) => {
                                    return wrong("None disallowed in expression list");
                                }
                                Kind::Node(C::AnyStmt) => {
                                    return wrong("None disallowed in statement list");
                                }
                                _ => return wrong(format!("None disallowed in {}", spec.name)),
                            }
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    if class == C::Arguments { own_rules(n) } else { Ok(()) }
}

fn context(n: &Node, expected: C) -> Check {
    let found = match n.class {
        C::Attribute | C::Subscript | C::Starred | C::Name | C::List | C::Tuple => n.node("ctx").class,
        _ if expected != C::Load => {
            return wrong(format!(
                "expression which can't be assigned to in {} context",
                expected.row().name
            ));
        }
        _ => return Ok(()),
    };
    if found != expected {
        return wrong(format!(
            "expression must have {} context but has {} instead",
            expected.row().name,
            found.row().name
        ));
    }
    Ok(())
}

fn name(text: &str) -> Check {
    match text {
        "None" | "True" | "False" => wrong(format!("identifier field can't represent '{text}' constant")),
        _ => Ok(()),
    }
}

fn capture(n: &Node, field: &str) -> Check {
    match n.text(field) {
        Some("_") => wrong("can't capture name '_' in patterns"),
        Some(t) => name(t),
        None => Ok(()),
    }
}

fn own_rules(n: &Node) -> Check {
    let class = n.class.row().name;
    match n.class {
        C::AnnAssign => {
            if n.int("simple") != 0 && n.node("target").class != C::Name {
                return Err(Invalid {
                    type_error: true,
                    msg: "AnnAssign with simple non-Name target".into(),
                });
            }
        }
        C::TypeAlias if n.node("name").class != C::Name => {
            return Err(Invalid { type_error: true, msg: "TypeAlias with non-Name name".into() });
        }
        C::ImportFrom if matches!(n.get("level"), Item::Int(..0)) => {
            return wrong("Negative ImportFrom level");
        }
        C::Raise => {
            if matches!(n.get("exc"), Item::None) && !matches!(n.get("cause"), Item::None) {
                return wrong("Raise with cause but no exception");
            }
        }
        C::Try | C::TryStar => {
            let (handlers, finalbody) = (len(n, "handlers"), len(n, "finalbody"));
            if handlers == 0 && finalbody == 0 && len(n, "body") > 0 {
                return wrong(format!("{class} has neither except handlers nor finalbody"));
            }
            if handlers == 0 && len(n, "orelse") > 0 {
                return wrong(format!("{class} has orelse but no except handlers"));
            }
        }
        C::Arguments => {
            if len(n, "defaults") > len(n, "posonlyargs") + len(n, "args") {
                return wrong("more positional defaults than args on arguments");
            }
            if len(n, "kw_defaults") != len(n, "kwonlyargs") {
                return wrong("length of kwonlyargs is not the same as kw_defaults on arguments");
            }
        }
        C::BoolOp if len(n, "values") < 2 => return wrong("BoolOp with less than 2 values"),
        C::Dict if len(n, "keys") != len(n, "values") => {
            return wrong("Dict doesn't have the same number of keys as values");
        }
        C::ListComp | C::SetComp | C::DictComp | C::GeneratorExp if len(n, "generators") == 0 => {
            return wrong("comprehension with no generators");
        }
        C::Compare => {
            if len(n, "comparators") == 0 {
                return wrong("Compare with no comparators");
            }
            if len(n, "comparators") != len(n, "ops") {
                return wrong("Compare has a different number of comparators and operands");
            }
        }
        C::Name => name(n.text("id").unwrap_or(""))?,
        _ if n.class.base() == Some(C::AnyPattern) => return pattern_rules(n),
        _ => {}
    }
    if let C::MatchCase = n.class
        && n.node("pattern").class == C::MatchStar
    {
        return wrong("can't use MatchStar here");
    }
    Ok(())
}

fn no_star(list: &Item) -> Check {
    let Item::List(items) = list else { return Ok(()) };
    if items.iter().any(|i| matches!(i, Item::Node(n) if n.class == C::MatchStar)) {
        return wrong("can't use MatchStar here");
    }
    Ok(())
}

fn pattern_rules(n: &Node) -> Check {
    match n.class {
        C::MatchValue => pattern_value(n.node("value")),
        C::MatchSingleton => match n.get("value") {
            Item::Const(Const::None | Const::True | Const::False) => Ok(()),
            _ => wrong("MatchSingleton can only contain True, False and None"),
        },
        C::MatchMapping => {
            if len(n, "keys") != len(n, "patterns") {
                return wrong("MatchMapping doesn't have the same number of keys as patterns");
            }
            capture(n, "rest")?;
            let Item::List(keys) = n.get("keys") else { return Ok(()) };
            for k in keys {
                let Item::Node(k) = k else { continue };
                let constant = matches!(&k.fields[0], Item::Const(Const::None | Const::True | Const::False));
                if k.class == C::Constant && constant {
                    continue;
                }
                pattern_value(k)?;
            }
            no_star(n.get("patterns"))
        }
        C::MatchClass => {
            if len(n, "kwd_attrs") != len(n, "kwd_patterns") {
                return wrong("MatchClass doesn't have the same number of keyword attributes as patterns");
            }
            let mut cls = n.node("cls");
            while cls.class == C::Attribute {
                cls = cls.node("value");
            }
            if cls.class != C::Name {
                return wrong("MatchClass cls field can only contain Name or Attribute nodes.");
            }
            if let Item::List(names) = n.get("kwd_attrs") {
                for i in names {
                    if let Item::Str(s) = i {
                        name(s.as_str().unwrap_or(""))?;
                    }
                }
            }
            no_star(n.get("patterns"))?;
            no_star(n.get("kwd_patterns"))
        }
        C::MatchStar => capture(n, "name"),
        C::MatchAs => {
            capture(n, "name")?;
            match n.get("pattern") {
                Item::Node(_) if n.text("name").is_none() => {
                    wrong("MatchAs must specify a target name if a pattern is given")
                }
                Item::Node(p) if p.class == C::MatchStar => wrong("can't use MatchStar here"),
                _ => Ok(()),
            }
        }
        C::MatchOr => {
            if len(n, "patterns") < 2 {
                return wrong("MatchOr requires at least 2 patterns");
            }
            no_star(n.get("patterns"))
        }
        _ => Ok(()),
    }
}

/// The value of a `MatchValue`, or a key of a `MatchMapping`.
fn pattern_value(v: &Node) -> Check {
    let number = |n: &Node, imaginary: bool| {
        n.class == C::Constant
            && match &n.fields[0] {
                Item::Const(Const::Complex(..)) => imaginary,
                Item::Const(Const::Int(_) | Const::BigInt(_) | Const::Float(_)) => !imaginary,
                _ => false,
            }
    };
    let signed = |n: &Node| match n.class {
        C::UnaryOp if n.node("op").class == C::USub => {
            number(n.node("operand"), false) || number(n.node("operand"), true)
        }
        _ => false,
    };
    let real = |n: &Node| {
        number(n, false)
            || (n.class == C::UnaryOp && n.node("op").class == C::USub && number(n.node("operand"), false))
    };
    let ok = match v.class {
        C::Constant => match &v.fields[0] {
            Item::Const(
                Const::Int(_)
                | Const::BigInt(_)
                | Const::Float(_)
                | Const::Complex(..)
                | Const::Str(_)
                | Const::Bytes(_),
            ) => true,
            Item::Const(_) => return wrong("unexpected constant inside of a literal pattern"),
            _ => false,
        },
        C::Attribute => {
            let mut e = v;
            while e.class == C::Attribute {
                e = e.node("value");
            }
            e.class == C::Name
        }
        C::UnaryOp => signed(v),
        C::BinOp => {
            matches!(v.node("op").class, C::Add | C::Sub)
                && real(v.node("left"))
                && number(v.node("right"), true)
        }
        C::JoinedStr | C::TemplateStr => true,
        _ => false,
    };
    if ok { Ok(()) } else { wrong("patterns may only match literals and attribute lookups") }
}
