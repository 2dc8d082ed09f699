//! Where the program stands: `sys.executable`, the prefixes, the first `sys.path`.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use cape_vm::object::*;
use cape_vm::runtime::rt;
use cape_vm::{Ptr, Value};

/// The folders that the executable, or the environment it stands in, gives.
#[derive(Debug, PartialEq, Eq)]
struct Places {
    /// What is installed goes here: the environment, if there is one.
    prefix: PathBuf,
    /// The installation.
    base: PathBuf,
    /// Its executable.
    executable: PathBuf,
}

/// The folder above the one that a file is in.
fn above(file: &Path) -> PathBuf {
    file.parent().and_then(Path::parent).unwrap_or(Path::new("/usr/local")).to_path_buf()
}

/// `home` of a `pyvenv.cfg`: the folder of the executable that made the environment.
fn home_of(text: &str) -> Option<&str> {
    text.lines()
        .filter_map(|l| l.split_once('='))
        .find(|(k, _)| k.trim().eq_ignore_ascii_case("home"))
        .map(|(_, v)| v.trim())
}

impl Places {
    /// Looks around an executable, given as it was called.
    fn of(executable: &Path) -> Places {
        let real = executable.canonicalize().unwrap_or_else(|_| executable.to_path_buf());
        let beside = executable.parent().unwrap_or(Path::new("/")).to_path_buf();
        for folder in [above(executable), beside] {
            let Ok(text) = std::fs::read(folder.join("pyvenv.cfg")) else { continue };
            let text = String::from_utf8_lossy(&text);
            let Some(home) = home_of(&text).map(Path::new) else { break };
            return Places {
                prefix: folder,
                base: home.parent().unwrap_or(home).to_path_buf(),
                executable: base_executable(executable, real, home),
            };
        }
        // Programs call an installation through links, which say nothing of it.
        let prefix = above(&real);
        Places { base: prefix.clone(), prefix, executable: executable.to_path_buf() }
    }
}

/// The executable that an environment's one stands for: what it is a link to, or what is called so, or as usual, in `home`.
fn base_executable(executable: &Path, real: PathBuf, home: &Path) -> PathBuf {
    if real != executable {
        return real;
    }
    let same = home.join(executable.file_name().unwrap_or_default());
    let (major, minor, _) = super::VERSION;
    let usual = ["cape".to_string(), format!("python{major}"), format!("python{major}.{minor}")];
    match usual.iter().map(|name| home.join(name)).find(|path| path.is_file()) {
        Some(other) if !same.is_file() => other,
        _ => same,
    }
}

/// Adds them to `sys`.
pub(super) fn init(m: Ptr<ModuleObj>) {
    let c = rt().config();
    let text = |p: &Path| p.to_string_lossy().into_owned();
    let s = |t: &str| StrObj::new(t).value();
    let places = Places::of(Path::new(&c.executable));
    let (prefix, base) = (text(&places.prefix), text(&places.base));
    let (major, minor, _) = super::VERSION;
    let library = c.home.clone().unwrap_or_else(|| format!("{base}/lib/python{major}.{minor}"));
    let named: [(&str, Value); 7] = [
        ("executable", s(&c.executable)),
        ("_base_executable", s(&text(&places.executable))),
        ("prefix", s(&prefix)),
        ("exec_prefix", s(&prefix)),
        ("base_prefix", s(&base)),
        ("base_exec_prefix", s(&base)),
        ("_stdlib_dir", s(&library)),
    ];
    for (name, value) in named {
        m.add(name, value);
    }
    let path = ListObj::new(&[]);
    for folder in c.path_file.as_ref().unwrap_or(&c.python_path) {
        path.push(crate::fsname::decode(folder.as_bytes()).value());
    }
    if c.path_file.is_none() {
        path.push(s(&library));
        let extensions = format!("{library}/lib-dynload");
        if Path::new(&extensions).is_dir() {
            path.push(s(&extensions));
        }
    }
    m.add("path", path.value());
    m.add("meta_path", ListObj::new(&[]).value());
    m.add("path_hooks", ListObj::new(&[]).value());
    m.add("path_importer_cache", DictObj::new().value());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_one_key_of_several() {
        assert_eq!(home_of("version = 3.14\nHome = /opt/cape/bin \nx"), Some("/opt/cape/bin"));
        assert_eq!(home_of("version = 3.14\n"), None);
    }

    #[test]
    fn an_environment_says_where_it_comes_from() {
        let folder = std::env::temp_dir().join(format!("cape-paths-{}", std::process::id()));
        let bin = folder.join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        let executable = bin.join("cape");
        std::fs::write(&executable, "").expect("a file");
        let executable = executable.canonicalize().expect("it is there");
        let plain = Places::of(&executable);
        assert_eq!((&plain.prefix, &plain.executable), (&plain.base, &executable));
        std::fs::write(folder.join("pyvenv.cfg"), "home = /nowhere/bin\n").expect("a file");
        let inside = Places::of(&executable);
        assert_eq!(inside.base, Path::new("/nowhere"));
        assert_eq!(inside.executable, Path::new("/nowhere/bin/cape"));
        assert_eq!(inside.prefix, plain.prefix);
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
