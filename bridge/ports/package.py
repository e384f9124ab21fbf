"""What a merchant installs inside the store itself: a plugin or a module, shipped with its adapter as a folder."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

# The oldest moment a zip can tell. A real date would make each build another file.
_MADE = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16


@dataclass(frozen=True)
class Package:
    """The files in ``source``, which stand below ``root`` in the zip ("" where the platform wants them at its top).

    ``name`` is the file's, without version and ending; ``version`` is what the files themselves say.
    """

    source: Path
    name: str
    version: str
    root: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}.zip"

    def files(self) -> dict[str, Path]:
        """By path in the zip, sorted. What begins with a dot stays at home."""
        found = (path for path in self.source.rglob("*") if path.is_file())
        paths = {path.relative_to(self.source).as_posix(): path for path in found}
        shown = {name: path for name, path in paths.items() if not _is_hidden(name)}
        return {(PurePosixPath(self.root) / name).as_posix(): shown[name] for name in sorted(shown)}

    def build(self) -> bytes:
        """The zip, the same bytes wherever and whenever it is built: nothing is compressed, since one zlib packs
        differently from the next."""
        target = BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for name, path in self.files().items():
                entry = zipfile.ZipInfo(name, _MADE)
                entry.create_system, entry.external_attr = 3, _MODE
                archive.writestr(entry, path.read_bytes())
        return target.getvalue()


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)
