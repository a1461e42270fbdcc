#[derive(Debug)]
enum Tree {
    Leaf(i32),
    Node { left: Box<Tree>, right: Box<Tree> },
}
use Tree::*;

macro_rules! node {
    ($left:expr, $right:expr) => {
        Node { left: Box::new($left), right: Box::new($right) }
    };
}
macro_rules! largest {
    ($one:expr) => { $one };
    ($one:expr, $($more:expr),+) => { std::cmp::max($one, largest!($($more),+)) };
}

fn sum(tree: &Tree) -> i32 {
    match tree {
        Leaf(n @ 0..=9) => *n,
        Leaf(n) if *n < 0 => 0,
        Leaf(_) => 100,
        Node { left, right } => sum(left) + sum(right),
    }
}

fn main() {
    let tree = node!(Leaf(3), node!(Leaf(-4), Leaf(40)));
    println!("{} {}", sum(&tree), largest!(3, 9, 4));
    println!("{tree:?}");
    let [first, .., last] = [1, 2, 3, 4];
    let n = if let Ok(n @ 1..=9) = "7".parse::<i32>() { n } else { return };
    println!("{first} {last} {n} {} {}", line!(), module_path!());
    println!("{}", stringify!(a + b));
}
