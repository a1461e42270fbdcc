// Pins: Thread.setDefaultUncaughtExceptionHandler gets the exceptions of main and of others; status 1 stays.
public class Main {
    public static void main(String[] args) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((t, e) -> System.out.println(t.getName() + " -> " + e));
        Thread t = new Thread(() -> {
            int[] none = {};
            none[0]++;
        }, "worker");
        t.start();
        t.join();
        Thread own = new Thread(() -> {
            throw new RuntimeException("mine");
        });
        own.setUncaughtExceptionHandler((x, e) -> System.err.println("own handler: " + e.getMessage()));
        own.start();
        own.join();
        throw new Exception("from main");
    }
}
