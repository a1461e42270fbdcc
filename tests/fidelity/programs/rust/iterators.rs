fn main() {
    let v: Vec<u32> = (1..=10).filter(|n| n % 3 != 0).map(|n| n * n).collect();
    println!("{v:?} {:?}", v.iter().max_by_key(|n| **n % 7));
    println!("{:?}", v.chunks(3).map(|c| c.iter().sum::<u32>()).collect::<Vec<_>>());
    println!("{:?}", v.windows(2).all(|w| w[0] < w[1]));
    println!("{:?}", "a-b-c".split('-').rev().zip(1..).collect::<Vec<_>>());
    println!("{:?}", (0..5).scan(1, |s, n| { *s += n; Some(*s) }).skip(1).step_by(2).last());
    let mut words = vec!["pear", "fig", "apple"];
    words.sort_by(|a, b| a.len().cmp(&b.len()).then(a.cmp(b)));
    println!("{words:?} {:?}", words.binary_search_by_key(&4, |w| w.len()));
}
