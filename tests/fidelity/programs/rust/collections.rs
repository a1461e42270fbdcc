use std::collections::*;

fn main() {
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for c in "hello world".chars().filter(|c| c.is_alphabetic()) {
        *counts.entry(c).or_default() += 1;
    }
    println!("{counts:?}");
    let set: HashSet<i32> = [1, 2, 3].into();
    println!("{}", set.contains(&2));
    let mut heap = BinaryHeap::from([3, 9, 4]);
    let mut queue: VecDeque<i32> = (1..=4).collect();
    queue.rotate_left(1);
    println!("{:?} {queue:?} {:?}", heap.pop(), LinkedList::from([1]));
    let map: HashMap<&str, i32> = [("a", 1), ("b", 2)].into_iter().collect();
    println!("{} {:?}", map["a"], map.get("c"));
    println!("{:?}", BTreeSet::from([5, 1, 3]).range(2..).collect::<Vec<_>>());
}
