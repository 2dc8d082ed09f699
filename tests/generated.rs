//! What is generated from `include/api.toml` is up to date.

use std::process::Command;

use cape_tests::root;

#[test]
fn generated_files_are_up_to_date() {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "cape-gen", "--", "--check"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
