fn main() {
    let text = String::from("The quick brown fox");
    println!("{} {:?} {}", &text[4..9], text.find("fox"), text.replace("quick", "slow"));
    println!("{:?}", text.char_indices().filter(|(_, c)| c.is_uppercase()).collect::<Vec<_>>());
    println!("{:?}", text.bytes().map(|b| b as u32).sum::<u32>());
    println!("{:?}", "a=1;b=2".split(';').filter_map(|p| p.split_once('=')).collect::<Vec<_>>());
    println!("{}", String::from_utf8_lossy(&[0x66, 0xff, 0x6f]));
    println!("{:?}", std::str::from_utf8(&[0xff]).unwrap_err().to_string());
    println!("{:?} {:?}", "tab\t\"q\"\u{1}", 'é'.len_utf8());
    println!("{}", ["a", "b"].concat() + &"-".repeat(3) + &format!("{:?}", Some("x")));
}
