// What goes to stderr is marked; the exit code is told as it is.
fn main() {
    println!("This line goes to stdout.");
    eprintln!("\x1b[1;33mWarning:\x1b[0m this goes to stderr.");
    println!("And this one to stdout again.");
    std::process::exit(3);
}
