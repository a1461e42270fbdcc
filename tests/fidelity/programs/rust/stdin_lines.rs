fn main() {
    for line in std::io::stdin().lines() {
        println!("{:?}", line.unwrap());
    }
}
