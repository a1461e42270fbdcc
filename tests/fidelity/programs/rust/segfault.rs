fn main() {
    println!("before");
    let nowhere = std::hint::black_box(16usize) as *const u32;
    println!("{}", unsafe { nowhere.read_volatile() });
}
