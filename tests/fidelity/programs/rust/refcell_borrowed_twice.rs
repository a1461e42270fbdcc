use std::cell::RefCell;

fn main() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location().unwrap();
        let text = info.payload().downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| info.payload().downcast_ref::<String>().cloned());
        eprintln!("panic at {}:{}: {}", at.file(), at.line(), text.unwrap_or_default());
    }));
    let cell = RefCell::new(1);
    let first = cell.borrow_mut();
    println!("{:?}", cell.try_borrow().is_err());
    drop(first);
    println!("{cell:?}");
    assert_eq!(*cell.borrow(), 2, "they differ");
}
