// Pins: java.util.Timer runs its tasks in order of time, cancel stops it, and nanoTime moves on.
import java.util.*;
import java.util.concurrent.*;

public class Main {
    public static void main(String[] args) throws Exception {
        Timer timer = new Timer();
        BlockingQueue<String> q = new LinkedBlockingQueue<>();
        long start = System.nanoTime();
        for (int ms : new int[] {120, 5, 60}) {
            timer.schedule(new TimerTask() {
                @Override
                public void run() {
                    q.add("at " + ms);
                }
            }, ms);
        }
        int[] left = {3};
        timer.scheduleAtFixedRate(new TimerTask() {
            @Override
            public void run() {
                if (left[0]-- == 0) {
                    cancel();
                    q.add("repeated");
                }
            }
        }, 150, 2);
        for (int i = 0; i < 4; i++) System.out.println(q.take());
        System.out.println(System.nanoTime() - start >= 120_000_000L);
        timer.cancel();
        try {
            timer.schedule(new TimerTask() {
                public void run() {}
            }, 1);
        } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
        }
    }
}
