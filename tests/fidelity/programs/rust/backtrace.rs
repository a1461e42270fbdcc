// What a backtrace shows of the standard library: its functions, and where they are.
use std::process::Command;

fn main() {
    if std::env::args().len() > 1 {
        panic!("shown");
    }
    let own = std::env::current_exe().unwrap();
    let child = Command::new(own).arg("panic").env("RUST_BACKTRACE", "full").output().unwrap();
    let text = String::from_utf8_lossy(&child.stderr).into_owned();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    println!("{}", lines.iter().any(|line| line.ends_with("main::main")));
    println!("{}", lines.iter().any(|line| line.starts_with("at /rustc/")));
}
