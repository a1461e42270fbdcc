"""The programs in Rust."""

from tests.conformance.programs import Programs

KILL = """\
extern "C" {{
    fn raise(number: i32) -> i32;
}}

fn main() {{
    println!("before");
    unsafe {{ raise({number}) }};
    loop {{
        std::thread::park();
    }}
}}
"""

SEGFAULT = """\
fn main() {
    println!("before");
    let nowhere = unsafe { std::ptr::read_volatile(&8usize) } as *mut u64;
    unsafe { nowhere.write_volatile(1) };
}
"""

ABORT = """\
fn main() {
    println!("before");
    std::process::abort();
}
"""

PROGRAMS = Programs(
    language="rust",
    names=("rust", "rs"),
    compiles=True,
    start=2.0,
    hello="""\
fn main() {
    println!("Hello, World!");
    eprintln!("a word");
}
""",
    exit="""\
fn main() {
    println!("before");
    std::process::exit(std::env::args().nth(1).unwrap().parse().unwrap());
}
""",
    signals={
        **{
            name: KILL.format(number=number)
            for name, number in (("SIGTERM", 15), ("SIGKILL", 9), ("SIGXCPU", 24))
        },
        "SIGABRT": ABORT,
        "SIGSEGV": SEGFAULT,
    },
    broken='fn main() {\n    let number: i32 = "text";\n}\n',
    complaint="main.rs:2",
    complain="""\
use std::io::Write;

fn main() {
    std::io::stderr().write_all(&std::fs::read("words.txt").unwrap()).unwrap();
    std::process::exit(1);
}
""",
    hang="""\
fn main() {
    println!("ready");
    eprintln!("waiting");
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
}
""",
    hog="""\
fn main() {
    println!("ready");
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![b'x'; 1 << 20]);
    }
}
""",
    touch="""\
fn main() {
    let size: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let hoard = vec![b'x'; size << 20];
    if unsafe { std::ptr::read_volatile(&hoard[hoard.len() - 1]) } == b'x' {
        println!("done");
    }
}
""",
    flood="""\
use std::io::Write;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let mut left: usize = words[2].parse().unwrap();
    let block = "0123456789".repeat(100).into_bytes();
    while left > 0 {
        let size = if left % 1000 == 0 { 1000 } else { left % 1000 };
        if words[1] == "stdout" {
            std::io::stdout().write_all(&block[..size]).unwrap();
            std::io::stdout().flush().unwrap();
        } else {
            std::io::stderr().write_all(&block[..size]).unwrap();
        }
        left -= size;
    }
}
""",
    busy="""\
extern "C" {
    fn clock() -> i64;
}

fn main() {
    while unsafe { clock() } < 1_000_000 {}
    println!("done");
}
""",
    cat="""\
fn main() {
    std::io::copy(&mut std::io::stdin(), &mut std::io::stdout()).unwrap();
}
""",
    words="""\
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

fn main() {
    for word in std::env::args_os().skip(1) {
        std::io::stdout().write_all(word.as_bytes()).unwrap();
        std::io::stdout().write_all(&[0]).unwrap();
    }
}
""",
    variable="""\
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

fn main() {
    let value = std::env::var_os(std::env::args().nth(1).unwrap()).unwrap();
    std::io::stdout().write_all(value.as_bytes()).unwrap();
}
""",
    split="""\
use std::io::{stdin, stdout, Write};

fn main() {
    stdout().write_all(&[0xc3]).unwrap();
    stdout().flush().unwrap();
    stdin().read_line(&mut String::new()).unwrap();
    stdout().write_all(&[0xa9, b'\\n']).unwrap();
}
""",
    talk="""\
fn main() {
    println!("ready");
    for line in std::io::stdin().lines() {
        println!("got {}", line.unwrap());
    }
}
""",
    clock="""\
use std::time::{Duration, SystemTime, UNIX_EPOCH};

fn tell() {
    println!("{:.6}", SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64());
}

fn main() {
    let pause: f64 = std::env::args().nth(1).unwrap().parse().unwrap();
    tell();
    std::thread::sleep(Duration::from_secs_f64(pause));
    tell();
}
""",
    write="""\
use std::fs;

fn main() -> std::io::Result<()> {
    fs::create_dir_all("out/deep")?;
    fs::write("top.txt", "top\\n")?;
    fs::write("out/text.txt", "text\\n")?;
    fs::write("out/deep/bytes.bin", (0..=255).collect::<Vec<u8>>())?;
    std::os::unix::fs::symlink("/etc/passwd", "out/link.txt")?;
    std::process::exit(3);
}
""",
    project={
        "Cargo.toml": (
            '[package]\nname = "sample-project"\nversion = "0.1.0"\nedition = "2021"\n\n'
            '[[bin]]\nname = "other"\npath = "tools/other.rs"\n\n'
            '[[bin]]\nname = "sample-project"\npath = "src/main.rs"\n'
        ),
        "src/main.rs": (
            "mod noun;\nmod parts {\n    pub mod words;\n}\n\n"
            'fn main() {\n    println!("{} {}", parts::words::whole(), noun::noun());\n}\n'
        ),
        "src/noun.rs": (
            "pub fn noun() -> String {\n"
            '    std::fs::read_to_string("data/noun.txt").unwrap().trim().to_string()\n}\n'
        ),
        "src/parts/words.rs": 'pub fn whole() -> &\'static str {\n    "whole"\n}\n',
        "data/noun.txt": "project\n",
        "tools/other.rs": b'fn main() {\n    println!("other entry");\n}\n',
    },
    other_entry="tools/other.rs",
)
