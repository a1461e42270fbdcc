// Takes memory until the limit ends it. The host does not notice.
fn main() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1u8; 8 << 20]);
        println!("{} MiB", taken.len() * 8);
    }
}
