// Pins: synchronized counters, wait and notify between producer and consumers, volatile, ThreadLocal, interrupt.
import java.util.*;

public class Main {
    static int counter;
    static final Object lock = new Object();
    static final ThreadLocal<Integer> local = ThreadLocal.withInitial(() -> 5);
    static volatile boolean stop;

    public static void main(String[] args) throws Exception {
        Thread[] ts = new Thread[12];
        for (int i = 0; i < ts.length; i++) {
            int n = i;
            ts[i] = new Thread(() -> {
                local.set(local.get() + n);
                for (int k = 0; k < 1000; k++) synchronized (lock) {
                    counter++;
                }
                synchronized (lock) {
                    counter += local.get();
                }
            });
            ts[i].start();
        }
        for (Thread t : ts) t.join();
        System.out.println(counter + " " + local.get());
        Deque<Integer> box = new ArrayDeque<>();
        Thread producer = new Thread(() -> {
            for (int i = 1; i <= 5; i++) synchronized (box) {
                while (!box.isEmpty()) {
                    try {
                        box.wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
                box.add(i);
                box.notifyAll();
            }
        });
        producer.start();
        for (int i = 0; i < 5; i++) synchronized (box) {
            while (box.isEmpty()) box.wait();
            System.out.print(box.remove() + " ");
            box.notifyAll();
        }
        Thread sleeper = new Thread(() -> {
            try {
                Thread.sleep(60_000);
            } catch (InterruptedException e) {
                System.out.println(e.getMessage() + " " + Thread.currentThread().isInterrupted());
            }
            while (!stop) Thread.onSpinWait();
        });
        sleeper.start();
        sleeper.interrupt();
        stop = true;
        sleeper.join();
        try {
            lock.notify();
        } catch (IllegalMonitorStateException e) {
            System.out.println(e.getMessage());
        }
    }
}
