fn main() {
    println!("Hello from a sealed sandbox!");
    println!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
}
