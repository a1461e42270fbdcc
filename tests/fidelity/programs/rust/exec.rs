use std::os::unix::process::CommandExt;

fn main() {
    println!("before");
    let error = std::process::Command::new("sh").args(["-c", "echo $0; exit 4", "x"]).exec();
    println!("{error}");
}
