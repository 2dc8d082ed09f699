//! The audit events of native functions that have the functions' own arguments.

use cape_vm::Ptr;
use cape_vm::object::ModuleObj;

/// Of a module: functions and methods, the event of each, and the parameters that are its arguments.
type Rows = &'static [(&'static str, &'static str, &'static str)];

const ROWS: &[(&str, Rows)] = &[
    (
        "fcntl",
        &[
            ("fcntl", "fcntl.fcntl", "fd cmd arg"),
            ("flock", "fcntl.flock", "fd operation"),
            ("ioctl", "fcntl.ioctl", "fd request arg"),
            ("lockf", "fcntl.lockf", "fd cmd len=0 start=0 whence=0"),
        ],
    ),
    ("mmap", &[("mmap.__new__", "mmap.__new__", "fileno length access=0 offset=0")]),
    ("_posixsubprocess", &[("fork_exec", "_posixsubprocess.fork_exec", "executable_list args env")]),
    (
        "posix",
        &[
            ("chdir", "os.chdir", "path"),
            ("chmod", "os.chmod", "path mode dir_fd=-1"),
            ("chown", "os.chown", "path uid gid dir_fd=-1"),
            ("execv", "os.exec", "path argv"),
            ("execve", "os.exec", "path argv env"),
            ("fchdir", "os.chdir", "fd"),
            ("fchmod", "os.chmod", "fd mode"),
            ("fchown", "os.chown", "fd uid gid"),
            ("fork", "os.fork", ""),
            ("forkpty", "os.forkpty", ""),
            ("ftruncate", "os.truncate", "fd length"),
            ("getxattr", "os.getxattr", "path attribute"),
            ("kill", "os.kill", "pid signal"),
            ("killpg", "os.killpg", "pgid signal"),
            ("lchown", "os.chown", "path uid gid"),
            ("link", "os.link", "src dst src_dir_fd=-1 dst_dir_fd=-1"),
            ("listdir", "os.listdir", "path"),
            ("listxattr", "os.listxattr", "path"),
            ("lockf", "os.lockf", "fd command length"),
            ("mkdir", "os.mkdir", "path mode=511 dir_fd=-1"),
            ("posix_spawn", "os.posix_spawn", "path argv env"),
            ("posix_spawnp", "os.posix_spawn", "path argv env"),
            ("putenv", "os.putenv", "name value"),
            ("remove", "os.remove", "path dir_fd=-1"),
            ("removexattr", "os.removexattr", "path attribute"),
            ("rename", "os.rename", "src dst src_dir_fd=-1 dst_dir_fd=-1"),
            ("replace", "os.rename", "src dst src_dir_fd=-1 dst_dir_fd=-1"),
            ("rmdir", "os.rmdir", "path dir_fd=-1"),
            ("scandir", "os.scandir", "path"),
            ("setxattr", "os.setxattr", "path attribute value flags=0"),
            ("symlink", "os.symlink", "src dst dir_fd=-1"),
            ("system", "os.system", "command"),
            ("truncate", "os.truncate", "path length"),
            ("unlink", "os.remove", "path dir_fd=-1"),
            ("unsetenv", "os.unsetenv", "name"),
            ("utime", "os.utime", "path times ns dir_fd=-1"),
        ],
    ),
    (
        "resource",
        &[
            ("prlimit", "resource.prlimit", "pid resource limits"),
            ("setrlimit", "resource.setrlimit", "resource limits"),
        ],
    ),
    ("_signal", &[("pthread_kill", "signal.pthread_kill", "thread_id signalnum")]),
    (
        "_socket",
        &[
            ("getaddrinfo", "socket.getaddrinfo", "host port family=0 type=0 proto=0"),
            ("gethostbyaddr", "socket.gethostbyaddr", "host"),
            ("gethostbyname", "socket.gethostbyname", "host"),
            ("gethostbyname_ex", "socket.gethostbyname", "host"),
            ("gethostname", "socket.gethostname", ""),
            ("getnameinfo", "socket.getnameinfo", "sockaddr"),
            ("getservbyname", "socket.getservbyname", "servicename protocolname"),
            ("getservbyport", "socket.getservbyport", "port protocolname"),
            ("sethostname", "socket.sethostname", "name"),
            ("socket.__init__", "socket.__new__", "self family=-1 type=-1 proto=-1"),
            ("socket.bind", "socket.bind", "self address"),
            ("socket.connect", "socket.connect", "self address"),
            ("socket.connect_ex", "socket.connect", "self address"),
            ("socket.sendmsg", "socket.sendmsg", "self address"),
        ],
    ),
];

/// Has the functions of a module tell of their events.
pub(crate) fn declare(name: &str, m: Ptr<ModuleObj>) {
    if let Some((_, rows)) = ROWS.iter().find(|(module, _)| *module == name) {
        m.audited(rows);
    }
}
