fn down(n: u64) -> u64 {
    let block = [n; 16];
    if n == 0 { 0 } else { down(n - 1) + unsafe { std::ptr::read_volatile(&block[3]) } - n + 1 }
}

fn main() {
    println!("{}", down(10000));
    let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(|| down(60000));
    println!("{}", thread.unwrap().join().unwrap());
}
