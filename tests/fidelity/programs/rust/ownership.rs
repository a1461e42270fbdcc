use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

struct Node {
    name: &'static str,
    up: RefCell<Weak<Node>>,
    down: RefCell<Vec<Rc<Node>>>,
}
impl Drop for Node {
    fn drop(&mut self) {
        println!("drop {}", self.name);
    }
}

fn main() {
    let leaf = Rc::new(Node { name: "leaf", up: Default::default(), down: Default::default() });
    {
        let root = Rc::new(Node {
            name: "root",
            up: Default::default(),
            down: RefCell::new(vec![leaf.clone()]),
        });
        *leaf.up.borrow_mut() = Rc::downgrade(&root);
        println!("{} {}", Rc::strong_count(&leaf), leaf.up.borrow().upgrade().unwrap().name);
        println!("{}", root.down.borrow().len());
    }
    println!("{} {}", Rc::strong_count(&leaf), leaf.up.borrow().upgrade().is_none());
    let cell = Cell::new(1);
    cell.set(cell.get() + 1);
    let mut text = Cow::from("borrowed");
    text.to_mut().push('!');
    println!("{} {text}", cell.get());
}
