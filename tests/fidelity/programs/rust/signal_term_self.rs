extern "C" {
    fn raise(number: i32) -> i32;
}

fn main() {
    println!("before");
    unsafe { raise(15) };
    println!("never");
}
