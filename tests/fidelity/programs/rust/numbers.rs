fn main() {
    println!("{} {} {}", u64::MAX, i128::MIN, f32::EPSILON);
    println!("{} {} {:e}", 0.1 + 0.2, 1e21, 12345.678);
    println!("{:08.3}|{:+}|{:#x}|{:#b}|{:>5}|{:<5}|{:^5}|", 3.14159, 7, 255, 5, 1, 2, 3);
    println!("{} {} {}", -7 / 2, -7 % 2, (-7i32).rem_euclid(2));
    println!("{} {} {}", 300i32 as u8, -1i32 as u32, 3.99 as i32);
    println!("{:?} {:?} {}", 5u8.checked_sub(6), 250u8.overflowing_add(10), 1u32.leading_zeros());
    println!("{} {} {}", f64::NAN, 1.0 / 0.0, (2.0f64).sqrt());
    println!("{} {}", i64::pow(3, 20), u32::from_str_radix("ff", 16).unwrap());
}
