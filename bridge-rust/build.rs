//! Compiles `bridge-c` into the crate and makes programs export the C API to the shared objects that they load.

use std::path::Path;

fn main() {
    let root = Path::new("..");
    let c = root.join("bridge-c");
    let mut build = cc::Build::new();
    build
        .std("gnu11")
        .include(root.join("include"))
        .include(&c)
        .opt_level(2)
        .flag_if_supported("-fno-semantic-interposition")
        // As for Rust (.cargo/config.toml), whose flag means nothing to GCC.
        .inherit_rustflags(false)
        .flag_if_supported("-fno-tree-slp-vectorize")
        .flag_if_supported("-Wno-unused-parameter")
        .define("NDEBUG", None)
        .link_lib_modifier("+whole-archive");
    let mut files: Vec<_> = std::fs::read_dir(&c)
        .expect("bridge-c")
        .flatten()
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "c"))
        .collect();
    files.push(c.join("generated/missing.c"));
    files.sort();
    build.files(&files).compile("cape_c");
    for dir in ["../bridge-c", "../include"] {
        println!("cargo::rerun-if-changed={dir}");
    }
    println!("cargo::rerun-if-changed=generated/exports.txt");
    let exports = std::fs::canonicalize("generated/exports.txt").expect("the export list");
    println!("cargo::rustc-link-arg-bins=-Wl,--dynamic-list={}", exports.display());
    // The tables of builtins are full of addresses. At a place of its own in memory the program has them as they are in the file; anywhere
    // else the loader would write half a megabyte of them first.
    println!("cargo::rustc-link-arg-bins=-no-pie");
    let order = std::fs::canonicalize("startup.ld").expect("the order of functions");
    println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", order.display());
    println!("cargo::rerun-if-changed=startup.ld");
    if std::env::var_os("CARGO_FEATURE_TWINS").is_some() {
        let list = Path::new(&std::env::var("OUT_DIR").expect("the output folder")).join("twins.txt");
        std::fs::write(&list, "{ _CapeRust_*; };\n").expect("the output folder can be written");
        println!("cargo::rustc-link-arg-bins=-Wl,--dynamic-list={}", list.display());
    }
}
