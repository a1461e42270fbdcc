use std::sync::{atomic::*, mpsc, Arc, Barrier, Mutex, RwLock};
use std::thread;

fn main() {
    let sum = Arc::new(Mutex::new(0));
    let count = Arc::new(AtomicUsize::new(0));
    let barrier = Arc::new(Barrier::new(4));
    let all: Vec<_> = (0..4)
        .map(|n| {
            let (sum, count, barrier) = (sum.clone(), count.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..1000 {
                    *sum.lock().unwrap() += n;
                    count.fetch_add(1, Ordering::Relaxed);
                }
                n * 10
            })
        })
        .collect();
    let ends: Vec<_> = all.into_iter().map(|it| it.join().unwrap()).collect();
    println!("{} {} {ends:?}", sum.lock().unwrap(), count.load(Ordering::SeqCst));
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for n in 0..3 {
            let sender = sender.clone();
            scope.spawn(move || sender.send(n).unwrap());
        }
    });
    drop(sender);
    let mut got: Vec<i32> = receiver.iter().collect();
    got.sort();
    println!("{got:?} {:?}", RwLock::new(5).read().unwrap());
}
