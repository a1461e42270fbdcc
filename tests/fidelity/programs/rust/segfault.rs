fn main() {
    println!("before");
    let nowhere = unsafe { std::ptr::read_volatile(&16usize) } as *const u32;
    println!("{}", unsafe { nowhere.read_volatile() });
}
