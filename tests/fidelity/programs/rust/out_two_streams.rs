fn main() {
    for n in 0..1000 {
        println!("out {n}");
        eprintln!("err {n}");
    }
}
