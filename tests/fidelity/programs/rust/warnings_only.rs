fn unused() {}

fn main() {
    let spare = 1;
    println!("warned of, and run");
}
