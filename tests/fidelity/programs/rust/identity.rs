fn main() {
    println!("{:?}", std::thread::current().name());
    println!("{}", file!());
    println!("{} {}", std::env::consts::OS, cfg!(debug_assertions));
    println!("{}", std::any::type_name::<Option<String>>());
    println!("{}", std::mem::size_of::<Option<Box<i32>>>());
    println!("{:?}", std::io::IsTerminal::is_terminal(&std::io::stdout()));
}
