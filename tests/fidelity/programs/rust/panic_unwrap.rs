fn main() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        let text = info.payload().downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| info.payload().downcast_ref::<String>().cloned());
        eprintln!("panic at {}:{}: {}", at.file(), at.line(), text.unwrap_or_default());
    }));
    let none: Option<i32> = std::env::args().nth(9).map(|_| 1);
    none.expect("there is one");
}
