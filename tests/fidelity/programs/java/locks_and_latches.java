// Pins: ReentrantLock with conditions, latch, barrier, semaphore, exchanger, atomics and concurrent maps.
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.concurrent.locks.*;

public class Main {
    public static void main(String[] args) throws Exception {
        ReentrantLock lock = new ReentrantLock(true);
        Condition next = lock.newCondition();
        int[] turn = {0};
        StringBuffer order = new StringBuffer();
        CountDownLatch done = new CountDownLatch(5);
        CyclicBarrier barrier = new CyclicBarrier(5, () -> order.append("|"));
        Semaphore two = new Semaphore(2);
        AtomicInteger inside = new AtomicInteger(), most = new AtomicInteger();
        ConcurrentHashMap<String, Integer> counts = new ConcurrentHashMap<>();
        for (int i = 4; i >= 0; i--) {
            int me = i;
            new Thread(() -> {
                try {
                    lock.lock();
                    try {
                        while (turn[0] != me) next.await();
                        order.append(me);
                        turn[0]++;
                        next.signalAll();
                    } finally {
                        lock.unlock();
                    }
                    barrier.await();
                    two.acquire();
                    most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                    for (int k = 0; k < 200; k++) counts.merge("k" + k % 3, 1, Integer::sum);
                    inside.decrementAndGet();
                    two.release();
                    done.countDown();
                } catch (Exception e) {
                    e.printStackTrace();
                }
            }).start();
        }
        System.out.println(done.await(5, TimeUnit.SECONDS) + " " + order + " " + (most.get() <= 2) + " " + new TreeMap<>(counts));
        Exchanger<String> ex = new Exchanger<>();
        Thread t = new Thread(() -> {
            try {
                System.out.println("thread got " + ex.exchange("from thread"));
            } catch (InterruptedException e) {
                return;
            }
        });
        t.start();
        String got = ex.exchange("from main");
        t.join();
        System.out.println("main got " + got);
        ReadWriteLock rw = new ReentrantReadWriteLock();
        rw.readLock().lock();
        System.out.println(rw.writeLock().tryLock() + " " + lock.isLocked() + " " + new AtomicReference<>("x").compareAndSet("y", "z"));
        try {
            lock.unlock();
        } catch (IllegalMonitorStateException e) {
            System.out.println(e);
        }
    }
}
