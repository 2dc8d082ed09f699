//! The table of the C API: rows, checked when they are read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// Who implements a symbol.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Side {
    /// A function or datum of `bridge-c`.
    C,
    /// A body in `bridge-rust/src/api`.
    Rust,
    /// A macro or inline function of the headers.
    #[serde(rename = "inline")]
    Inline,
    /// Nobody yet: functions raise, data are not defined.
    #[serde(rename = "missing")]
    Missing,
}

/// One row as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    c: Option<String>,
    header: Option<String>,
    #[serde(default)]
    data: bool,
    #[serde(default)]
    steals: Vec<String>,
    steals_if: Option<String>,
    returns: Option<String>,
    error: Option<String>,
    side: Option<Side>,
    why: Option<String>,
    stable: Option<String>,
    #[serde(default)]
    abi: bool,
    gil: Option<bool>,
    #[serde(default)]
    at_once: bool,
    #[serde(default)]
    twin: bool,
    #[serde(default)]
    used: u32,
    deprecated: Option<String>,
    #[serde(default)]
    noreturn: bool,
    printf: Option<[u32; 2]>,
}

/// A parameter of a function.
#[derive(Debug)]
pub struct Param {
    /// C declaration, name included; `...` for the variable part.
    pub decl: String,
    /// C type, name removed.
    pub c_type: String,
    pub name: String,
    /// The callee takes the reference.
    pub stolen: bool,
}

/// What a row describes.
#[derive(Debug)]
pub enum Kind {
    Function {
        result: String,
        params: Vec<Param>,
    },
    /// The type of a datum, or its whole declaration when the name stands inside it.
    Data {
        c_type: String,
    },
    /// A macro, an inline function, or a private symbol without signature.
    Named,
}

/// One symbol.
#[derive(Debug)]
pub struct Row {
    pub name: String,
    pub header: String,
    pub kind: Kind,
    pub borrowed: bool,
    /// Error value as a C expression; `None` when the function cannot fail.
    pub error: Option<String>,
    pub side: Side,
    pub why: Option<String>,
    /// First version of the limited API, as (major, minor).
    pub stable: Option<(u32, u32)>,
    pub abi_only: bool,
    pub needs_gil: bool,
    /// A function of `crate::at_once` is tried first.
    pub at_once: bool,
    pub twin: bool,
    pub used: u32,
    pub deprecated: Option<String>,
    pub noreturn: bool,
    pub printf: Option<[u32; 2]>,
}

impl Row {
    /// Result type and parameters, when the row is a function with a signature.
    pub fn function(&self) -> Option<(&str, &[Param])> {
        match &self.kind {
            Kind::Function { result, params } => Some((result, params)),
            _ => None,
        }
    }

    /// Takes `...` or a `va_list`, so only C can implement it.
    pub fn is_variadic(&self) -> bool {
        self.function()
            .is_some_and(|(_, params)| params.iter().any(|p| p.decl == "..." || p.c_type == "va_list"))
    }

    /// The C parameter list, without parentheses.
    pub fn c_params(&self) -> String {
        match self.function() {
            Some((_, [])) => "void".to_string(),
            Some((_, params)) => params.iter().map(|p| p.decl.as_str()).collect::<Vec<_>>().join(", "),
            None => String::new(),
        }
    }
}

/// Reads a table; rows come back sorted by header, then name.
pub fn read(path: &Path) -> Result<Vec<Row>, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let raw: BTreeMap<String, RawRow> =
        toml::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut rows = raw.into_iter().map(|(name, row)| check(name, row)).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by(|a, b| (&a.header, &a.name).cmp(&(&b.header, &b.name)));
    Ok(rows)
}

/// Turns a written row into a checked one.
fn check(name: String, raw: RawRow) -> Result<Row, String> {
    let fail = |what: String| format!("row [{name}]: {what}");
    let kind = match &raw.c {
        None => Kind::Named,
        Some(c) if raw.data => Kind::Data { c_type: c.clone() },
        Some(c) => signature(c, &raw.steals).map_err(&fail)?,
    };
    let side = raw.side.unwrap_or(Side::Rust);
    if raw.c.is_none() && matches!(side, Side::C | Side::Rust) {
        return Err(fail("has no signature `c`".to_string()));
    }
    let borrowed = match raw.returns.as_deref() {
        None | Some("new") => false,
        Some("borrowed") => true,
        Some(other) => return Err(fail(format!("returns = \"{other}\""))),
    };
    if let Some(other) = raw.steals_if.as_deref().filter(|s| *s != "success") {
        return Err(fail(format!("steals_if = \"{other}\"")));
    }
    let pointer = matches!(&kind, Kind::Function { result, .. } if result.ends_with('*'));
    let error = raw.error.or_else(|| pointer.then(|| "NULL".to_string()));
    let stable = match raw.stable.as_deref() {
        None => None,
        Some(text) => Some(version(text).ok_or_else(|| fail(format!("stable = \"{text}\"")))?),
    };
    let row = Row {
        header: raw.header.unwrap_or_else(|| "internal".to_string()),
        kind,
        borrowed,
        error,
        side,
        why: raw.why,
        stable,
        abi_only: raw.abi,
        needs_gil: raw.gil.unwrap_or(true),
        at_once: raw.at_once,
        twin: raw.twin,
        used: raw.used,
        deprecated: raw.deprecated,
        noreturn: raw.noreturn,
        printf: raw.printf,
        name,
    };
    if row.side == Side::Rust && row.is_variadic() {
        return Err(format!("row [{}]: a variadic function must be on side C", row.name));
    }
    Ok(row)
}

fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Parses `result (param, param)`.
fn signature(c: &str, steals: &[String]) -> Result<Kind, String> {
    let open = c.find(" (").ok_or_else(|| format!("cannot read signature `{c}`"))?;
    let result = c[..open].trim().to_string();
    let inner = c[open + 2..].strip_suffix(')').ok_or_else(|| format!("cannot read signature `{c}`"))?;
    let mut params = Vec::new();
    if inner != "void" {
        for decl in split_params(inner) {
            params.push(param(decl, steals)?);
        }
    }
    for stolen in steals {
        if !params.iter().any(|p| p.name == *stolen) {
            return Err(format!("steals = [\"{stolen}\"] names no parameter"));
        }
    }
    Ok(Kind::Function { result, params })
}

/// Splits at the commas that are not inside parentheses.
fn split_params(inner: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (i, byte) in inner.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(inner[start..i].trim());
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(inner[start..].trim());
    parts
}

/// Parses one parameter declaration.
fn param(decl: &str, steals: &[String]) -> Result<Param, String> {
    if decl == "..." {
        return Ok(Param {
            decl: decl.to_string(),
            c_type: decl.to_string(),
            name: String::new(),
            stolen: false,
        });
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, c_type) = if let Some(at) = decl.find("(*") {
        let rest = &decl[at + 2..];
        let name: String = rest.chars().take_while(|c| is_word(*c)).collect();
        let c_type = format!("{}(*{}", &decl[..at], &rest[name.len()..]);
        (name, c_type)
    } else {
        let (base, array) = match decl.find('[') {
            Some(at) => (&decl[..at], " *"),
            None => (decl, ""),
        };
        let start = base.rfind(|c| !is_word(c)).map_or(0, |i| i + 1);
        let name = base[start..].to_string();
        (name, format!("{}{array}", base[..start].trim()))
    };
    if name.is_empty() || c_type.is_empty() {
        return Err(format!("parameter `{decl}` has no name"));
    }
    Ok(Param { decl: decl.to_string(), c_type, stolen: steals.contains(&name), name })
}
