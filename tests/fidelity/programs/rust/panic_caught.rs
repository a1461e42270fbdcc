fn main() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        let text = info.payload().downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| info.payload().downcast_ref::<String>().cloned());
        eprintln!("panic at {}:{}: {}", at.file(), at.line(), text.unwrap_or_default());
    }));
    let result = std::panic::catch_unwind(|| {
        let zero = unsafe { std::ptr::read_volatile(&0) };
        10 / zero
    });
    println!("{}", result.is_err());
    let thread = std::thread::spawn(|| panic!("in a thread"));
    println!("{:?}", thread.join().unwrap_err().downcast_ref::<&str>());
}
