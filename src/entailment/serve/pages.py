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
    """The page of a folder: its index.html, and the files beside it that are there now."""
    router = APIRouter(include_in_schema=False)
    # Names are looked up, never made into paths: nothing hidden is among them, and no link to elsewhere.
    files = {
        path.name: path
        for path in folder.iterdir()
        if path.suffix in _TYPES and path.name[0] != "." and path.is_file() and not path.is_symlink()
    }

    def file(name: str) -> FileResponse:
        path = files.get(name)
        if path is None:
            raise HTTPException(404, "there is no such file")
        headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
        return FileResponse(path, media_type=_TYPES[path.suffix], headers=headers)

    @router.get("/")
    @router.head("/")
    async def index() -> FileResponse:
        return file("index.html")

    @router.get("/page/{name}")
    async def asset(name: str) -> FileResponse:
        return file(name)

    return router
