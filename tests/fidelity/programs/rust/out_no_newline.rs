fn main() {
    print!("no end");
    eprint!("nor here");
}
