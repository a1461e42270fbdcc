// What a backtrace shows of the standard library: its functions, and where they are.
use std::backtrace::Backtrace;

fn main() {
    let text = Backtrace::force_capture().to_string();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    println!("{}", lines.iter().any(|line| line.ends_with("main::main")));
    println!("{}", lines.iter().any(|line| line.starts_with("at /rustc/")));
}
