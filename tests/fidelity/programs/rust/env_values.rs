use std::env;

fn main() {
    for name in ["PLAIN", "EMPTY", "ABSENT", "HOME", "LANG"] {
        println!("{name}={:?}", env::var(name));
    }
    println!("{:?}", env::current_dir().unwrap());
}
