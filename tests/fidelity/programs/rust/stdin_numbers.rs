use std::io::Read;

fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let (good, bad): (Vec<_>, Vec<_>) =
        text.split_whitespace().map(str::parse::<i64>).partition(Result::is_ok);
    println!("{}", good.into_iter().flatten().sum::<i64>());
    for error in bad.into_iter().filter_map(Result::err) {
        println!("{error}");
    }
}
