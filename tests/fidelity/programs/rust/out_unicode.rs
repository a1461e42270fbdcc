fn main() {
    let text = "é ☃ 𝄞 ü";
    println!("{text} {} {}", text.len(), text.chars().count());
    println!("{:?} {:>8}| {}", 'ß', "ñ", text.to_uppercase());
    println!("\x1b[31mred\x1b[0m\t\u{7}");
}
