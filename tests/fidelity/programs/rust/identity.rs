extern "C" {
    fn isatty(descriptor: i32) -> i32;
}

fn main() {
    println!("{:?}", std::thread::current().name());
    println!("{}", file!());
    println!("{} {}", std::env::consts::OS, cfg!(debug_assertions));
    println!("{}", std::any::type_name::<Option<String>>());
    println!("{}", std::mem::size_of::<Option<Box<i32>>>());
    println!("{}", unsafe { isatty(1) });
}
