// Pins: executors, futures with exceptions, timeouts and cancellation, invokeAll in order, orderly shutdown.
import java.util.*;
import java.util.concurrent.*;

public class Main {
    public static void main(String[] args) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(4);
        List<Callable<Integer>> tasks = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int n = i;
            tasks.add(() -> n * n);
        }
        int sum = 0;
        for (Future<Integer> f : pool.invokeAll(tasks)) sum += f.get();
        System.out.println(sum);
        Future<?> bad = pool.submit(() -> Integer.parseInt("x"));
        try {
            bad.get();
        } catch (ExecutionException e) {
            System.out.println(e.getMessage() + " | " + e.getCause().getClass());
        }
        CountDownLatch never = new CountDownLatch(1);
        Future<?> slow = pool.submit(() -> {
            never.await();
            return null;
        });
        try {
            slow.get(20, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            System.out.println("timeout " + slow.cancel(true) + " " + slow.isCancelled() + " " + slow.isDone());
        }
        ScheduledExecutorService timer = Executors.newScheduledThreadPool(1);
        BlockingQueue<String> fired = new LinkedBlockingQueue<>();
        timer.schedule(() -> fired.add("late"), 700, TimeUnit.MILLISECONDS);
        timer.schedule(() -> fired.add("early"), 5, TimeUnit.MILLISECONDS);
        System.out.println(fired.take() + " " + fired.take());
        timer.shutdownNow();
        pool.shutdown();
        System.out.println(pool.awaitTermination(2, TimeUnit.SECONDS) + " " + pool.isTerminated());
        try {
            pool.submit(() -> 1);
        } catch (RejectedExecutionException e) {
            System.out.println("rejected");
        }
    }
}
