use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

struct Quiet;
impl Wake for Quiet {
    fn wake(self: Arc<Self>) {}
}
struct Later(u32);
impl Future for Later {
    type Output = &'static str;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<Self::Output> {
        if self.0 == 0 {
            return Poll::Ready("done");
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn twice() -> String {
    format!("{} {}", Later(2).await, Later(1).await)
}

fn main() {
    let waker = Waker::from(Arc::new(Quiet));
    let mut context = Context::from_waker(&waker);
    let mut task = Box::pin(twice());
    let mut polls = 0;
    let text = loop {
        polls += 1;
        if let Poll::Ready(text) = task.as_mut().poll(&mut context) {
            break text;
        }
    };
    println!("{text} {polls}");
}
