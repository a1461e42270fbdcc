use std::io::{stderr, stdout, Write};

fn main() {
    let bytes: Vec<u8> = (0..=255).collect();
    stdout().write_all(&bytes).unwrap();
    stderr().write_all(&bytes).unwrap();
}
