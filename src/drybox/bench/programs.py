"""The programs that are measured: one that says hello, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NUMBER = "%d"
"""What stands in a source for the number of the run, so that nobody has seen it before."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program and how it runs bare.

    Attributes:
        source: Its text.
        file: Name of its file.
        bare: Arguments after the toolchain's program; ``{source}`` and ``{file}`` stand for these.
        compiles: Whether the same source another time is another matter.
    """

    source: str
    file: str
    bare: tuple[str, ...]
    compiles: bool = False

    def numbered(self, number: int) -> str:
        """The source of one run."""
        return self.source.replace(NUMBER, str(number))


PROGRAMS: Mapping[str, Program] = {
    "python": Program("print('hello', %d)\n", "main.py", ("-c", "{source}")),
    "node": Program("console.log('hello', %d)\n", "main.js", ("-e", "{source}")),
    "go": Program(
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello", %d) }\n',
        "main.go",
        ("run", "{file}"),
        compiles=True,
    ),
    "java": Program(
        "public class Main {\n"
        "    public static void main(String[] args) {\n"
        '        System.out.println("hello " + %d);\n'
        "    }\n"
        "}\n",
        "Main.java",
        ("{file}",),
        compiles=True,
    ),
}
