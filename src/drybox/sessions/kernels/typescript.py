"""TypeScript's kernel: Node's, once esbuild has left the types out."""

from __future__ import annotations

from drybox.languages.typescript import COMPILER, TypeScript
from drybox.sessions.kernels.node import NodeKernel


class TypeScriptKernel(NodeKernel):
    """Evaluates code as Node's REPL would if it knew types."""

    language = TypeScript.name
    arguments = (f"{COMPILER}/bin/esbuild",)
