"""Environments of what people use, from the languages' own registries."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from drybox import CodeExecutor, Environment

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.promise("ENV-1", "SPEED-29"),
    pytest.mark.timeout(1800),
]

DATA = Environment(
    "data",
    "python",
    packages=["numpy", "pandas", "matplotlib", "pillow", "lxml", "requests", "scikit-learn"],
    preload=["numpy", "pandas", "matplotlib.pyplot"],
)
PYTHON = {
    "pandas": "import pandas, numpy\n"
    "print(pandas.DataFrame({'a': [1]}).sum().a, numpy.arange(3).sum())",
    "matplotlib": "import matplotlib.pyplot as plot\nplot.plot([1, 2])\nplot.savefig('a.png')\n"
    "print(open('a.png', 'rb').read(4)[1:].decode())",
    "pillow": "from PIL import Image\nprint(Image.new('RGB', (2, 3)).rotate(90, expand=True).size)",
    "lxml": "from lxml import etree\nprint(etree.fromstring('<a><b/></a>')[0].tag)",
    "requests": "import requests\n"
    "print(requests.Request('GET', 'http://a/', params={'b': 1}).prepare().url)",
    "sklearn": "from sklearn.linear_model import LinearRegression\n"
    "print(round(float(LinearRegression().fit([[0], [1]], [0, 2]).coef_[0]), 6))",
}
SAYS = {
    "pandas": "1 3\n",
    "matplotlib": "PNG\n",
    "pillow": "(3, 2)\n",
    "lxml": "b\n",
    "requests": "http://a/?b=1\n",
    "sklearn": "2.0\n",
}
DRAWS = """
import json, os, random, secrets, ssl, sys, tempfile, uuid
is_ahead = "pandas" in sys.modules
import numpy
print(json.dumps([is_ahead, [
    numpy.random.rand(), numpy.random.default_rng().random(), random.random(),
    random.Random().random(), secrets.token_hex(8), uuid.uuid4().hex, uuid.uuid1().hex,
    ssl.RAND_bytes(8).hex(), tempfile.mktemp(), os.urandom(8).hex(),
]]))
"""
NODE = """
import _ from 'lodash';
import { execSync } from 'node:child_process';
console.log(_.chunk([1, 2, 3], 2).length, execSync('tsc --version').toString().slice(0, 7));
console.log(execSync('esbuild --loader=ts', { input: 'let a: number = 1' }).toString().trim());
"""
TYPESCRIPT = """
import _ from 'lodash';
const parts: number[][] = _.chunk([1, 2, 3], 2);
console.log(parts.length);
"""
JAVA = """
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.common.collect.ImmutableList;
import org.junit.jupiter.api.Assertions;
public class Main {
    public static void main(String[] args) throws Exception {
        Assertions.assertEquals(2, ImmutableList.of(1, 2).size());
        System.out.println(new ObjectMapper().writeValueAsString(ImmutableList.of(1, 2)));
    }
}
"""
GO = """package main

import (
\t"fmt"

\t"github.com/stretchr/testify/assert"
\t"golang.org/x/text/cases"
\t"golang.org/x/text/language"
)

type told struct{}

func (told) Errorf(format string, args ...any) { fmt.Println("differs") }

func main() {
\tassert.Equal(told{}, 1, 2)
\tfmt.Println(cases.Title(language.English).String("hello"))
}
"""
RUST = """use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Point {
    x: u8,
}

