"""The page at ``/`` and its files, under a policy that lets them load nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse

FOLDER = Path(__file__).parent / "page"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Of what a page consists; anything else in the folder is not served.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
}


def page_routes(folder: Path = FOLDER) -> APIRouter:
    """The page of a folder: its index.html, and the files beside it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    @router.head("/")
    async def index() -> FileResponse:
        return _file(folder, "index.html")

    @router.get("/page/{name}")
    async def asset(name: str) -> FileResponse:
        return _file(folder, name)

    return router


def _file(folder: Path, name: str) -> FileResponse:
    path = folder / name
    kind = _TYPES.get(path.suffix)
    # One name, of a file that is really there: no separator, nothing hidden, no link to elsewhere.
    if (
        kind is None
        or Path(name).name != name
        or name.startswith(".")
        or path.is_symlink()
        or not path.is_file()
    ):
        raise HTTPException(404, "there is no such file")
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return FileResponse(path, media_type=kind, headers=headers)
