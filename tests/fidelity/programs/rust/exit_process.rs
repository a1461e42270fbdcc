struct Loud;
impl Drop for Loud {
    fn drop(&mut self) {
        println!("dropped");
    }
}

fn main() {
    let _never = Loud;
    drop(Loud);
    std::process::exit(-1);
}
