use std::fmt;

#[derive(Debug)]
struct Own {
    code: i32,
}
impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "own {}", self.code)
    }
}
impl std::error::Error for Own {}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", "12".parse::<i32>()?);
    Err(Box::new(Own { code: 5 }))
}
