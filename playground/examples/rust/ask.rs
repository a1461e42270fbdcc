// Type into the line below the output while this runs.
use std::io::{stdin, stdout, Write};

fn ask(question: &str) -> String {
    print!("{question} ");
    stdout().flush().unwrap();
    let mut line = String::new();
    stdin().read_line(&mut line).unwrap();
    line.trim().to_string()
}

fn main() {
    let name = ask("What is your name?");
    let count = ask(&format!("How often shall I greet you, {name}?"));
    for n in 1..=count.parse().unwrap_or(1).min(10) {
        println!("{n}. Hello, {name}!");
    }
}
