use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

fn main() {
    let done = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).output().unwrap();
    println!("{:?} {:?} {:?}", done.status.code(), done.stdout, done.stderr);
    let killed = Command::new("sh").args(["-c", "kill -9 $$"]).status().unwrap();
    println!("{:?} {:?}", killed.code(), killed.signal());
    let child = Command::new("cat").stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    println!("{}", child.wait_with_output().unwrap().stdout.len());
    println!("{}", Command::new("/nonexistent/program").spawn().unwrap_err());
}
