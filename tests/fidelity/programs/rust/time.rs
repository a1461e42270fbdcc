use std::time::{Duration, Instant, SystemTime};

fn main() {
    let before = Instant::now();
    std::thread::sleep(Duration::from_millis(30));
    println!("{}", before.elapsed() >= Duration::from_millis(30));
    println!("{}", SystemTime::now() > SystemTime::UNIX_EPOCH);
    println!("{:?} {:?}", Duration::from_secs_f64(1.5), Duration::from_millis(2) * 3);
}
