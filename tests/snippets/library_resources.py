# Data files of the library's packages, and virtual environments made with them.
import os
import subprocess
import sys
import tempfile
from importlib import resources

scripts = resources.files("venv") / "scripts"
assert scripts.is_dir() and not scripts.is_file()
assert {"common", "posix"} <= {entry.name for entry in scripts.iterdir()}
activate = scripts / "common" / "activate"
assert activate.is_file() and activate.name == "activate"
assert activate.read_text(encoding="utf-8").startswith("# This file must be used with")
assert activate.read_bytes() == scripts.joinpath("common", "activate").open("rb").read()
with activate.open(encoding="utf-8") as file:
    assert "VIRTUAL_ENV" in file.read()
with resources.as_file(activate) as path:
    assert path.name == "activate" and path.read_bytes() == activate.read_bytes()
with resources.as_file(scripts) as path:
    assert (path / "common" / "activate").is_file()
assert not (scripts / "nothing").is_file() and not (scripts / "nothing").is_dir()
for path, error in ((scripts / "nothing", FileNotFoundError), (scripts, IsADirectoryError)):
    try:
        path.read_bytes()
    except error:
        pass
    else:
        raise AssertionError(path)
assert resources.read_text("json", "__init__.py").startswith('r"""JSON')
assert resources.is_resource("json", "decoder.py")

cpython = sys.implementation.name == "cpython"
if not cpython or "CAPE_PEER_CPYTHON" not in os.environ:
    import ensurepip
    import venv

    assert ensurepip.version() == ensurepip._PIP_VERSION
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        for symlinks in (True, False):
            there = os.path.join(folder, str(symlinks))
            venv.create(there, symlinks=symlinks)
            executable = os.path.join(there, "bin", os.path.basename(sys.executable))
            code = (
                "import sys, site, sysconfig; print([sys.executable, sys.prefix, sys.exec_prefix, sys.base_prefix, sys._base_executable, "
                "sysconfig.get_default_scheme(), site.getsitepackages()])"
            )
            out = subprocess.run([executable, "-c", code], capture_output=True, text=True, check=True).stdout
            packages = os.path.join(there, "lib", "python3.14", "site-packages")
            assert eval(out)[:-1] == [executable, there, there, sys.base_prefix, sys._base_executable, "venv"], out
            assert eval(out)[-1][0] == packages, out
            out = subprocess.run(
                ["bash", "-c", '. "$0"/bin/activate && echo "$VIRTUAL_ENV" && command -v python', there],
                capture_output=True, text=True, check=True,
            ).stdout
            assert out.split() == [there, os.path.join(there, "bin", "python")], out
