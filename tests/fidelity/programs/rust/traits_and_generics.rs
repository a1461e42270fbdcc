use std::fmt::Debug;
use std::ops::{Add, Index};

trait Shape {
    fn area(&self) -> f64;
    fn name(&self) -> String {
        "shape".into()
    }
}
struct Square(f64);
struct Circle {
    radius: f64,
}
impl Shape for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}
impl Shape for Circle {
    fn area(&self) -> f64 {
        3.0 * self.radius
    }
    fn name(&self) -> String {
        "circle".into()
    }
}
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
struct Point<T> {
    x: T,
    y: T,
}
impl<T: Add<Output = T>> Add for Point<T> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Point { x: self.x + other.x, y: self.y + other.y }
    }
}
struct Row<const N: usize>([i32; N]);
impl<const N: usize> Index<usize> for Row<N> {
    type Output = i32;
    fn index(&self, n: usize) -> &i32 {
        &self.0[n % N]
    }
}
fn show(items: &[impl Debug]) {
    println!("{items:?}");
}

fn main() {
    let shapes: Vec<Box<dyn Shape>> = vec![Box::new(Square(2.0)), Box::new(Circle { radius: 1.5 })];
    for shape in &shapes {
        println!("{} {:.1}", shape.name(), shape.area());
    }
    println!("{:?} {:#?}", Point { x: 1, y: 2 } + Point { x: 3, y: 4 }, Point::<u8>::default());
    println!("{} {}", Row([1, 2, 3])[4], Point { x: 1, y: 2 } < Point { x: 1, y: 3 });
    show(&["a", "b"]);
}
