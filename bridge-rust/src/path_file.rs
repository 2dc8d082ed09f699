//! The file that says what `sys.path` is: beside the executable, called as that with `._pth` behind it. Neither the environment nor `site`
//! adds to it, unless a line says `import site`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use cape_vm::config::Config;

/// Reads the file, if there is one.
pub(crate) fn read(c: &mut Config) {
    let Ok(text) = std::fs::read(format!("{}._pth", c.executable)) else { return };
    let beside = Path::new(&c.executable).parent().unwrap_or(Path::new("/"));
    c.no_site = true;
    let mut folders = vec![];
    for line in text.split(|&b| b == b'\n').map(<[u8]>::trim_ascii) {
        match line {
            b"" | [b'#', ..] => {}
            b"import site" => c.no_site = false,
            _ if line.starts_with(b"import ") => eprintln!("unsupported 'import' line in ._pth file"),
            _ => folders.push(absolute(beside, line)),
        }
    }
    c.path_file = Some(folders);
    c.isolated = true;
    c.ignore_environment = true;
    c.safe_path = true;
    c.no_user_site = true;
}

/// A folder as seen from another, without `.` and `..`.
fn absolute(from: &Path, folder: &[u8]) -> OsString {
    let mut out = PathBuf::new();
    for part in from.join(OsStr::from_bytes(folder)).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            _ => out.push(part),
        }
    }
    out.into_os_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_seen_from_the_executables() {
        let seen = |folder: &[u8]| absolute(Path::new("/opt/cape/bin"), folder);
        assert_eq!(seen(b"."), "/opt/cape/bin");
        assert_eq!(seen(b"../lib"), "/opt/cape/lib");
        assert_eq!(seen(b"/usr/lib"), "/usr/lib");
    }
}
