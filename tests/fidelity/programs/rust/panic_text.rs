fn main() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        let text = info.payload().downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| info.payload().downcast_ref::<String>().cloned());
        eprintln!("panic at {}:{}: {}", at.file(), at.line(), text.unwrap_or_default());
    }));
    println!("before");
    let list = vec![1, 2, 3];
    println!("{}", list[unsafe { std::ptr::read_volatile(&7) }]);
}
