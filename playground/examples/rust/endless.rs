// Ends at its time limit, or when you press Stop.
use std::{thread, time::Duration};

fn main() {
    for tick in 1.. {
        println!("tick {tick}");
        thread::sleep(Duration::from_millis(250));
    }
}
