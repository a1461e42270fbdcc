fn main() {
    for (n, word) in std::env::args_os().skip(1).enumerate() {
        println!("{n} {word:?}");
    }
}