fn main() {
    let point: Point = serde_json::from_str("{\\"x\\": 3}").unwrap();
    let found = regex::Regex::new("[0-9]").unwrap().is_match("a3");
    println!("{} {found}", serde_json::to_string(&point).unwrap());
}
"""


def test_python(tmp_path: Path) -> None:
    with CodeExecutor(environments=[DATA], environment_dir=tmp_path, isolation="local") as executor:
        executor.build_environment("data")
        said = {
            name: executor.execute("python", code, environment="data", timeout=120)
            for name, code in PYTHON.items()
        }
        assert {name: result.stdout for name, result in said.items()} == SAYS, said
        assert said["matplotlib"].stderr == ""  # nor is it told of fonts that are not there
        with executor.session("python", environment="data") as session:
            drawn = session.run("import matplotlib.pyplot as plot\nplot.plot([1, 2])\nplot.show()")
        assert [item.data["image/png"][1:4] for item in drawn.results] == [b"PNG"], drawn
        draws = list[list[object]]()
        while len(draws) < 100:
            result = executor.execute("python", DRAWS, environment="data", timeout=120)
            is_ahead, drawn = json.loads(result.stdout)
            if is_ahead:
                draws.append(drawn)
            else:
                time.sleep(0.2)
    for kind in zip(*draws, strict=True):
        assert len(set(kind)) == 100


def test_node(tmp_path: Path) -> None:
    packages = ["lodash@4", "typescript@5", "esbuild"]
    script = Environment("script", "node", packages=packages)
    settings = {"environments": [script], "environment_dir": tmp_path, "isolation": "local"}
    with CodeExecutor(**settings) as executor:  # type: ignore[arg-type]
        result = executor.execute(
            "node", files={"main.mjs": NODE}, environment="script", timeout=120
        )
        typed = executor.execute("typescript", TYPESCRIPT, environment="script", timeout=120)
        with executor.session("typescript", environment="script") as session:
            session.run("import ts from 'typescript'")
            said = session.run("console.log(ts.version.split('.')[0])")
    assert result.stdout == "2 Version\nlet a = 1;\n", result.stderr
    assert (typed.stdout, typed.environment) == ("2\n", result.environment), typed.stderr
    assert said.stdout == "5\n", said


def test_java(tmp_path: Path) -> None:
    packages = [
        "com.google.guava:guava:33.2.1-jre",
        "com.fasterxml.jackson.core:jackson-databind:2.17.2",
        "org.junit.jupiter:junit-jupiter-api:5.10.3",
    ]
    jvm = Environment("jvm", "java", packages=packages)
    with CodeExecutor(environments=[jvm], environment_dir=tmp_path, isolation="local") as executor:
        result = executor.execute("java", JAVA, environment="jvm", timeout=120)
    assert result.stdout == "[1,2]\n", result.stderr


def test_go(tmp_path: Path) -> None:
    packages = ["github.com/stretchr/testify@v1.9.0", "golang.org/x/text"]
    web = Environment("web", "go", packages=packages)
    with CodeExecutor(environments=[web], environment_dir=tmp_path, isolation="local") as executor:
        info = executor.build_environment("web")
        plain = executor.execute("go", GO, environment="web", timeout=120)
        files = {"main.go": GO, "go.mod": "module own\n\ngo 1.18\n"}
        own = executor.execute("go", files=files, environment="web", timeout=120)
    licences = {item.name: item.licence for item in info.packages}
    assert licences["github.com/stretchr/testify"] == "MIT"
    assert licences["golang.org/x/text"] == "BSD-3-Clause"
    assert plain.stdout == "differs\nHello\n", plain.stderr
    assert own.stdout == "differs\nHello\n", own.stderr


def test_rust(tmp_path: Path) -> None:
    """A derive macro needs a feature, which only a manifest names."""
    manifest = tmp_path / "Cargo.toml"
    manifest.write_text(
        '[package]\nname = "own"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\n'
        'serde = { version = "1", features = ["derive"] }\nserde_json = "1"\nregex = "1"\n'
    )
    web = Environment("web", "rust", requirements=manifest)
    with CodeExecutor(environments=[web], environment_dir=tmp_path, isolation="local") as executor:
        info = executor.build_environment("web")
        plain = executor.execute("rust", RUST, environment="web", timeout=120)
        files = {"src/main.rs": RUST, "Cargo.toml": manifest.read_text()}
        own = executor.execute("rust", files=files, environment="web", timeout=120)
    licences = {item.name: item.licence for item in info.packages}
    assert licences["serde"] == "MIT OR Apache-2.0"
    assert plain.stdout == '{"x":3} true\n', plain.stderr
    assert own.stdout == '{"x":3} true\n', own.stderr
