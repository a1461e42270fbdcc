"""The rest of a URL as the path of a file, whose name may have line breaks."""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor

FILE_PATH = "{path:file}"
"""What stands for it at the end of a route."""


class _FilePath(PathConvertor):
    regex = "(?s:.*)"


register_url_convertor("file", _FilePath())
