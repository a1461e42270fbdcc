// Takes arguments and writes a file, which comes back.
use std::{env, fs};

fn main() {
    let mut report = String::from("fruit,count\n");
    let (mut kinds, mut total) = (0, 0);
    for word in env::args().skip(1) {
        let (fruit, count) = word.split_once('=').expect("FRUIT=COUNT");
        report += &format!("{fruit},{count}\n");
        total += count.parse::<i32>().expect("a number");
        kinds += 1;
    }
    fs::write("report.csv", report).unwrap();
    println!("{kinds} kinds of fruit, {total} pieces; see report.csv");
}
