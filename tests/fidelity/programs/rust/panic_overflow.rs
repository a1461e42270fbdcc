fn main() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        let text = info.payload().downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| info.payload().downcast_ref::<String>().cloned());
        eprintln!("panic at {}:{}: {}", at.file(), at.line(), text.unwrap_or_default());
    }));
    let big = unsafe { std::ptr::read_volatile(&i32::MAX) };
    println!("{} {:?} {}", big.wrapping_add(1), big.checked_add(1), big.saturating_add(1));
    println!("{}", big + 1);
}
