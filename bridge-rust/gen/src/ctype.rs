//! C types as Rust types.

/// Structs, enums and function pointers of the headers, which `crate::ffi` defines under their C
/// names; what is not here is refused, so that a wrong row is noticed here and not in the linker.
fn is_ffi_name(name: &str) -> bool {
    const OTHERS: &[&str] = &[
        "atexit_datacallbackfunc",
        "destructor",
        "digit",
        "freefunc",
        "gcvisitobjects_t",
        "vectorcallfunc",
        "visitproc",
        "_frozen",
        "_inittab",
    ];
    name.starts_with("Py") || name.starts_with("_Py") || OTHERS.contains(&name)
}

/// Integers and floats of C.
const SCALARS: &[(&str, &str)] = &[
    ("char", "c_char"),
    ("unsigned char", "c_uchar"),
    ("int", "c_int"),
    ("unsigned int", "c_uint"),
    ("uintptr_t", "usize"),
    ("long", "c_long"),
    ("unsigned long", "c_ulong"),
    ("long long", "c_longlong"),
    ("unsigned long long", "c_ulonglong"),
    ("double", "f64"),
    ("size_t", "usize"),
    ("Py_ssize_t", "isize"),
    ("Py_hash_t", "isize"),
    ("int32_t", "i32"),
    ("uint32_t", "u32"),
    ("int64_t", "i64"),
    ("uint64_t", "u64"),
    ("uint8_t", "u8"),
    ("Py_UCS4", "u32"),
    ("wchar_t", "wchar_t"),
    ("PyTime_t", "i64"),
    ("PyThread_type_lock", "*mut c_void"),
    ("FILE", "FILE"),
];

/// The Rust spelling of a C type, or an error that names it.
pub fn rust_type(c_type: &str) -> Result<String, String> {
    let c_type = c_type.trim();
    if let Some(at) = c_type.find("(*") {
        return function_pointer(c_type, at);
    }
    if let Some(target) = c_type.strip_suffix("const").map(str::trim_end) {
        // `T *const`: the parameter itself is constant, which Rust does not say.
        if target.ends_with('*') {
            return rust_type(target);
        }
    }
    if let Some(target) = c_type.strip_suffix('*') {
        return pointer(target.trim());
    }
    let c_type = c_type.strip_prefix("const ").unwrap_or(c_type);
    if let Some((_, rust)) = SCALARS.iter().find(|(c, _)| *c == c_type) {
        return Ok((*rust).to_string());
    }
    let name = c_type.strip_prefix("struct ").unwrap_or(c_type);
    if is_ffi_name(name) {
        return Ok(name.to_string());
    }
    Err(format!("the C type `{c_type}` has no Rust spelling"))
}

/// `target *`.
fn pointer(target: &str) -> Result<String, String> {
    let (target, constant) = if let Some(rest) = target.strip_prefix("const ") {
        // `const T **` is a mutable pointer to `const T *`.
        if rest.ends_with('*') { (target, false) } else { (rest, true) }
    } else if let Some(rest) = target.strip_suffix("const") {
        (rest.trim_end(), true)
    } else {
        (target, false)
    };
    let inner = if target == "void" { "c_void".to_string() } else { rust_type(target)? };
    Ok(format!("*{} {inner}", if constant { "const" } else { "mut" }))
}

/// `result (*)(params)`.
fn function_pointer(c_type: &str, at: usize) -> Result<String, String> {
    let bad = || format!("cannot read the function pointer `{c_type}`");
    let rest = &c_type[at + 2..];
    let open = rest.find('(').ok_or_else(bad)?;
    let inner = rest[open + 1..].strip_suffix(')').ok_or_else(bad)?;
    let params = if inner == "void" {
        Vec::new()
    } else {
        inner.split(',').map(|p| rust_type(p.trim())).collect::<Result<Vec<_>, _>>()?
    };
    let result = result_type(c_type[..at].trim())?;
    Ok(format!("Option<unsafe extern \"C\" fn({}){result}>", params.join(", ")))
}

/// `-> T`, or nothing for `void`.
pub fn result_type(c_type: &str) -> Result<String, String> {
    if c_type == "void" { Ok(String::new()) } else { Ok(format!(" -> {}", rust_type(c_type)?)) }
}
